//! How messages lie in a stream of bytes: in WebSocket frames, or one a line.

use memchr::memchr;

use super::frames::{self, Frames};

/// How messages are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// RFC 6455.
    Frames,
    /// LF behind each message (MCP, stdio; for TCP the specification recommends the same).
    Lines,
}

/// Reads messages, with what must be remembered between two reads.
pub(super) enum Framing {
    Frames(Frames),
    /// So many bytes of the line under way are known to hold no LF.
    Lines(usize),
}

/// The next thing in the stream.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    Message(&'a str),
    /// A line with nothing in it.
    Blank,
    /// A line that is no UTF-8: the next one may be.
    Garbled,
    Ping(&'a [u8]),
    /// The client ends the conversation.
    Close(Option<u16>),
}

/// Why the stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    TooLarge,
    NotUtf8,
    /// One JSON-RPC message per text frame.
    Binary,
    Protocol,
}

impl Framing {
    /// Takes the next piece from `input[*at..]` and advances `*at`; `None` when more bytes are wanted.
    /// Whatever was not taken must come again, at the beginning of the next input.
    pub(super) fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        at: &mut usize,
        most_bytes: usize,
    ) -> Result<Option<Piece<'a>>, Broken> {
        let scanned = match self {
            Self::Frames(frames) => return frames.next(input, at, most_bytes),
            Self::Lines(scanned) => scanned,
        };
        let rest = &input[*at..];
        let Some(end) = memchr(b'\n', &rest[*scanned..]).map(|end| end + *scanned) else {
            *scanned = rest.len();
            return if rest.len() > most_bytes {
                Err(Broken::TooLarge)
            } else {
                Ok(None)
            };
        };
        *scanned = 0;
        *at += end + 1;
        if end > most_bytes {
            return Err(Broken::TooLarge);
        }
        match str::from_utf8(&rest[..end]) {
            Ok(line) if line.trim_ascii().is_empty() => Ok(Some(Piece::Blank)),
            Ok(line) => Ok(Some(Piece::Message(line))),
            Err(_) => Ok(Some(Piece::Garbled)),
        }
    }
}

impl Framing {
    /// Whether a part of a message was taken whose end has not come.
    pub(super) fn is_in_fragments(&self) -> bool {
        matches!(self, Self::Frames(frames) if frames.is_in_fragments())
    }
}

impl Form {
    /// A reader at the beginning of a stream.
    pub(super) fn reader(self) -> Framing {
        match self {
            Self::Frames => Framing::Frames(Frames::default()),
            Self::Lines => Framing::Lines(0),
        }
    }

    /// Appends a message.
    pub(super) fn write(self, out: &mut Vec<u8>, text: &str) {
        match self {
            Self::Frames => frames::write_text(out, text),
            // JSON escapes it, so a text of ours never holds an LF.
            Self::Lines => {
                out.extend_from_slice(text.as_bytes());
                out.push(b'\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cut_anywhere_are_read_the_same() {
        let bytes = b"{\"a\":1}\n\r\n\n{\"b\":2}\r\n{\"c\":3";
        for step in 1..bytes.len() {
            let (mut framing, mut rest, mut seen) = (Framing::Lines(0), Vec::new(), Vec::new());
            for part in bytes.chunks(step) {
                rest.extend_from_slice(part);
                let mut at = 0;
                while let Some(piece) = framing.next(&mut rest, &mut at, 100).unwrap() {
                    if let Piece::Message(text) = piece {
                        seen.push(text.trim().to_owned());
                    }
                }
                rest.drain(..at);
            }
            assert_eq!(seen, ["{\"a\":1}", "{\"b\":2}"], "in pieces of {step}");
            assert_eq!(rest, b"{\"c\":3");
        }
    }

    #[test]
    fn a_line_beyond_the_limit_is_refused_with_and_without_its_end() {
        for bytes in [&b"12345678901"[..], b"12345678901\n"] {
            let (mut framing, mut input) = (Framing::Lines(0), bytes.to_vec());
            assert_eq!(framing.next(&mut input, &mut 0, 10), Err(Broken::TooLarge));
        }
    }
}
