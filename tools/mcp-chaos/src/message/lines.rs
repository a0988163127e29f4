//! Splits a stream of lines.

use super::Unsplit;
use super::way::{Kind, Step};

/// The first byte of a TLS record, which no JSON begins with.
const TLS_HANDSHAKE: u8 = 0x16;

/// Where the splitter stands.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: bool,
}

impl Lines {
    pub(super) fn next(&mut self, input: &[u8]) -> Result<(usize, Step), Unsplit> {
        if !std::mem::replace(&mut self.begun, true) && input.first() == Some(&TLS_HANDSHAKE) {
            return Err(Unsplit);
        }
        Ok(match memchr::memchr(b'\n', input) {
            Some(at) => (at + 1, Step::Over(Kind::Line)),
            None => (input.len(), Step::Within),
        })
    }
}

/// A line's text, and what lies behind it: its end.
pub(super) fn text(line: &[u8]) -> (&[u8], &[u8]) {
    let text = line.trim_ascii_end();
    line.split_at(text.len())
}
