//! Messages as lines, as stdio and raw TCP carry them: UTF-8 JSON, an LF behind each, none within.

use memchr::memchr;

/// The longest line, in bytes, without its end.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// How much memory for lines in pieces a connection keeps.
const KEPT_BYTES: usize = 1024 * 1024;

/// The server's line is longer than anybody could mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a line of more than {MAX_LINE_BYTES} bytes")]
pub struct LineTooLong;

/// Reads the lines of one connection. What is no line yet when the stream ends is lost, as the message is.
#[derive(Debug, Default)]
pub struct LineReader {
    /// The beginning of a line whose end has not come.
    kept: Vec<u8>,
    /// The last call gave `kept` out.
    given: bool,
    broken: bool,
}

impl LineReader {
    /// Whether the reader stands between two lines, so that an end of the stream cuts none off.
    pub fn is_idle(&self) -> bool {
        self.given || self.kept.is_empty()
    }

    /// Takes bytes from `input[*at..]`, advances `*at`, and gives the next line that is not empty, without its end (LF
    /// or CRLF), or `None` when all input is taken. Call it until it gives `None`.
    ///
    /// # Errors
    /// When a line is longer than 16 MiB; all further calls give the same error.
    pub fn next<'s>(
        &'s mut self,
        input: &'s [u8],
        at: &mut usize,
    ) -> Result<Option<&'s [u8]>, LineTooLong> {
        if std::mem::take(&mut self.given) {
            self.kept.clear();
            self.kept.shrink_to(KEPT_BYTES);
        }
        while *at < input.len() && !self.broken {
            let rest = &input[*at..];
            let end = memchr(b'\n', rest);
            let length = end.unwrap_or(rest.len());
            *at += length + usize::from(end.is_some());
            if self.kept.len() + length > MAX_LINE_BYTES {
                self.kept = Vec::new();
                self.broken = true;
                break;
            }
            match end {
                None => self.kept.extend_from_slice(rest),
                Some(_) if self.kept.is_empty() => {
                    let line = rest[..length].trim_ascii_end();
                    if !line.is_empty() {
                        return Ok(Some(line));
                    }
                }
                Some(_) => {
                    self.kept.extend_from_slice(&rest[..length]);
                    if self.kept.trim_ascii_end().is_empty() {
                        self.kept.clear();
                        continue;
                    }
                    self.given = true;
                    return Ok(Some(self.kept.trim_ascii_end()));
                }
            }
        }
        if self.broken {
            Err(LineTooLong)
        } else {
            Ok(None)
        }
    }
}

/// Appends one message, whose parts joined hold no line end.
pub fn write_line(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = LineReader::default();
        let mut lines = Vec::new();
        for piece in pieces {
            let mut at = 0;
            while let Some(line) = reader.next(piece, &mut at).unwrap() {
                lines.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
        lines
    }

    #[test]
    fn lines_are_the_same_wherever_the_stream_is_cut() {
        let text = b"{\"a\":1}\n\r\n{\"b\":2}\r\n\n{}\nhalf";
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(read(&pieces), ["{\"a\":1}", "{\"b\":2}", "{}"]);
            }
        }
    }

    #[test]
    fn a_line_without_an_end_is_cut_off_and_its_memory_given_back() {
        let mut reader = LineReader::default();
        let much = vec![b'x'; 1 << 20];
        let mut broken = 0;
        for _ in 0..20 {
            broken += u32::from(reader.next(&much, &mut 0).is_err());
        }
        assert_eq!((broken, reader.kept.capacity()), (4, 0));
        assert_eq!(reader.next(b"{}\n", &mut 0), Err(LineTooLong));
    }
}
