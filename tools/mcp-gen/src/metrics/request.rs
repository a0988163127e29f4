//! A request as far as it matters here: method, path, and the headers that tell a browser from a tool.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Instant;

/// A request's head is at most this long.
const MAX_HEAD_BYTES: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;

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
}

/// Why there is none.
#[derive(Debug)]
pub enum Fault {
    /// The connection: there is nobody to answer.
    Gone,
    /// To be answered with this status and sentence.
    Bad(u16, &'static str),
}

/// Reads a request's head; a body is left where it is.
///
/// # Errors
/// It did not come by `until`, is too long, or is no HTTP/1.1.
pub fn read(stream: &mut TcpStream, until: Instant) -> Result<Request, Fault> {
    let mut head = Vec::with_capacity(1_024);
    let mut some = [0; 1_024];
    loop {
        if let Some(request) = parse(&head)? {
            return Ok(request);
        }
        if head.len() >= MAX_HEAD_BYTES {
            return Err(Fault::Bad(431, "the head of a request has 8 KiB at most"));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Err(Fault::Bad(408, "the request took too long to come"));
        }
        match stream.read(&mut some) {
            Ok(0) => return Err(Fault::Gone),
            Ok(n) => head.extend_from_slice(&some[..n]),
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

fn parse(head: &[u8]) -> Result<Option<Request>, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(head) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(_)) => {}
        Err(_) => return Err(Fault::Bad(400, "this is no HTTP/1.1 request")),
    }
    let header = |name: &str| {
        let of = parsed
            .headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case(name));
        of.map(|h| String::from_utf8_lossy(h.value).into_owned())
    };
    let path = parsed.path.unwrap_or_default();
    Ok(Some(Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.split('?').next().unwrap_or_default().to_owned(),
        host: header("host").unwrap_or_default(),
        from_a_page: header("origin").is_some(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_when_it_is_whole() {
        let text = b"GET /metrics?x=1 HTTP/1.1\r\nhost: here:8888\r\nOrigin: http://there\r\n\r\n";
        for n in 0..text.len() {
            assert!(matches!(parse(&text[..n]), Ok(None)), "{n} bytes");
        }
        let request = parse(text).ok().flatten();
        let wanted = Request {
            method: "GET".to_owned(),
            path: "/metrics".to_owned(),
            host: "here:8888".to_owned(),
            from_a_page: true,
        };
        assert_eq!(request, Some(wanted));
        assert!(matches!(
            parse(b"\x16\x03\x01\x02\x00"),
            Err(Fault::Bad(400, _))
        ));
    }
}
