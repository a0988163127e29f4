//! Splits a stream of frames: a unit is a message with all its frames, or a control frame between two messages.

use super::super::Unsplit;
use super::super::way::{Kind, Step};
use protocol::ws::opcode::{
    BINARY, CLOSE, CONTINUATION, FIN, MASKED, MAX_CONTROL_BYTES, PING, PONG, TEXT,
};

/// The longest header: two bytes, eight of length, four of mask.
const MAX_HEADER_BYTES: usize = 14;

/// The bytes of a frame in front of its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) opcode: u8,
    pub(super) is_last: bool,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) payload: u64,
    /// Its own length.
    pub(super) bytes: usize,
}

/// Reads a header; `None` when more bytes are wanted.
pub(super) fn header(bytes: &[u8]) -> Result<Option<Header>, Unsplit> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    let opcode = first & 0x0F;
    // Reserved bits belong to extensions: compression, in practice.
    if first & 0x70 != 0 || !matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
        return Err(Unsplit);
    }
    let (payload, least, mut length) = match second & 0x7F {
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
    let is_last = first & FIN != 0;
    let bad_control = opcode >= CLOSE && (!is_last || payload > MAX_CONTROL_BYTES as u64);
    if payload < least || payload >> 63 != 0 || bad_control {
        return Err(Unsplit);
    }
    let mut mask = None;
    if second & MASKED != 0 {
        mask = bytes.get(length..).and_then(|rest| rest.first_chunk());
        if mask.is_none() {
            return Ok(None);
        }
        length += 4;
    }
    Ok(Some(Header {
        opcode,
        is_last,
        mask: mask.copied(),
        payload,
        bytes: length,
    }))
}

/// Where the splitter stands.
#[derive(Debug)]
pub(in super::super) struct Frames {
    /// Whether frames are masked, as those of clients must be.
    masked: bool,
    partial: [u8; MAX_HEADER_BYTES],
    partial_len: usize,
    /// The frame under way, and what is left of its payload.
    frame: Option<(Header, u64)>,
    /// A message is under way, and whether it is text.
    message: Option<bool>,
}

impl Frames {
    pub(in super::super) const fn new(masked: bool) -> Self {
        Self {
            masked,
            partial: [0; MAX_HEADER_BYTES],
            partial_len: 0,
            frame: None,
            message: None,
        }
    }

    pub(in super::super) fn next(&mut self, input: &[u8]) -> Result<(usize, Step), Unsplit> {
        let mut at = 0;
        loop {
            let (header, left) = match self.frame {
                Some(frame) => frame,
                None => match self.header(input, &mut at)? {
                    Some(header) => (header, header.payload),
                    None => return Ok((at, Step::Within)),
                },
            };
            let here = left.min((input.len() - at) as u64);
            at += here as usize;
            if here < left {
                self.frame = Some((header, left - here));
                return Ok((at, Step::Within));
            }
            self.frame = None;
            if let Some(kind) = self.over(header) {
                return Ok((at, Step::Over(kind)));
            }
        }
    }

    /// A frame is over: what is over with it.
    fn over(&mut self, header: Header) -> Option<Kind> {
        if header.opcode >= CLOSE {
            // One between the fragments of a message belongs to their unit: bytes keep their order.
            return self.message.is_none().then_some(Kind::Control);
        }
        if !header.is_last {
            return None;
        }
        match self.message.take() {
            Some(true) => Some(Kind::Message),
            _ => Some(Kind::Control),
        }
    }

    fn header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, Unsplit> {
        let rest = &input[*at..];
        let found = if self.partial_len == 0 {
            let found = header(rest)?;
            match found {
                Some(header) => *at += header.bytes,
                None => {
                    self.partial[..rest.len()].copy_from_slice(rest);
                    self.partial_len = rest.len();
                    *at = input.len();
                }
            }
            found
        } else {
            let mut found = None;
            while *at < input.len() && found.is_none() {
                self.partial[self.partial_len] = input[*at];
                self.partial_len += 1;
                *at += 1;
                found = header(&self.partial[..self.partial_len])?;
            }
            if found.is_some() {
                self.partial_len = 0;
            }
            found
        };
        if let Some(header) = found {
            self.begin(header)?;
        }
        Ok(found)
    }

    fn begin(&mut self, header: Header) -> Result<(), Unsplit> {
        if header.mask.is_some() != self.masked {
            return Err(Unsplit);
        }
        match header.opcode {
            CONTINUATION if self.message.is_none() => Err(Unsplit),
            TEXT | BINARY if self.message.is_some() => Err(Unsplit),
            TEXT | BINARY => {
                self.message = Some(header.opcode == TEXT);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
