//! Finds the end of a head, and tells early what cannot be one, so that nobody waits for the rest of a TLS record.

use super::super::{MAX_HEAD_BYTES, Side, Unsplit};

/// What the head of an answer begins with.
const ANSWER: &[u8] = b"HTTP/1.";

/// Where the search stands.
#[derive(Debug)]
pub(super) struct HeadEnd {
    from: Side,
    bytes: usize,
    /// Bytes of the first line, without those of blank lines before it.
    first_line: usize,
    in_first_line: bool,
    line_is_empty: bool,
}

impl HeadEnd {
    pub(super) const fn new(from: Side) -> Self {
        Self {
            from,
            bytes: 0,
            first_line: 0,
            in_first_line: true,
            line_is_empty: true,
        }
    }

    /// How many bytes belong to the head, and whether it ends with them.
    pub(super) fn next(&mut self, input: &[u8]) -> Result<(usize, bool), Unsplit> {
        let mut at = 0;
        while at < input.len() {
            let end = memchr::memchr(b'\n', &input[at..]).map(|n| at + n);
            let line = &input[at..end.unwrap_or(input.len())];
            if self.in_first_line {
                self.check(line)?;
            }
            self.line_is_empty &= matches!(line, b"" | b"\r");
            at = end.map_or(input.len(), |end| end + 1);
            if end.is_some() {
                // A head of no lines is none: some peers send a stray line end before it.
                let over = self.line_is_empty && !self.in_first_line;
                self.in_first_line &= self.first_line == 0;
                self.line_is_empty = true;
                if over {
                    *self = Self::new(self.from);
                    return Ok((at, true));
                }
            }
            if self.bytes + at > MAX_HEAD_BYTES {
                return Err(Unsplit);
            }
        }
        self.bytes += at;
        Ok((at, false))
    }

    fn check(&mut self, line: &[u8]) -> Result<(), Unsplit> {
        for &byte in line {
            let fits = match (self.from, byte) {
                (_, b'\r') => continue,
                (Side::Client, _) => {
                    byte >= b' ' && (self.first_line > 0 || byte.is_ascii_alphabetic())
                }
                (Side::Server, _) => ANSWER.get(self.first_line).is_none_or(|&b| b == byte),
            };
            if !fits {
                return Err(Unsplit);
            }
            self.first_line += 1;
        }
        Ok(())
    }
}
