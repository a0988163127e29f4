//! What the head of a request or of an answer says, as far as it concerns framing and faults.

use super::super::Unsplit;
use crate::dice;
use std::mem::MaybeUninit;

/// The most header lines of one head.
const MAX_HEADERS: usize = 128;

/// Where a body ends (RFC 9112 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Framing {
    Empty,
    Length(u64),
    Chunked,
    UntilClose,
}

/// What a body is, by its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Content {
    Json,
    Events,
    Other,
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verb {
    Get,
    Post,
    Head,
    Connect,
    Other,
}

/// The head of a request.
#[derive(Debug)]
pub(in super::super) struct RequestHead<'a> {
    pub(in super::super) verb: Verb,
    pub(in super::super) target: &'a str,
    pub(in super::super) framing: Framing,
    /// It asks for another protocol, and whether that is WebSocket.
    pub(in super::super) upgrade: Option<bool>,
    /// It offers extensions of WebSocket.
    pub(in super::super) extensions: bool,
    /// It waits for `100 Continue`.
    pub(in super::super) expects: bool,
    pub(in super::super) compressed: bool,
    /// `Mcp-Session-Id`, as a number; 0 where there is none.
    pub(in super::super) session: u64,
    /// It says its method in a header, as from 2026-07-28 on.
    pub(in super::super) modern: bool,
    /// The connection ends with its answer.
    pub(in super::super) closes: bool,
}

/// The head of an answer.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct ReplyHead {
    pub(in super::super) status: u16,
    pub(in super::super) framing: Framing,
    pub(in super::super) content: Content,
    pub(in super::super) compressed: bool,
    /// It agrees to extensions of WebSocket.
    pub(in super::super) extensions: bool,
}

/// The headers that say where a body ends.
#[derive(Default)]
struct Lengths {
    length: Option<u64>,
    chunked: bool,
    bad: bool,
}

impl Lengths {
    fn take(&mut self, name: &str, value: &[u8]) {
        if name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
            let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let length = text.parse().ok().filter(|_| is_number);
            // Two that say the same are allowed, and nobody sends them.
            self.bad |= length.is_none() || self.length.is_some();
            self.length = length;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.bad |= self.chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked");
            self.chunked = true;
        }
    }

    /// Both at once is how requests are smuggled past a proxy that guesses.
    fn framing(&self, otherwise: Framing) -> Result<Framing, Unsplit> {
        match (self.length, self.chunked) {
            _ if self.bad => Err(Unsplit),
            (Some(_), true) => Err(Unsplit),
            (None, true) => Ok(Framing::Chunked),
            (Some(length), false) => Ok(Framing::Length(length)),
            (None, false) => Ok(otherwise),
        }
    }
}

/// Reads the head of a request.
pub(in super::super) fn request(raw: &[u8]) -> Result<RequestHead<'_>, Unsplit> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_request_with_uninit_headers(&mut head, raw, &mut slots)
        .map_err(|_| Unsplit)?;
    let (true, Some(verb), Some(target)) = (parsed.is_complete(), head.method, head.path) else {
        return Err(Unsplit);
    };
    let mut found = RequestHead {
        verb: match verb {
            "GET" => Verb::Get,
            "POST" => Verb::Post,
            "HEAD" => Verb::Head,
            "CONNECT" => Verb::Connect,
            _ => Verb::Other,
        },
        target,
        framing: Framing::Empty,
        upgrade: None,
        extensions: false,
        expects: false,
        compressed: false,
        session: 0,
        modern: false,
        closes: false,
    };
    let mut lengths = Lengths::default();
    for header in head.headers.iter() {
        // The length of the name rules nearly all of the comparisons out.
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        match header.name.len() {
            6 if is("expect") => found.expects = true,
            7 if is("upgrade") => {
                found.upgrade = Some(header.value.trim_ascii().eq_ignore_ascii_case(b"websocket"));
            }
            10 if is("mcp-method") => found.modern = true,
            10 if is("connection") => found.closes |= has_token(header.value, b"close"),
            14 if is("mcp-session-id") => found.session = session(header.value),
            14 | 17 => lengths.take(header.name, header.value),
            16 if is("content-encoding") => found.compressed = is_coded(header.value),
            24 if is("sec-websocket-extensions") => found.extensions = true,
            _ => {}
        }
    }
    found.framing = lengths.framing(Framing::Empty)?;
    Ok(found)
}

/// Reads the head of an answer to a request with this verb.
pub(in super::super) fn reply(raw: &[u8], verb: Verb) -> Result<ReplyHead, Unsplit> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut head, raw, &mut slots)
        .map_err(|_| Unsplit)?;
    let (true, Some(status @ 100..)) = (parsed.is_complete(), head.code) else {
        return Err(Unsplit);
    };
    let mut found = ReplyHead {
        status,
        framing: Framing::Empty,
        content: Content::Other,
        compressed: false,
        extensions: false,
    };
    let mut lengths = Lengths::default();
    for header in head.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        match header.name.len() {
            12 if is("content-type") => found.content = content(header.value),
            14 | 17 => lengths.take(header.name, header.value),
            16 if is("content-encoding") => found.compressed = is_coded(header.value),
            24 if is("sec-websocket-extensions") => found.extensions = true,
            _ => {}
        }
    }
    if !(status < 200 || matches!(status, 204 | 304) || verb == Verb::Head) {
        found.framing = lengths.framing(Framing::UntilClose)?;
    }
    Ok(found)
}

/// A session's id as a number that is not 0.
fn session(value: &[u8]) -> u64 {
    dice::named(&String::from_utf8_lossy(value.trim_ascii())).max(1)
}

fn is_coded(value: &[u8]) -> bool {
    !matches!(value.trim_ascii(), b"" | b"identity")
}

fn content(value: &[u8]) -> Content {
    let media = value.split(|&byte| byte == b';').next().unwrap_or_default();
    let media = media.trim_ascii().to_ascii_lowercase();
    if media == b"application/json" || media.ends_with(b"+json") {
        Content::Json
    } else if media == b"text/event-stream" {
        Content::Events
    } else {
        Content::Other
    }
}

fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|&byte| byte == b',')
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_say_where_bodies_end() {
        let of = |lines: &str| reply(format!("HTTP/1.1 {lines}\r\n\r\n").as_bytes(), Verb::Post);
        let framing = |lines: &str| of(lines).map(|head| head.framing);
        assert_eq!(
            framing("200 OK\r\nContent-Length: 5"),
            Ok(Framing::Length(5))
        );
        assert_eq!(
            framing("200 OK\r\ntransfer-encoding: Chunked"),
            Ok(Framing::Chunked)
        );
        assert_eq!(framing("200 OK"), Ok(Framing::UntilClose));
        assert_eq!(
            framing("204 No Content\r\nContent-Length: 5"),
            Ok(Framing::Empty)
        );
        for bad in [
            "200 OK\r\nContent-Length: +5",
            "200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
            "200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
            "200 OK\r\nTransfer-Encoding: gzip, chunked",
            "99 Low",
        ] {
            assert_eq!(framing(bad), Err(Unsplit), "{bad}");
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(
            reply(head, Verb::Head).map(|h| h.framing),
            Ok(Framing::Empty)
        );
        assert!(request(b"PRI * HTTP/2.0\r\n\r\n").is_err());
    }
}
