//! Takes in the body of a POST, whole and within the limit.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::metrics::Class;
use crate::options::Limits;

/// Reads the body whole, within its time.
pub(super) async fn read_body(
    body: Incoming,
    head: &Parts,
    limits: &Limits,
) -> Result<Bytes, Refusal> {
    let reading = read_whole(body, head, limits.body_bytes);
    timeout(limits.request, reading).await.unwrap_or_else(|_| {
        let sentence = "the body took too long to come: see --request-timeout";
        let (status, class) = (StatusCode::REQUEST_TIMEOUT, Class::RequestTimeout);
        Err(Refusal::new(status, class, sentence).closing())
    })
}

/// One that is too large is read on and thrown away for a while: a client that
/// is still sending when the connection closes sees a reset instead of the 413.
async fn read_whole(mut body: Incoming, head: &Parts, most: usize) -> Result<Bytes, Refusal> {
    let sentence = "the body is larger than this server takes: see --max-body";
    let too_large =
        || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Class::TooLarge, sentence).closing();
    let cut_off = |_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            Class::BadHttp,
            "the body broke off",
        )
        .closing()
    };
    let announced = body.size_hint().lower();
    if announced > most as u64 && (head.headers.contains_key(EXPECT) || announced > DRAINED) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    let mut seen = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(cut_off)?.into_data() else {
            continue;
        };
        seen += data.len() as u64;
        if seen > most as u64 {
            (first, rest) = (Bytes::new(), None);
            if seen > DRAINED {
                break;
            }
        } else if first.is_empty() {
            // Most bodies come in one piece, and are not copied.
            first = data;
        } else {
            rest.get_or_insert_with(|| BytesMut::from(&first[..]))
                .extend_from_slice(&data);
        }
    }
    if seen > most as u64 {
        return Err(too_large());
    }
    Ok(rest.map_or(first, BytesMut::freeze))
}

/// How much of a body that is too large is read before the connection closes, in bytes.
const DRAINED: u64 = 32 << 20;
