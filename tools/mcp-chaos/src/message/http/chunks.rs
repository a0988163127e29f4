//! The chunked coding (RFC 9112 7.1): where its chunks end, and what is in them.
//!
//! Not the reader of `protocol`, which tells only of data: here what lies between chunks counts as well, since bytes
//! must come out as they came in.

use super::super::Unsplit;

/// The most bytes of an extension, or of trailers.
const MAX_EXTRA_BYTES: usize = 16 * 1024;

/// What lies behind the last byte looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// The flag says whether a digit was seen.
    Size(bool),
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The flag says whether the line is still empty.
    Trailer(bool),
    TrailerLf(bool),
    Done,
}

/// What was found, with the number of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes around data.
    Framing(usize),
    /// Bytes around data, of which the last ends a chunk.
    ChunkEnd(usize),
    Data(usize),
    /// The last bytes of all.
    Done(usize),
}

/// Reads one chunked body.
#[derive(Debug)]
pub(super) struct Chunks {
    expect: Expect,
    left: u64,
    extra: usize,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self {
            expect: Expect::Size(false),
            left: 0,
            extra: 0,
        }
    }

    /// Takes what comes next of the input, which is not empty.
    pub(super) fn next(&mut self, input: &[u8]) -> Result<Part, Unsplit> {
        if self.expect == Expect::Data {
            let here = self.left.min(input.len() as u64);
            self.left -= here;
            if self.left == 0 {
                self.expect = Expect::DataCr;
            }
            return Ok(Part::Data(here as usize));
        }
        for (at, &byte) in input.iter().enumerate() {
            let before = self.expect;
            self.expect = self.after(byte)?;
            match self.expect {
                Expect::Data => return Ok(Part::Framing(at + 1)),
                Expect::Done => return Ok(Part::Done(at + 1)),
                Expect::Size(false) if before == Expect::DataLf => {
                    return Ok(Part::ChunkEnd(at + 1));
                }
                _ => {}
            }
        }
        Ok(Part::Framing(input.len()))
    }

    fn after(&mut self, byte: u8) -> Result<Expect, Unsplit> {
        Ok(match (self.expect, byte) {
            (Expect::Size(_), _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                if self.left >> 58 != 0 {
                    return Err(Unsplit);
                }
                self.left = self.left << 4 | u64::from(digit);
                Expect::Size(true)
            }
            (Expect::Size(true) | Expect::Extension, b'\r') => Expect::SizeLf,
            (Expect::Size(true), b';' | b' ' | b'\t') => Expect::Extension,
            (Expect::Extension, _) => self.skip(byte, Expect::Extension)?,
            (Expect::SizeLf, b'\n') => {
                self.extra = 0;
                if self.left == 0 {
                    Expect::Trailer(true)
                } else {
                    Expect::Data
                }
            }
            (Expect::DataCr, b'\r') => Expect::DataLf,
            (Expect::DataLf, b'\n') => Expect::Size(false),
            (Expect::Trailer(empty), b'\r') => Expect::TrailerLf(empty),
            (Expect::Trailer(_), _) => self.skip(byte, Expect::Trailer(false))?,
            (Expect::TrailerLf(true), b'\n') => Expect::Done,
            (Expect::TrailerLf(false), b'\n') => Expect::Trailer(true),
            _ => return Err(Unsplit),
        })
    }

    fn skip(&mut self, byte: u8, then: Expect) -> Result<Expect, Unsplit> {
        self.extra += 1;
        if byte == b'\n' || self.extra > MAX_EXTRA_BYTES {
            return Err(Unsplit);
        }
        Ok(then)
    }
}

/// The data in a run of whole chunks, and where in the run the last chunk of all begins.
pub(in super::super) fn unchunked(run: &[u8]) -> (Vec<u8>, usize) {
    let mut chunks = Chunks::new();
    let (mut data, mut at, mut behind) = (Vec::with_capacity(run.len()), 0, 0);
    while at < run.len() {
        match chunks.next(&run[at..]) {
            Ok(Part::Data(n)) => {
                data.extend_from_slice(&run[at..at + n]);
                at += n;
            }
            Ok(Part::ChunkEnd(n)) => {
                at += n;
                behind = at;
            }
            Ok(Part::Framing(n) | Part::Done(n)) => at += n,
            // The splitter has read it before.
            Err(Unsplit) => break,
        }
    }
    (data, behind)
}

/// One chunk.
pub(in super::super) fn chunk(data: &[u8]) -> Vec<u8> {
    if data.is_empty() {
        // It would end the body.
        return Vec::new();
    }
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_found_between_sizes_extensions_and_trailers() {
        let body = b"3\r\nabc\r\n002;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n";
        let (data, behind) = unchunked(body);
        assert_eq!(data, b"abcde");
        assert!(body[behind..].starts_with(b"0\r\nTrailer"));
        assert_eq!(unchunked(&chunk(b"hello")).0, b"hello");
    }

    #[test]
    fn what_is_no_chunk_is_told() {
        for bad in [
            &b"x"[..],
            b"\r\n",
            b"1\n",
            b"1\r\nab",
            b"fffffffffffffffff\r\n",
            b"0\r\na\n",
        ] {
            let mut chunks = Chunks::new();
            let mut at = 0;
            let broken = loop {
                match chunks.next(&bad[at..]) {
                    Err(Unsplit) => break true,
                    Ok(Part::Done(_)) => break false,
                    Ok(Part::Framing(n) | Part::ChunkEnd(n) | Part::Data(n)) => at += n,
                }
                if at == bad.len() {
                    break false;
                }
            };
            assert!(broken, "{bad:?}");
        }
    }
}
