//! A request as far as it matters here: method, path, a small body, and the headers that tell who is asking.

use crate::chunks::{self, Chunks};
use crate::limits::Limits;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

const MAX_HEADERS: usize = 64;
/// What is read at once.
const READ_BYTES: usize = 16 * 1024;
/// Chunks take more room on the wire than the body that they make: so many times, and not more.
const CHUNKED: usize = 8;

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
    /// Who says to be asking: the User-Agent header.
    pub agent: String,
    /// What follows the head, where the method is one with a body.
    pub body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug)]
pub enum Fault {
    /// The connection: there is nobody to answer.
    Gone,
    /// To be answered with this status and sentence.
    Bad(u16, String),
}

/// What bytes are so far.
#[derive(Debug, PartialEq)]
pub enum Parsed {
    /// A request. What follows it is nobody's.
    Whole(Request),
    /// The begin of one.
    Partial {
        /// Whoever sends it waits for a word before it sends the body (`Expect: 100-continue`).
        waits: bool,
    },
}

fn bad<T>(status: u16, text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Bad(status, text.into()))
}

/// Reads a request.
///
/// # Errors
/// It did not come by `until`, is too long, or is no HTTP/1.1.
pub fn read(stream: &mut TcpStream, until: Instant, limits: &Limits) -> Result<Request, Fault> {
    let mut bytes = Vec::with_capacity(1_024);
    let mut some = [0; READ_BYTES];
    let mut was_told = false;
    loop {
        match parse(&bytes, limits)? {
            Parsed::Whole(request) => return Ok(request),
            Parsed::Partial { waits } if waits && !was_told => {
                was_told = true;
                // Whoever cannot take it takes no answer either.
                let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            Parsed::Partial { .. } => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return bad(408, "the request took too long to come");
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

/// Makes a request of bytes.
///
/// # Errors
/// What is to be answered: they are no request, or one over the limits.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let begin = match parsed.parse(bytes) {
        Ok(httparse::Status::Partial) if bytes.len() < limits.head_bytes => {
            return Ok(Parsed::Partial { waits: false });
        }
        Ok(httparse::Status::Complete(n)) if n <= limits.head_bytes => n,
        Ok(_) => {
            let most = kib(limits.head_bytes);
            return bad(431, format!("the head of a request has {most} at most"));
        }
        Err(_) => return bad(400, "this is no HTTP/1.1 request"),
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
    let coding = header("transfer-encoding");
    let body = if limits.with_body.contains(&method.as_str()) {
        match body(&bytes[begin..], header("content-length"), coding, limits)? {
            Some(body) => body,
            None => {
                let waits =
                    header("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue"));
                return Ok(Parsed::Partial { waits });
            }
        }
    } else {
        Vec::new()
    };
    Ok(Parsed::Whole(Request {
        method,
        path: path.split('?').next().unwrap_or_default().to_owned(),
        host: header("host").unwrap_or_default(),
        from_a_page: header("origin").is_some(),
        token: header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            let bears = scheme.eq_ignore_ascii_case("bearer");
            bears.then(|| token.trim().to_owned())
        }),
        agent: header("user-agent").unwrap_or_default(),
        body,
    }))
}

