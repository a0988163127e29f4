//! HTTP/1.1 as MCP needs it from the client's side: request heads rendered once, answers read one
//! after another, no socket in sight.
//!
//! The rules of message framing are those of RFC 9112; where that lets a client choose between
//! guessing and refusing, it is refused, because a guess would move bytes of one answer into another.

mod broken;
mod chunked;
mod event;
mod framing;
mod head;
mod head_lines;
mod head_reader;
mod reply;

pub use broken::Broken;
pub use event::{Content, Event, Head, Limits};
pub use head::{PostHead, Routing, delete_head, get_head};
pub use head_lines::{HeadError, HeadOptions};
pub use reply::Reply;

pub(crate) use framing::{Facts, has_token};
pub(crate) use head_lines::HeadLines;
pub(crate) use head_reader::HeadReader;
