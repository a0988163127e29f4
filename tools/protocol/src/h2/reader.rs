//! Takes what a server sends apart into frames, header blocks already decoded.

use std::ops::Range;

use super::broken::Broken;
use super::fields::Fields;
use super::frame::{self, FrameHeader, HEADER_BYTES, MAX_PAYLOAD};
use super::hpack::Decoder;
use super::settings::Settings;

/// A header block comes in this many frames at most, empty ones included.
const MAX_BLOCK_FRAMES: u32 = 64;
/// And has this many bytes at most, encoded.
const MAX_BLOCK_BYTES: usize = super::MAX_HEADER_LIST_BYTES;

/// What a server sends.
#[derive(Debug)]
pub enum Frame<'a> {
    /// The headers of an answer, an interim one, or trailers.
    Headers {
        /// The stream.
        stream: u32,
        /// The headers.
        fields: &'a Fields,
        /// How many bytes of frames they came in.
        bytes: usize,
        /// Whether the answer ends here.
        end: bool,
    },
    /// A piece of a body.
    Data {
        /// The stream.
        stream: u32,
        /// The piece.
        data: &'a [u8],
        /// What it takes of the windows, padding included.
        window: u32,
        /// Whether the answer ends here.
        end: bool,
    },
    /// A stream was broken off.
    Reset {
        /// The stream.
        stream: u32,
        /// Why; see [`super::code`].
        code: u32,
    },
    /// The server's settings, as they are from now on; to be acknowledged.
    Settings(Settings),
    /// To be answered with the same bytes.
    Ping([u8; 8]),
    /// More may be sent.
    Window {
        /// On this stream, or, where it is 0, on the connection.
        stream: u32,
        /// So many bytes.
        by: u32,
    },
    /// The server takes no more streams.
    GoAway {
        /// Streams beyond this one were not processed.
        last: u32,
        /// Why; see [`super::code`].
        code: u32,
    },
}

/// A header block under way, over several frames.
#[derive(Debug)]
struct Block {
    stream: u32,
    end: bool,
    frames: u32,
    bytes: usize,
}

/// What was found, for a loop cannot hand out borrows.
enum Found {
    Fields(u32, usize, bool),
    Data(u32, Range<usize>, u32, bool),
    Other(Frame<'static>),
}

/// Reads the frames of one connection.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a frame that was not whole yet.
    kept: Vec<u8>,
    /// Whether `kept` holds the frame that was given last.
    given: bool,
    settings: Settings,
    is_open: bool,
    block: Option<Block>,
    block_text: Vec<u8>,
    decoder: Decoder,
    fields: Fields,
}