/// The body, once it is whole.
fn body(
    rest: &[u8],
    length: Option<String>,
    coding: Option<String>,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, Fault> {
    let too_long = || {
        let most = kib(limits.body_bytes);
        bad(413, format!("a body has {most} at most"))
    };
    match (length, coding) {
        (Some(_), Some(_)) => bad(
            400,
            "a body has a Content-Length or comes in chunks, not both",
        ),
        (None, Some(coding)) if limits.takes_chunks && coding.eq_ignore_ascii_case("chunked") => {
            match chunks::join(rest, limits.body_bytes) {
                Chunks::Whole(body) => Ok(Some(body)),
                Chunks::Partial if rest.len() > CHUNKED * limits.body_bytes => too_long(),
                Chunks::Partial => Ok(None),
                Chunks::Wrong => bad(400, "the body does not come in chunks, as its head says"),
                Chunks::TooLong => too_long(),
            }
        }
        (None, Some(_)) => bad(411, "send the body with a Content-Length"),
        (None, None) => Ok(Some(Vec::new())),
        (Some(text), None) => {
            let length = text.trim().parse().unwrap_or(usize::MAX);
            if length > limits.body_bytes {
                return too_long();
            }
            Ok(rest.get(..length).map(<[u8]>::to_vec))
        }
    }
}

fn kib(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 20 => format!("{} MiB", n >> 20),
        n => format!("{} KiB", n >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    const LIMITS: Limits = Limits {
        head_bytes: 1_024,
        body_bytes: 4 * 1_024,
        with_body: &["PUT"],
        takes_chunks: true,
        connections: 1,
        patience: Duration::from_secs(1),
        nice: 0,
    };

    fn whole(text: &[u8]) -> Option<Request> {
        match parse(text, &LIMITS) {
            Ok(Parsed::Whole(request)) => Some(request),
            _ => None,
        }
    }

    #[test]
    fn a_head_is_taken_when_it_is_whole() {
        let text = b"GET /metrics?x=1 HTTP/1.1\r\nhost: here:8888\r\nOrigin: http://there\r\nUser-Agent: me\r\nauthorization: bearer  x y\r\n\r\n";
        for n in 0..text.len() {
            let so_far = parse(&text[..n], &LIMITS);
            assert!(
                matches!(so_far, Ok(Parsed::Partial { waits: false })),
                "{n} bytes"
            );
        }
        let wanted = Request {
            method: "GET".to_owned(),
            path: "/metrics".to_owned(),
            host: "here:8888".to_owned(),
            from_a_page: true,
            token: Some("x y".to_owned()),
            agent: "me".to_owned(),
            body: Vec::new(),
        };
        assert_eq!(whole(text), Some(wanted));
        assert!(matches!(
            parse(b"\x16\x03\x01\x02\x00", &LIMITS),
            Err(Fault::Bad(400, _))
        ));
        let long = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(2_000));
        for text in [long.clone(), format!("{long}\r\n\r\n")] {
            assert!(matches!(
                parse(text.as_bytes(), &LIMITS),
                Err(Fault::Bad(431, _))
            ));
        }
    }

    #[test]
    fn a_body_is_read_as_long_as_it_says_and_not_beyond_the_limit() {
        let put = |more: &str| format!("PUT /x HTTP/1.1\r\n{more}\r\n\r\n");
        let text = put("content-length: 5");
        assert_eq!(whole(format!("{text}1234").as_bytes()), None);
        let body = whole(format!("{text}12345 and more").as_bytes()).map(|r| r.body);
        assert_eq!(body, Some(b"12345".to_vec()));
        let text = put("transfer-encoding: Chunked\r\nexpect: 100-Continue");
        assert!(matches!(
            parse(text.as_bytes(), &LIMITS),
            Ok(Parsed::Partial { waits: true })
        ));
        let body = whole(format!("{text}2\r\nab\r\n0\r\n\r\n").as_bytes()).map(|r| r.body);
        assert_eq!(body, Some(b"ab".to_vec()));
        for (more, status) in [
            ("content-length: 5000", 413),
            ("content-length: -1", 413),
            ("transfer-encoding: gzip", 411),
            ("transfer-encoding: chunked\r\ncontent-length: 1", 400),
            ("transfer-encoding: chunked\r\n\r\n5000\r\n", 413),
            ("transfer-encoding: chunked\r\n\r\nx", 400),
        ] {
            let fault = parse(put(more).as_bytes(), &LIMITS).err();
            assert!(
                matches!(fault, Some(Fault::Bad(found, _)) if found == status),
                "{more}: {fault:?}"
            );
        }
    }
}
