//! A request as far as it matters here: method, path, a small body, and the headers that tell who is asking.

use std::io::{self, Read};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Instant;

/// A request's head is at most this long.
const MAX_HEAD_BYTES: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
/// And a body that somebody asked for at most this.
const MAX_BODY_BYTES: usize = 4 * 1024;

/// What was asked.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// GET, POST and so on.
    pub method: String,
    /// Without what follows `?`.
    pub path: String,
    /// The Host header.
    pub host: String,
    /// Whether there is an Origin header: a page in a browser is asking.
    pub from_a_page: bool,
    /// The token of an Authorization header.
    pub token: Option<String>,
    /// What follows the head; only of a PUT.
    pub body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug)]
pub enum Fault {
    /// The connection: there is nobody to answer.
    Gone,
    /// To be answered with this status and sentence.
    Bad(u16, &'static str),
}

/// Reads a request's head, and the body of a PUT; that of another is left where it is.
///
/// # Errors
/// It did not come by `until`, is too long, or is no HTTP/1.1.
pub fn read(stream: &mut TcpStream, until: Instant) -> Result<Request, Fault> {
    let mut bytes = Vec::with_capacity(1_024);
    let mut some = [0; 1_024];
    loop {
        match parse(&bytes)? {
            Some((mut request, body)) if bytes.len() >= body.end => {
                request.body = bytes[body].to_vec();
                return Ok(request);
            }
            Some(_) => {}
            None if bytes.len() >= MAX_HEAD_BYTES => {
                return Err(Fault::Bad(431, "the head of a request has 8 KiB at most"));
            }
            None => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Err(Fault::Bad(408, "the request took too long to come"));
        }
        match stream.read(&mut some) {
            Ok(0) => return Err(Fault::Gone),
            Ok(n) => bytes.extend_from_slice(&some[..n]),
            // It was the time: said above.
            Err(e)
                if [
                    io::ErrorKind::WouldBlock,
                    io::ErrorKind::TimedOut,
                    io::ErrorKind::Interrupted,
                ]
                .contains(&e.kind()) => {}
            Err(_) => return Err(Fault::Gone),
        }
    }
}

/// The request, once its head is whole, and where its body lies.
fn parse(head: &[u8]) -> Result<Option<(Request, Range<usize>)>, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let begin = match parsed.parse(head) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(n)) => n,
        Err(_) => return Err(Fault::Bad(400, "this is no HTTP/1.1 request")),
    };
    let header = |name: &str| {
        let of = parsed
            .headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case(name));
        of.map(|h| String::from_utf8_lossy(h.value).into_owned())
    };
    let path = parsed.path.unwrap_or_default();
    let method = parsed.method.unwrap_or_default().to_owned();
    let length = match (method.as_str(), header("content-length")) {
        ("PUT", Some(text)) => text.trim().parse().unwrap_or(usize::MAX),
        ("PUT", None) if header("transfer-encoding").is_some() => {
            return Err(Fault::Bad(411, "send the body with a Content-Length"));
        }
        _ => 0,
    };
    if length > MAX_BODY_BYTES {
        return Err(Fault::Bad(413, "a body has 4 KiB at most"));
    }
    let request = Request {
        method,
        path: path.split('?').next().unwrap_or_default().to_owned(),
        host: header("host").unwrap_or_default(),
        from_a_page: header("origin").is_some(),
        token: header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            let bears = scheme.eq_ignore_ascii_case("bearer");
            bears.then(|| token.trim().to_owned())
        }),
        body: Vec::new(),
    };
    Ok(Some((request, begin..begin + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_when_it_is_whole() {
        let text = b"GET /metrics?x=1 HTTP/1.1\r\nhost: here:8888\r\nOrigin: http://there\r\nauthorization: bearer  x y\r\n\r\n";
        for n in 0..text.len() {
            assert!(matches!(parse(&text[..n]), Ok(None)), "{n} bytes");
        }
        let request = parse(text).ok().flatten().map(|(request, _)| request);
        let wanted = Request {
            method: "GET".to_owned(),
            path: "/metrics".to_owned(),
            host: "here:8888".to_owned(),
            from_a_page: true,
            token: Some("x y".to_owned()),
            body: Vec::new(),
        };
        assert_eq!(request, Some(wanted));
        assert!(matches!(
            parse(b"\x16\x03\x01\x02\x00"),
            Err(Fault::Bad(400, _))
        ));
    }

    #[test]
    fn a_body_is_read_as_long_as_it_says_and_not_beyond_the_limit() {
        let put = |more: &str| format!("PUT /x HTTP/1.1\r\n{more}\r\n\r\n");
        let text = put("content-length: 5");
        let body = parse(text.as_bytes()).ok().flatten().map(|(_, body)| body);
        assert_eq!(body, Some(text.len()..text.len() + 5));
        for (more, status) in [
            ("content-length: 5000", 413),
            ("content-length: -1", 413),
            ("transfer-encoding: chunked", 411),
        ] {
            let fault = parse(put(more).as_bytes()).err();
            assert!(
                matches!(fault, Some(Fault::Bad(found, _)) if found == status),
                "{more}: {fault:?}"
            );
        }
    }
}
