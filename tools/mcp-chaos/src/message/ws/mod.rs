//! WebSocket (RFC 6455) as somebody in the middle sees it: whole messages as they lie on the wire, of either side.

mod frames;
mod message;

pub(super) use frames::Frames;
pub(super) use message::{frame, read};
