//! The head of a request: everything that stays the same in a session is rendered once.

use crate::endpoint::Endpoint;

/// What the user of a tool adds to each request.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadOptions<'a> {
    /// The value of `Host`, where it is not that of the endpoint.
    pub host_header: Option<&'a str>,
    /// Further headers. One that we would send ourselves is sent as given here instead.
    pub headers: &'a [(String, String)],
}

/// Why a head cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A name that is no token (RFC 9110 5.1).
    #[error("`{0}` is no header name: use letters, digits and `-`")]
    BadName(String),
    /// A value that would end its line, or hold other control characters.
    #[error("the value of the header {0} holds a line end or another control character")]
    BadValue(String),
    /// A header that says where messages begin and end.
    #[error("the header {0} cannot be given: it is set for each request as its body needs it")]
    Framing(String),
}

/// Headers that decide where a message ends or what is spoken behind it.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "upgrade", "te"];

/// Header lines under construction; refuses whatever would break out of its line.
#[derive(Debug)]
pub(crate) struct HeadLines<'a> {
    text: Vec<u8>,
    options: &'a HeadOptions<'a>,
}

impl<'a> HeadLines<'a> {
    /// A head with its request line, `Host` and `User-Agent`.
    pub(crate) fn new(
        method: &str,
        endpoint: &Endpoint,
        options: &'a HeadOptions<'a>,
    ) -> Result<HeadLines<'a>, HeadError> {
        let mut lines = HeadLines {
            text: format!("{method} {} HTTP/1.1\r\n", endpoint.path).into_bytes(),
            options,
        };
        match options.host_header {
            Some(host) => lines.push("Host", host)?,
            None => lines.own("Host", &endpoint.host_header())?,
        }
        // Firewalls in front of servers refuse requests that name no agent.
        lines.own("User-Agent", concat!("mcpipe/", env!("CARGO_PKG_VERSION")))?;
        Ok(lines)
    }

    /// Whether the user gives this header.
    fn is_given(&self, name: &str) -> bool {
        let mut given = self.options.headers.iter();
        given.any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    /// A header of ours, unless the user gives it.
    pub(crate) fn own(&mut self, name: &str, value: &str) -> Result<(), HeadError> {
        if self.is_given(name) {
            return Ok(());
        }
        self.push(name, value)
    }

    /// A header that we must send as it is.
    pub(crate) fn push(&mut self, name: &str, value: &str) -> Result<(), HeadError> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(HeadError::BadName(name.to_owned()));
        }
        if !is_value(value) {
            return Err(HeadError::BadValue(name.to_owned()));
        }
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b": ");
        self.text.extend_from_slice(value.as_bytes());
        self.text.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// The user's headers, without those in `reserved` (lower case), and the lines so far.
    pub(crate) fn finish(mut self, reserved: &[&str]) -> Result<Vec<u8>, HeadError> {
        for (name, value) in self.options.headers {
            let lower = name.to_ascii_lowercase();
            if FRAMING.contains(&lower.as_str()) || reserved.contains(&lower.as_str()) {
                return Err(HeadError::Framing(name.clone()));
            }
            if lower == "host" && self.options.host_header.is_some() {
                continue;
            }
            self.push(name, value)?;
        }
        Ok(self.text)
    }
}

/// The headers of a session: its revision and its id, where there are any.
fn session_lines(
    lines: &mut HeadLines<'_>,
    revision: Option<&str>,
    session: Option<&str>,
) -> Result<(), HeadError> {
    if let Some(revision) = revision {
        lines.own("MCP-Protocol-Version", revision)?;
    }
    if let Some(session) = session {
        lines.own("Mcp-Session-Id", session)?;
    }
    Ok(())
}

/// Writes the head of each POST of one session.
#[derive(Debug, Clone)]
pub struct PostHead {
    fixed: Vec<u8>,
    /// The user gives these headers, so that ours stay out.
    given_method: bool,
    given_name: bool,
}

impl PostHead {
    /// Renders what all requests of a session have in common. `revision_header` is the value of
    /// `MCP-Protocol-Version` (after `initialize`, or always in the stateless era), `session` that of
    /// `Mcp-Session-Id`.
    ///
    /// # Errors
    /// When a name or a value cannot stand in a header line.
    pub fn new(
        endpoint: &Endpoint,
        options: &HeadOptions<'_>,
        revision_header: Option<&str>,
        session: Option<&str>,
    ) -> Result<PostHead, HeadError> {
        let mut lines = HeadLines::new("POST", endpoint, options)?;
        lines.own("Content-Type", "application/json")?;
        // Both, always: most servers answer 406 otherwise, whichever of the two they then send.
        lines.own("Accept", "application/json, text/event-stream")?;
        session_lines(&mut lines, revision_header, session)?;
        Ok(PostHead {
            given_method: lines.is_given("Mcp-Method"),
            given_name: lines.is_given("Mcp-Name"),
            fixed: lines.finish(&[])?,
        })
    }

    /// Appends the head of a POST whose body, of `body_len` bytes, follows. `modern` is the method and,
    /// where the method has one, the name of its tool, prompt or resource, as a header value: the
    /// caller has encoded what cannot stand in a header.
    pub fn write(&self, modern: Option<(&str, Option<&str>)>, body_len: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.fixed);
        if let Some((method, name)) = modern {
            if !self.given_method {
                line(out, b"Mcp-Method: ", method);
            }
            if let Some(name) = name.filter(|_| !self.given_name) {
                line(out, b"Mcp-Name: ", name);
            }
        }
        let mut digits = [0; 20];
        out.extend_from_slice(b"Content-Length: ");
        out.extend_from_slice(decimal(body_len, &mut digits));
        out.extend_from_slice(b"\r\n\r\n");
    }
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &str) {
    debug_assert!(
        is_value(value),
        "the caller encodes what is no header value"
    );
    out.extend_from_slice(name);
    // A name that comes from a hostile server must not become a header of ours, whatever the caller
    // has forgotten; what is dropped here makes the server refuse the call.
    out.extend(value.bytes().filter(|byte| !byte.is_ascii_control()));
    out.extend_from_slice(b"\r\n");
}

fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// A whole DELETE, which ends a session.
///
/// # Errors
/// As [`PostHead::new`].
pub fn delete_head(
    endpoint: &Endpoint,
    options: &HeadOptions<'_>,
    revision_header: Option<&str>,
    session: &str,
) -> Result<Vec<u8>, HeadError> {
    let mut lines = HeadLines::new("DELETE", endpoint, options)?;
    session_lines(&mut lines, revision_header, Some(session))?;
    whole(lines)
}

/// A whole GET, which opens the stream from server to client, or takes it up again behind
/// `last_event_id`.
///
/// # Errors
/// As [`PostHead::new`].
pub fn get_head(
    endpoint: &Endpoint,
    options: &HeadOptions<'_>,
    revision_header: Option<&str>,
    session: Option<&str>,
    last_event_id: Option<&str>,
) -> Result<Vec<u8>, HeadError> {
    let mut lines = HeadLines::new("GET", endpoint, options)?;
    lines.own("Accept", "text/event-stream")?;
    session_lines(&mut lines, revision_header, session)?;
    if let Some(id) = last_event_id {
        lines.own("Last-Event-ID", id)?;
    }
    whole(lines)
}

fn whole(lines: HeadLines<'_>) -> Result<Vec<u8>, HeadError> {
    let mut text = lines.finish(&[])?;
    text.extend_from_slice(b"\r\n");
    Ok(text)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_value(value: &str) -> bool {
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    !value.bytes().any(is_control)
}
