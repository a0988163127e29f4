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
