//! HTTP/1.1 as somebody in the middle sees it: where heads and bodies end, and what the heads say that concerns faults.

mod chunks;
mod event;
mod event_ends;
mod head;
mod head_edit;
mod head_end;
mod splitter;

pub(super) use chunks::{chunk, unchunked};
pub(super) use event::Event;
pub(super) use event_ends::events;
pub(super) use head::{Content, Framing, Verb, reply, request};
pub(super) use head_edit::{with, without};
pub(super) use splitter::Http;
