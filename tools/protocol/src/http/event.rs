//! What an answer gives: its head, its messages, its end; and how much of it is held in memory.

use super::framing::Facts;

/// How much of an answer is held in memory at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest head (status line and headers), in bytes.
    pub head_bytes: usize,
    /// The longest body, in bytes; of an event stream, which may go on for ever, the longest event.
    pub body_bytes: usize,
}

impl Default for Limits {
    /// 64 KiB of head, 16 MiB of body.
    fn default() -> Self {
        Limits {
            head_bytes: 64 * 1024,
            body_bytes: 16 * 1024 * 1024,
        }
    }
}

/// What kind of body an answer has, by its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// `application/json`, or a type that ends in `+json`.
    Json,
    /// `text/event-stream`.
    EventStream,
    /// Anything else, or nothing.
    #[default]
    Other,
}

/// What is known of an answer before its body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The status code, 200 to 999; 0 before the first answer.
    pub status: u16,
    /// What the body is.
    pub content: Content,
    /// `Mcp-Session-Id`. A value that is not visible ASCII is left out, as it could not be sent back.
    pub session: Option<String>,
    /// `Location`, of a redirect.
    pub location: Option<String>,
    /// `WWW-Authenticate`, of a 401: what the server wants to see (RFC 9110, 11.6.1).
    pub challenge: Option<String>,
    /// Each `Set-Cookie`; see [`crate::cookies::Jar`].
    pub set_cookies: Vec<String>,
    /// `Retry-After` in seconds (the form with a date is not read).
    pub retry_after_s: Option<u32>,
    /// Whether the connection can take another request after this answer.
    pub reusable: bool,
}

impl Head {
    pub(crate) fn fill(&mut self, facts: &Facts<'_>) {
        self.status = facts.status;
        self.content = facts.content;
        self.reusable = facts.reusable;
        self.retry_after_s = facts.retry_after_s;
        // Nearly no answer has any, and then nothing is allocated.
        self.set_cookies.clear();
        let cookies = facts.set_cookies.iter();
        self.set_cookies
            .extend(cookies.map(|value| String::from_utf8_lossy(value).into_owned()));
        self.challenge = facts
            .challenge
            .map(|value| String::from_utf8_lossy(value).into_owned());
        keep(&mut self.session, facts.session);
        keep(&mut self.location, facts.location);
    }
}

/// What was found in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// An answer began. Interim answers (1xx) are skipped.
    Head(&'a Head),
    /// A whole body (of any status and type, unless empty), or the data of one server-sent event
    /// of the type `message`. Never empty.
    Message(&'a [u8]),
    /// A server-sent event of another type, such as the `endpoint` of HTTP+SSE servers.
    Named {
        /// The type.
        kind: &'a str,
        /// The data, never empty.
        data: &'a [u8],
    },
    /// The answer is over.
    End {
        /// Whether the connection can take another request.
        reusable: bool,
    },
}

/// Stores a header value. Servers that send the session with every answer cost no allocation each.
fn keep(slot: &mut Option<String>, value: Option<&[u8]>) {
    if slot.as_deref().map(str::as_bytes) == value {
        return;
    }
    *slot = value
        .filter(|value| !value.is_empty() && value.iter().all(u8::is_ascii_graphic))
        .map(|value| String::from_utf8_lossy(value).into_owned());
}
