//! The bytes of a frame in front of its payload (RFC 6455 5.2).

use super::WsBroken;
use super::opcode::{
    BINARY, CLOSE, CONTINUATION, FIN, MASKED, MAX_CONTROL_BYTES, PING, PONG, TEXT,
};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text frame, or a continuation of one; the flag says whether the message ends with it.
    Text(bool),
    Ping,
    Pong,
    Close,
}

/// The bytes of a frame up to its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) length: usize,
}

/// A header and its length in bytes, or `None` when `bytes` holds less than a header.
pub(super) fn parse_header(
    bytes: &[u8],
    in_fragments: bool,
) -> Result<Option<(Header, usize)>, WsBroken> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    let is_last = first & FIN != 0;
    let opcode = first & 0x0F;
    if first & 0x70 != 0 {
        return Err(WsBroken::ReservedBits);
    }
    if second & MASKED != 0 {
        return Err(WsBroken::Masked);
    }
    let kind = match opcode {
        CONTINUATION if !in_fragments => return Err(WsBroken::NothingToContinue),
        TEXT | BINARY if in_fragments => return Err(WsBroken::Interleaved),
        CONTINUATION | TEXT => Kind::Text(is_last),
        BINARY => return Err(WsBroken::Binary),
        CLOSE => Kind::Close,
        PING => Kind::Ping,
        PONG => Kind::Pong,
        other => return Err(WsBroken::UnknownOpcode(other)),
    };
    let short = second & 0x7F;
    let is_control = opcode >= CLOSE;
    if is_control && !is_last {
        return Err(WsBroken::BadControl);
    }
    let (length, least, header_bytes) = match short {
        126 => match bytes.get(2..4) {
            Some(&[a, b]) => (u64::from(u16::from_be_bytes([a, b])), 126, 4),
            _ => return Ok(None),
        },
        127 => match bytes.get(2..).and_then(|rest| rest.first_chunk()) {
            Some(long) => (u64::from_be_bytes(*long), 1 << 16, 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, 2),
    };
    if length < least || length >> 63 != 0 {
        return Err(WsBroken::BadLength);
    }
    if is_control && length > MAX_CONTROL_BYTES as u64 {
        return Err(WsBroken::BadControl);
    }
    // Beyond the address space is beyond any limit.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Some((Header { kind, length }, header_bytes)))
}
