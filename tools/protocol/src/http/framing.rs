//! What the headers of an answer say: where its body ends, and the few facts that MCP cares about.

use super::{Broken, Content};

/// Where a body ends (RFC 9112 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none: 1xx, 204, 304.
    Empty,
    Length(u64),
    Chunked,
    /// With the connection.
    UntilClose,
}

/// One pass over the headers of one answer; texts are borrowed from the head.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) reusable: bool,
    pub(super) content: Content,
    pub(super) session: Option<&'a [u8]>,
    pub(super) location: Option<&'a [u8]>,
    pub(super) retry_after_s: Option<u32>,
    pub(super) set_cookies: Vec<&'a [u8]>,
    pub(super) challenge: Option<&'a [u8]>,
    length: Option<u64>,
    /// Whether there is a transfer coding, and whether it is `chunked` alone.
    coding: Option<bool>,
    http_1_1: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn read(parsed: &httparse::Response<'_, 'a>) -> Result<Facts<'a>, Broken> {
        let mut facts = Facts::of(parsed.code.unwrap_or_default());
        facts.http_1_1 = parsed.version == Some(1);
        facts.reusable = facts.http_1_1;
        for header in parsed.headers.iter() {
            facts.header(header.name, header.value)?;
        }
        facts.finish()?;
        Ok(facts)
    }

    /// What is known of an answer before its headers.
    pub(crate) fn of(status: u16) -> Self {
        Facts {
            status,
            framing: Framing::UntilClose,
            reusable: true,
            content: Content::Other,
            session: None,
            location: None,
            retry_after_s: None,
            set_cookies: Vec::new(),
            challenge: None,
            length: None,
            coding: None,
            http_1_1: true,
        }
    }

    /// How long the body is to be, as far as its headers say and the status lets it have one.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length.filter(|_| !self.is_bodiless())
    }

    /// A 204 or 304 may carry the length that a body would have had.
    fn is_bodiless(&self) -> bool {
        self.status < 200 || self.status == 204 || self.status == 304
    }

    /// Takes one header in.
    #[inline]
    pub(crate) fn header(&mut self, name: &str, value: &'a [u8]) -> Result<(), Broken> {
        let value = value.trim_ascii();
        // The length of the name rules nearly all of the comparisons out.
        match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => {
                self.length = Some(one_length(value, self.length)?);
            }
            12 if name.eq_ignore_ascii_case("content-type") => {
                self.content = content(value);
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                // A second line, or a list, is some other coding with or without chunked.
                self.coding = Some(self.coding.is_none() && value.eq_ignore_ascii_case(b"chunked"));
            }
            16 if name.eq_ignore_ascii_case("content-encoding")
                && !value.eq_ignore_ascii_case(b"identity")
                && !value.is_empty() =>
            {
                return Err(Broken::ContentCoding);
            }
            10 if name.eq_ignore_ascii_case("connection") => {
                if has_token(value, b"close") {
                    self.reusable = false;
                } else if !self.http_1_1 && has_token(value, b"keep-alive") {
                    self.reusable = true;
                }
            }
            14 if name.eq_ignore_ascii_case("mcp-session-id") => self.session = Some(value),
            10 if name.eq_ignore_ascii_case("set-cookie") => self.set_cookies.push(value),
            8 if name.eq_ignore_ascii_case("location") => self.location = Some(value),
            16 if name.eq_ignore_ascii_case("www-authenticate") => self.challenge = Some(value),
            11 if name.eq_ignore_ascii_case("retry-after") => {
                let text = str::from_utf8(value).ok();
                self.retry_after_s = text.and_then(|text| text.parse().ok());
            }
            _ => {}
        }
        Ok(())
    }

    /// Says where the body ends, once all headers are known.
    fn finish(&mut self) -> Result<(), Broken> {
        self.framing = match (self.coding, self.length) {
            _ if self.is_bodiless() => Framing::Empty,
            (Some(_), Some(_)) => return Err(Broken::TwoLengths),
            (Some(false), None) => return Err(Broken::TransferCoding),
            (Some(true), None) => {
                // HTTP/1.0 knows no codings: what sent this is confused about its framing.
                self.reusable &= self.http_1_1;
                Framing::Chunked
            }
            (None, Some(length)) => Framing::Length(length),
            (None, None) => {
                self.reusable = false;
                Framing::UntilClose
            }
        };
        Ok(())
    }
}

/// A length, which may be repeated (also as a list) as long as all say the same.
fn one_length(value: &[u8], earlier: Option<u64>) -> Result<u64, Broken> {
    let mut length = earlier;
    for item in value.split(|&byte| byte == b',') {
        let item = item.trim_ascii();
        // `parse` would take a plus sign.
        if item.is_empty() || !item.iter().all(u8::is_ascii_digit) {
            return Err(Broken::BadLength);
        }
        let text = str::from_utf8(item).map_err(|_| Broken::BadLength)?;
        let number = text.parse().map_err(|_| Broken::BadLength)?;
        if length.is_some_and(|length| length != number) {
            return Err(Broken::BadLength);
        }
        length = Some(number);
    }
    length.ok_or(Broken::BadLength)
}

fn content(value: &[u8]) -> Content {
    let media = value.split(|&byte| byte == b';').next().unwrap_or_default();
    let media = media.trim_ascii();
    let is_json_suffix = media.len() > 5 && media[media.len() - 5..].eq_ignore_ascii_case(b"+json");
    if media.eq_ignore_ascii_case(b"application/json") || is_json_suffix {
        Content::Json
    } else if media.eq_ignore_ascii_case(b"text/event-stream") {
        Content::EventStream
    } else {
        Content::Other
    }
}

/// Whether a comma-separated list holds the token, in any case.
pub(crate) fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|&byte| byte == b',')
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}