impl Reader {
    /// Takes bytes from `input[*at..]`, advances `*at`, and gives the next frame, or `None` when all input is taken.
    /// Call it until it gives `None`. Frames of kinds that nobody knows are passed over (RFC 9113, 4.1).
    ///
    /// # Errors
    /// When the server breaks the protocol or a limit; the connection is of no use then.
    pub fn next<'s>(
        &'s mut self,
        input: &'s [u8],
        at: &mut usize,
    ) -> Result<Option<Frame<'s>>, Broken> {
        loop {
            let Some((header, range, is_kept)) = self.frame(input, at)? else {
                return Ok(None);
            };
            let kept = std::mem::take(&mut self.kept);
            let bytes = if is_kept { &kept } else { input };
            let found = self.interpret(header, bytes, range);
            self.kept = kept;
            let Some(found) = found? else { continue };
            return Ok(Some(match found {
                Found::Other(frame) => frame,
                Found::Fields(stream, bytes, end) => Frame::Headers {
                    stream,
                    fields: &self.fields,
                    bytes,
                    end,
                },
                Found::Data(stream, range, window, end) => Frame::Data {
                    stream,
                    data: if is_kept {
                        &self.kept[range]
                    } else {
                        &input[range]
                    },
                    window,
                    end,
                },
            }));
        }
    }

    /// The next whole frame: its header, where its payload is, and whether that is in `kept`.
    fn frame(
        &mut self,
        input: &[u8],
        at: &mut usize,
    ) -> Result<Option<(FrameHeader, Range<usize>, bool)>, Broken> {
        if std::mem::take(&mut self.given) {
            self.kept.clear();
        }
        if self.kept.is_empty() {
            let rest = &input[*at..];
            if let Some(header) = self.header(rest)?
                && rest.len() >= HEADER_BYTES + header.length
            {
                let begin = *at + HEADER_BYTES;
                *at = begin + header.length;
                return Ok(Some((header, begin..*at, false)));
            }
        }
        loop {
            let wanted = match self.header(&self.kept)? {
                None => HEADER_BYTES,
                Some(header) => HEADER_BYTES + header.length,
            };
            let missing = wanted - self.kept.len();
            if missing == 0 {
                self.given = true;
                return Ok(self
                    .header(&self.kept)?
                    .map(|header| (header, HEADER_BYTES..wanted, true)));
            }
            let taken = missing.min(input.len() - *at);
            self.kept.extend_from_slice(&input[*at..*at + taken]);
            *at += taken;
            if taken < missing {
                return Ok(None);
            }
        }
    }

    fn header(&self, bytes: &[u8]) -> Result<Option<FrameHeader>, Broken> {
        let Some(bytes) = bytes.first_chunk() else {
            return Ok(None);
        };
        let header = FrameHeader::read(bytes);
        if !self.is_open && (header.kind != frame::SETTINGS || header.has(frame::ACK)) {
            return Err(Broken::NotHttp2);
        }
        if header.length > MAX_PAYLOAD {
            return Err(Broken::FrameTooLarge(header.length));
        }
        Ok(Some(header))
    }

    fn interpret(
        &mut self,
        header: FrameHeader,
        bytes: &[u8],
        range: Range<usize>,
    ) -> Result<Option<Found>, Broken> {
        self.is_open = true;
        if self.block.is_some() && header.kind != frame::CONTINUATION {
            return Err(Broken::Interleaved);
        }
        let stream = header.stream;
        let payload = &bytes[range.clone()];
        Ok(match header.kind {
            frame::DATA => {
                on_stream(stream, "DATA")?;
                let data = unpadded(header, range, bytes, "DATA")?;
                let end = header.has(frame::END_STREAM);
                Some(Found::Data(stream, data, header.length as u32, end))
            }
            frame::HEADERS => {
                on_stream(stream, "HEADERS")?;
                let mut here = unpadded(header, range, bytes, "HEADERS")?;
                if header.has(frame::PRIORITIZED) {
                    here.start += 5;
                }
                let piece = bytes.get(here).ok_or(Broken::BadFrame("HEADERS"))?;
                self.block_text.clear();
                let block = Block {
                    stream,
                    end: header.has(frame::END_STREAM),
                    frames: 0,
                    bytes: 0,
                };
                self.continue_block(block, header, piece)?
            }
            frame::CONTINUATION => match self.block.take() {
                Some(block) if block.stream == stream => {
                    self.continue_block(block, header, payload)?
                }
                _ => return Err(Broken::WrongStream("CONTINUATION")),
            },
            frame::RST_STREAM => {
                on_stream(stream, "RST_STREAM")?;
                let code = word(payload, "RST_STREAM")?;
                other(Frame::Reset { stream, code })
            }
            frame::SETTINGS => {
                on_connection(stream, "SETTINGS")?;
                if header.has(frame::ACK) {
                    return if payload.is_empty() {
                        Ok(None)
                    } else {
                        Err(Broken::BadFrame("SETTINGS"))
                    };
                }
                self.settings.update(payload)?;
                other(Frame::Settings(self.settings))
            }
            frame::PING => {
                on_connection(stream, "PING")?;
                let payload = payload.try_into().map_err(|_| Broken::BadFrame("PING"))?;
                (!header.has(frame::ACK)).then_some(Found::Other(Frame::Ping(payload)))
            }
            frame::GOAWAY => {
                on_connection(stream, "GOAWAY")?;
                let (last, rest) = payload
                    .split_first_chunk()
                    .ok_or(Broken::BadFrame("GOAWAY"))?;
                let code = rest.first_chunk().ok_or(Broken::BadFrame("GOAWAY"))?;
                other(Frame::GoAway {
                    last: u32::from_be_bytes(*last) & 0x7fff_ffff,
                    code: u32::from_be_bytes(*code),
                })
            }
            frame::WINDOW_UPDATE => {
                let by = word(payload, "WINDOW_UPDATE")? & 0x7fff_ffff;
                if by == 0 {
                    return Err(Broken::FlowControl("a window that grows by nothing"));
                }
                other(Frame::Window { stream, by })
            }
            frame::PUSH_PROMISE => return Err(Broken::Push),
            frame::PRIORITY if payload.len() != 5 => return Err(Broken::BadFrame("PRIORITY")),
            _ => None,
        })
    }

    fn continue_block(
        &mut self,
        mut block: Block,
        header: FrameHeader,
        piece: &[u8],
    ) -> Result<Option<Found>, Broken> {
        block.frames += 1;
        block.bytes += HEADER_BYTES + header.length;
        if self.block_text.len() + piece.len() > MAX_BLOCK_BYTES || block.frames > MAX_BLOCK_FRAMES
        {
            return Err(Broken::HeadTooLarge(MAX_BLOCK_BYTES));
        }
        if !header.has(frame::END_HEADERS) {
            self.block_text.extend_from_slice(piece);
            self.block = Some(block);
            return Ok(None);
        }
        if self.block_text.is_empty() {
            self.decoder.decode(piece, &mut self.fields)?;
        } else {
            self.block_text.extend_from_slice(piece);
            self.decoder.decode(&self.block_text, &mut self.fields)?;
        }
        Ok(Some(Found::Fields(block.stream, block.bytes, block.end)))
    }
}

fn other(frame: Frame<'static>) -> Option<Found> {
    Some(Found::Other(frame))
}

/// Only streams that a client opens exist, which have odd numbers.
fn on_stream(stream: u32, kind: &'static str) -> Result<(), Broken> {
    if stream % 2 == 1 {
        Ok(())
    } else {
        Err(Broken::WrongStream(kind))
    }
}

fn on_connection(stream: u32, kind: &'static str) -> Result<(), Broken> {
    if stream == 0 {
        Ok(())
    } else {
        Err(Broken::WrongStream(kind))
    }
}

/// Where the payload is without its padding.
fn unpadded(
    header: FrameHeader,
    range: Range<usize>,
    bytes: &[u8],
    kind: &'static str,
) -> Result<Range<usize>, Broken> {
    if !header.has(frame::PADDED) {
        return Ok(range);
    }
    let length = *bytes[range.clone()].first().ok_or(Broken::BadFrame(kind))?;
    let (begin, end) = (range.start + 1, range.end.checked_sub(usize::from(length)));
    match end {
        Some(end) if begin <= end => Ok(begin..end),
        _ => Err(Broken::BadFrame(kind)),
    }
}

fn word(payload: &[u8], kind: &'static str) -> Result<u32, Broken> {
    let bytes = payload.try_into().map_err(|_| Broken::BadFrame(kind))?;
    Ok(u32::from_be_bytes(bytes))
}
