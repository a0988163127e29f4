//! Reads a server's frames and puts fragmented messages together.

use std::ops::Range;

use super::WsBroken;
use super::header::{Header, Kind, parse_header};

/// How much of a stream is held in memory at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes, over all its fragments.
    pub message_bytes: usize,
}

impl Default for Limits {
    /// 16 MiB.
    fn default() -> Self {
        Limits {
            message_bytes: 16 * 1024 * 1024,
        }
    }
}

/// How much memory for messages in pieces a connection keeps.
const KEPT_BYTES: usize = 1024 * 1024;

/// What a server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A whole text message. It is UTF-8; it may be empty.
    Message(&'a [u8]),
    /// A ping, to be answered by a pong with the same payload (at most 125 bytes).
    Ping(&'a [u8]),
    /// A pong.
    Pong,
    /// The server ends the conversation, perhaps with a code (RFC 6455 7.4) and a reason. Nothing
    /// counts behind it.
    Close(Option<u16>, &'a str),
}

/// Where a frame's payload is.
enum Payload {
    Input(Range<usize>),
    Kept,
}

/// Reads the frames of one connection.
#[derive(Debug)]
pub struct FrameReader {
    limits: Limits,
    /// A frame header that was not whole yet: 2 to 10 bytes.
    partial: [u8; 10],
    partial_len: usize,
    /// The frame under way, and how much of its payload is still to come.
    frame: Option<(Kind, usize)>,
    /// The message under way, as far as it came in pieces; up to `checked` it is known to be UTF-8.
    message: Vec<u8>,
    checked: usize,
    in_fragments: bool,
    /// A control frame that came in pieces; these may stand between the fragments of a message.
    control: Vec<u8>,
    /// The last call gave `message` out.
    given: bool,
    closed: bool,
    broken: Option<WsBroken>,
}

impl FrameReader {
    /// A reader at the beginning of the frames, behind the upgrade.
    pub fn new(limits: Limits) -> FrameReader {
        FrameReader {
            limits,
            partial: [0; 10],
            partial_len: 0,
            frame: None,
            message: Vec::new(),
            checked: 0,
            in_fragments: false,
            control: Vec::new(),
            given: false,
            closed: false,
            broken: None,
        }
    }

    /// Whether the reader stands between two messages, so that an end of the stream cuts none off.
    pub fn is_idle(&self) -> bool {
        self.partial_len == 0 && self.frame.is_none() && !self.in_fragments
    }

    /// Takes bytes from `input[*at..]`, advances `*at`, and gives the next frame, or `None` when all
    /// input is taken. Call it until it gives `None`.
    ///
    /// # Errors
    /// When the server breaks RFC 6455 or a limit; all further calls give the same error.
    pub fn next<'s>(
        &'s mut self,
        input: &'s [u8],
        at: &mut usize,
    ) -> Result<Option<Frame<'s>>, WsBroken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        match self.step(input, at) {
            Ok(found) => Ok(found.map(|found| self.frame(input, found))),
            Err(broken) => {
                self.broken = Some(broken.clone());
                Err(broken)
            }
        }
    }

    fn frame<'s>(&'s self, input: &'s [u8], (kind, payload): (Kind, Payload)) -> Frame<'s> {
        let payload = match payload {
            Payload::Input(range) => &input[range],
            Payload::Kept if matches!(kind, Kind::Text(_)) => &self.message,
            Payload::Kept => &self.control,
        };
        match kind {
            Kind::Text(_) => Frame::Message(payload),
            Kind::Ping => Frame::Ping(payload),
            Kind::Pong => Frame::Pong,
            Kind::Close => match payload.split_first_chunk() {
                None => Frame::Close(None, ""),
                Some((code, reason)) => {
                    let code = u16::from_be_bytes(*code);
                    // Checked by `check_close`.
                    Frame::Close(Some(code), str::from_utf8(reason).unwrap_or_default())
                }
            },
        }
    }

    fn step(&mut self, input: &[u8], at: &mut usize) -> Result<Option<(Kind, Payload)>, WsBroken> {
        if std::mem::take(&mut self.given) {
            self.message.clear();
            self.message.shrink_to(KEPT_BYTES);
            self.checked = 0;
        }
        loop {
            if self.closed {
                // RFC 6455 5.5.1: whatever follows a close frame is ignored.
                *at = input.len();
                return Ok(None);
            }
            let (kind, left) = match self.frame {
                Some(frame) => frame,
                None => {
                    let Some(Header { kind, length }) = self.header(input, at)? else {
                        return Ok(None);
                    };
                    self.begin(kind, length)?;
                    let is_whole = length <= input.len() - *at;
                    if is_whole && !(matches!(kind, Kind::Text(_)) && self.is_in_pieces(kind)) {
                        let range = *at..*at + length;
                        *at = range.end;
                        check(kind, &input[range.clone()])?;
                        self.closed = kind == Kind::Close;
                        return Ok(Some((kind, Payload::Input(range))));
                    }
                    self.control.clear();
                    (kind, length)
                }
            };
            let here = left.min(input.len() - *at);
            let bytes = &input[*at..*at + here];
            *at += here;
            match kind {
                Kind::Text(_) => self.message.extend_from_slice(bytes),
                _ => self.control.extend_from_slice(bytes),
            }
            if here < left {
                self.frame = Some((kind, left - here));
                return Ok(None);
            }
            self.frame = None;
            match kind {
                Kind::Text(is_last) => {
                    self.check_message(is_last)?;
                    self.in_fragments = !is_last;
                    if !is_last {
                        continue;
                    }
                    self.given = true;
                }
                _ => check(kind, &self.control)?,
            }
            self.closed = kind == Kind::Close;
            return Ok(Some((kind, Payload::Kept)));
        }
    }

    /// Whether a text frame is a part of a message only.
    fn is_in_pieces(&self, kind: Kind) -> bool {
        self.in_fragments || kind != Kind::Text(true)
    }

    /// A frame header, or `None` when more bytes are wanted.
    fn header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, WsBroken> {
        let rest = &input[*at..];
        if self.partial_len == 0 {
            if let Some((header, length)) = parse_header(rest, self.in_fragments)? {
                *at += length;
                return Ok(Some(header));
            }
            self.partial[..rest.len()].copy_from_slice(rest);
            self.partial_len = rest.len();
            *at = input.len();
            return Ok(None);
        }
        while *at < input.len() {
            self.partial[self.partial_len] = input[*at];
            self.partial_len += 1;
            *at += 1;
            let partial = &self.partial[..self.partial_len];
            if let Some((header, _)) = parse_header(partial, self.in_fragments)? {
                self.partial_len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    fn begin(&mut self, kind: Kind, length: usize) -> Result<(), WsBroken> {
        let limit = self.limits.message_bytes;
        if matches!(kind, Kind::Text(_)) && length > limit.saturating_sub(self.message.len()) {
            return Err(WsBroken::TooLarge(limit));
        }
        Ok(())
    }

    /// Checks the message under way at the end of each fragment, so that a long one fails early.
    fn check_message(&mut self, is_last: bool) -> Result<(), WsBroken> {
        match str::from_utf8(&self.message[self.checked..]) {
            Ok(_) => self.checked = self.message.len(),
            // A character may be cut by the end of a fragment, but not by that of the message.
            Err(error) if error.error_len().is_none() && !is_last => {
                self.checked += error.valid_up_to();
            }
            Err(_) => return Err(WsBroken::NotUtf8),
        }
        Ok(())
    }
}

/// Checks the payload of a whole frame.
fn check(kind: Kind, payload: &[u8]) -> Result<(), WsBroken> {
    match kind {
        Kind::Text(_) if str::from_utf8(payload).is_err() => Err(WsBroken::NotUtf8),
        Kind::Close => check_close(payload),
        Kind::Text(_) | Kind::Ping | Kind::Pong => Ok(()),
    }
}

/// A close frame holds nothing, or a code and a reason in UTF-8 (RFC 6455 5.5.1). Whether the code may
/// be sent is not asked: the connection is over either way, and the report shall show the code.
fn check_close(payload: &[u8]) -> Result<(), WsBroken> {
    let is_fine = payload.is_empty()
        || payload
            .get(2..)
            .is_some_and(|reason| str::from_utf8(reason).is_ok());
    if is_fine {
        Ok(())
    } else {
        Err(WsBroken::BadClose)
    }
}
