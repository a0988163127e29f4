//! The head of a request: everything that stays the same in a session is rendered once.

use super::head_lines::{HeadError, HeadLines, HeadOptions, is_value};
use crate::endpoint::Endpoint;

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

/// What a modern request says of its body in headers, so that balancers need not read the body
/// (2026-07-28, Streamable HTTP). All values are encoded already, where HTTP cannot carry them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Routing<'a> {
    /// `Mcp-Method`.
    pub method: &'a str,
    /// `Mcp-Name`: the tool, prompt or resource, where the method has one.
    pub name: Option<&'a str>,
    /// `Mcp-Param-…`: whole names, and values.
    pub params: &'a [(String, String)],
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

    /// Appends the head of a POST whose body, of `body_len` bytes, follows. `routing` stands in the
    /// headers of the modern era.
    pub fn write(&self, routing: Option<Routing<'_>>, body_len: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.fixed);
        if let Some(routing) = routing {
            if !self.given_method {
                line(out, b"Mcp-Method: ", routing.method);
            }
            if let Some(name) = routing.name.filter(|_| !self.given_name) {
                line(out, b"Mcp-Name: ", name);
            }
            for (name, value) in routing.params {
                out.extend(name.bytes().filter(|byte| !byte.is_ascii_control()));
                line(out, b": ", value);
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
