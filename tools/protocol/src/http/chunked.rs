//! The chunked transfer coding (RFC 9112 7.1): says which bytes of the input are body.

use std::ops::Range;

use super::Broken;

/// The most bytes of extensions on one chunk; nobody sends any in earnest.
const MAX_EXTENSION_BYTES: usize = 4 * 1024;
/// The most bytes of trailers.
const MAX_TRAILER_BYTES: usize = 16 * 1024;

/// What lies behind the last byte looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A chunk size; the flag says whether a digit was seen.
    Size(bool),
    /// White space or an extension, to be skipped up to CR.
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// A trailer line; the flag says whether it is still empty.
    Trailer(bool),
    TrailerLf(bool),
    Done,
}

/// A piece of a chunked body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// These bytes of the input are body.
    Data(Range<usize>),
    /// The last chunk and its trailers have been read.
    End,
}

/// Reads one chunked body.
#[derive(Debug)]
pub(super) struct Chunked {
    expect: Expect,
    /// The size under way, then what is left of the chunk.
    left: u64,
    /// Bytes skipped in this chunk's extension, then in the trailers.
    skipped: usize,
}

impl Chunked {
    pub(super) fn new() -> Chunked {
        Chunked {
            expect: Expect::Size(false),
            left: 0,
            skipped: 0,
        }
    }

    /// Gives the next piece, or `None` when all input is taken. Body bytes are not taken yet: say with
    /// [`Chunked::took`] how many of them were.
    pub(super) fn next(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Piece>, Broken> {
        while *at < input.len() {
            if self.expect == Expect::Data {
                let here = input.len() - *at;
                let length = usize::try_from(self.left).map_or(here, |left| left.min(here));
                return Ok(Some(Piece::Data(*at..*at + length)));
            }
            let byte = input[*at];
            *at += 1;
            self.expect = self.after(byte)?;
            if self.expect == Expect::Done {
                return Ok(Some(Piece::End));
            }
        }
        Ok(None)
    }

    /// So many bytes of the last piece have been taken.
    pub(super) fn took(&mut self, bytes: usize) {
        self.left -= bytes as u64;
        if self.left == 0 {
            self.expect = Expect::DataCr;
        }
    }

    /// Whether the plain end of a body lies at `*at`, behind the data of a chunk; it is taken then.
    /// Node answers with one chunk, and so its message need not be copied.
    pub(super) fn take_plain_end(&mut self, input: &[u8], at: &mut usize) -> bool {
        const END: &[u8] = b"\r\n0\r\n\r\n";
        let ends = self.expect == Expect::DataCr && input[*at..].starts_with(END);
        if ends {
            *at += END.len();
            self.expect = Expect::Done;
        }
        ends
    }

    fn after(&mut self, byte: u8) -> Result<Expect, Broken> {
        Ok(match (self.expect, byte) {
            (Expect::Size(_), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if self.left >> 60 != 0 {
                    return Err(Broken::BadChunkSize);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                self.left = self.left << 4 | u64::from(digit);
                Expect::Size(true)
            }
            (Expect::Size(true), b'\r') => Expect::SizeLf,
            (Expect::Size(true), b';' | b' ' | b'\t') => Expect::Extension,
            (Expect::SizeLf, b'\n') => {
                self.skipped = 0;
                if self.left == 0 {
                    Expect::Trailer(true)
                } else {
                    Expect::Data
                }
            }
            (Expect::Size(_) | Expect::SizeLf, _) => return Err(Broken::BadChunkSize),
            (Expect::Extension, b'\r') => Expect::SizeLf,
            (Expect::Extension, _) => self.skip(byte, MAX_EXTENSION_BYTES, Expect::Extension)?,
            (Expect::DataCr, b'\r') => Expect::DataLf,
            (Expect::DataLf, b'\n') => Expect::Size(false),
            (Expect::DataCr | Expect::DataLf, _) => return Err(Broken::BadChunkEnd),
            (Expect::Trailer(empty), b'\r') => Expect::TrailerLf(empty),
            (Expect::Trailer(_), _) => {
                self.skip(byte, MAX_TRAILER_BYTES, Expect::Trailer(false))?
            }
            (Expect::TrailerLf(true), b'\n') => Expect::Done,
            (Expect::TrailerLf(false), b'\n') => Expect::Trailer(true),
            (Expect::TrailerLf(_), _) => return Err(Broken::BadTrailer),
            (Expect::Data | Expect::Done, _) => self.expect,
        })
    }

    fn skip(&mut self, byte: u8, limit: usize, then: Expect) -> Result<Expect, Broken> {
        self.skipped += 1;
        if byte == b'\n' || self.skipped > limit {
            return Err(Broken::BadTrailer);
        }
        Ok(then)
    }
}
