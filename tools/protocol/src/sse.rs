//! Server-sent events: takes a byte stream apart into events, wherever the stream happens to be cut.
//!
//! The rules are those of WHATWG HTML 9.2.6 ("interpreting an event stream"). An event whose data is empty
//! is no event there, and none here: its `id` and `retry` count all the same, which is how MCP servers
//! prime a stream that can be resumed.

mod parser;

pub(crate) use parser::Data;
pub use parser::Parser;

/// What an event without an `event` field is called.
pub const DEFAULT_KIND: &str = "message";

/// How much of a stream is held in memory at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, in bytes, without its end.
    pub line_bytes: usize,
    /// The most data of one event, in bytes, over all its lines.
    pub event_bytes: usize,
}

impl Default for Limits {
    /// 16 MiB of data an event, and a line that can hold it.
    fn default() -> Self {
        Limits::for_event(16 * 1024 * 1024)
    }
}

impl Limits {
    /// Limits for events of `event_bytes`, each of which may stand in a single line.
    pub fn for_event(event_bytes: usize) -> Limits {
        Limits {
            line_bytes: event_bytes.saturating_add("data: ".len()),
            event_bytes,
        }
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line beyond [`Limits::line_bytes`].
    #[error("a line of the event stream is longer than {0} bytes: raise the limit on message size")]
    LineTooLong(usize),
    /// Data beyond [`Limits::event_bytes`].
    #[error("the data of one server-sent event exceeds {0} bytes: raise the limit on message size")]
    EventTooLarge(usize),
}

/// One event with data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field, [`DEFAULT_KIND`] where there was none.
    pub kind: &'a str,
    /// The data lines, joined by LF. Never empty. Not checked for UTF-8.
    pub data: &'a [u8],
}
