//! Reads a client's WebSocket frames (RFC 6455) in place: unmasks them where they lie, and puts fragments together.

use std::ops::Range;

use super::framing::{Broken, Piece};
use protocol::ws::opcode::{
    BINARY, CLOSE, CONTINUATION, FIN, MASKED, MAX_CONTROL_BYTES, PING, PONG, TEXT,
};

/// What is known between two frames of one connection.
#[derive(Default)]
pub(crate) struct Frames {
    /// The message under way, as far as it came in fragments.
    gathered: Vec<u8>,
    in_fragments: bool,
    /// The last piece given out was `gathered`.
    given: bool,
}

/// A frame's first bytes.
struct Head {
    opcode: u8,
    is_last: bool,
    mask: [u8; 4],
    payload: Range<usize>,
}

impl Frames {
    /// Takes the next whole frame from `input[*at..]` and advances `*at`; `None` when more bytes are
    /// wanted, of which none is then taken. A message may have `most_bytes`.
    pub(super) fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        at: &mut usize,
        most_bytes: usize,
    ) -> Result<Option<Piece<'a>>, Broken> {
        if std::mem::take(&mut self.given) {
            self.gathered = Vec::new();
        }
        let whole = loop {
            let Some(head) = self.head(&input[*at..], most_bytes)? else {
                return Ok(None);
            };
            let payload = *at + head.payload.start..*at + head.payload.end;
            if payload.end > input.len() {
                return Ok(None);
            }
            *at = payload.end;
            unmask(&mut input[payload.clone()], head.mask);
            match (head.opcode, head.is_last) {
                (TEXT, true) => break payload,
                (TEXT | CONTINUATION, is_last) => {
                    self.gathered.extend_from_slice(&input[payload]);
                    self.in_fragments = !is_last;
                    if is_last {
                        self.given = true;
                        let text = str::from_utf8(&self.gathered).map_err(|_| Broken::NotUtf8)?;
                        return Ok(Some(Piece::Message(text)));
                    }
                }
                (PING, _) => return Ok(Some(Piece::Ping(&input[payload]))),
                (PONG, _) => {}
                _ => return close_code(&input[payload]).map(|code| Some(Piece::Close(code))),
            }
        };
        let text = str::from_utf8(&input[whole]).map_err(|_| Broken::NotUtf8)?;
        Ok(Some(Piece::Message(text)))
    }

    /// Whether a message has begun that has not ended.
    pub(super) fn is_in_fragments(&self) -> bool {
        self.in_fragments
    }

    /// Refuses what is wrong as soon as it can be seen, so that a length is never waited for in vain.
    fn head(&self, bytes: &[u8], most_bytes: usize) -> Result<Option<Head>, Broken> {
        let &[first, second, ..] = bytes else {
            return Ok(None);
        };
        let (opcode, is_last) = (first & 0x0F, first & FIN != 0);
        // Reserved bits belong to extensions, and none is ever agreed on; only clients mask, and they must (5.1).
        let fits = match opcode {
            CONTINUATION => self.in_fragments,
            TEXT | BINARY => !self.in_fragments,
            CLOSE | PING | PONG => is_last && usize::from(second & 0x7F) <= MAX_CONTROL_BYTES,
            _ => false,
        };
        if first & 0x70 != 0 || second & MASKED == 0 || !fits {
            return Err(Broken::Protocol);
        }
        if opcode == BINARY {
            return Err(Broken::Binary);
        }
        let (length, start) = match second & 0x7F {
            126 => match bytes.get(2..4) {
                Some(&[a, b]) => (u64::from(u16::from_be_bytes([a, b])), 4),
                _ => return Ok(None),
            },
            127 => match bytes.get(2..).and_then(|rest| rest.first_chunk()) {
                Some(long) => (u64::from_be_bytes(*long), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        let room = match opcode {
            CLOSE | PING | PONG => MAX_CONTROL_BYTES,
            _ => most_bytes.saturating_sub(self.gathered.len()),
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= room)
            .ok_or(Broken::TooLarge)?;
        let Some(&mask) = bytes.get(start..).and_then(|rest| rest.first_chunk()) else {
            return Ok(None);
        };
        Ok(Some(Head {
            opcode,
            is_last,
            mask,
            payload: start + 4..start + 4 + length,
        }))
    }
}

/// A close frame holds nothing, or a code and a reason in UTF-8 (5.5.1).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Broken> {
    match payload.split_first_chunk() {
        None if payload.is_empty() => Ok(None),
        Some((code, reason)) if str::from_utf8(reason).is_ok() => {
            Ok(Some(u16::from_be_bytes(*code)))
        }
        _ => Err(Broken::Protocol),
    }
}

/// Eight bytes at a time; the compiler makes vectors of it.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    // Beyond four, the mask begins again.
    if let Some(rest) = rest.get_mut(4..) {
        for (byte, mask) in rest.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
}

/// Appends an unmasked frame, as servers send them.
fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    let length = payload.len();
    out.reserve(length + 10);
    out.push(FIN | opcode);
    if length <= 125 {
        out.push(length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    out.extend_from_slice(payload);
}

/// Appends a text message.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    write(out, TEXT, text.as_bytes());
}

/// Appends the answer to a ping.
pub(super) fn write_pong(out: &mut Vec<u8>, payload: &[u8]) {
    write(out, PONG, payload);
}

/// Appends a close frame; the reason has at most 123 bytes.
pub(super) fn write_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    let mut payload = Vec::new();
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
        payload.truncate(MAX_CONTROL_BYTES);
    }
    write(out, CLOSE, &payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        frame.extend(mask);
        frame.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        frame
    }

    /// What comes out, whatever the size of the pieces that came in.
    fn read(bytes: &[u8], step: usize) -> Vec<String> {
        let (mut frames, mut rest, mut out) = (Frames::default(), Vec::new(), Vec::new());
        for part in bytes.chunks(step) {
            rest.extend_from_slice(part);
            let mut at = 0;
            loop {
                match frames.next(&mut rest, &mut at, 1_000) {
                    Ok(None) => break,
                    Ok(Some(Piece::Message(text))) => out.push(text.to_owned()),
                    Ok(Some(Piece::Ping(data))) => out.push(format!("ping {}", data.len())),
                    Ok(Some(Piece::Close(code))) => out.push(format!("close {code:?}")),
                    Ok(Some(Piece::Blank | Piece::Garbled)) => {}
                    Err(broken) => {
                        out.push(format!("{broken:?}"));
                        return out;
                    }
                }
            }
            rest.drain(..at);
        }
        out
    }

    #[test]
    fn frames_cut_anywhere_are_read_the_same() {
        let long = "a\u{e9}".repeat(100);
        let mut bytes = masked(0x81, b"hello");
        bytes.extend(masked(0x81, b""));
        bytes.extend(masked(0x81, long.as_bytes()));
        bytes.extend(masked(0x01, "\u{e9}".as_bytes().split_at(1).0));
        bytes.extend(masked(0x89, b"hey"));
        bytes.extend(masked(0x80, "\u{e9}!".as_bytes().split_at(1).1));
        bytes.extend(masked(0x8A, b"unasked"));
        bytes.extend(masked(0x88, &1000_u16.to_be_bytes()));
        let wanted = ["hello", "", &long, "ping 3", "\u{e9}!", "close Some(1000)"];
        for step in 1..bytes.len() {
            assert_eq!(read(&bytes, step), wanted, "in pieces of {step}");
        }
    }

    #[test]
    fn what_breaks_the_protocol_is_seen_at_its_first_bytes() {
        for (bytes, what) in [
            (vec![0x81, 0x05], "Protocol"),       // not masked
            (vec![0xC1, 0x80], "Protocol"),       // a reserved bit
            (vec![0x83, 0x80], "Protocol"),       // an unknown kind
            (vec![0x80, 0x80], "Protocol"),       // nothing to continue
            (vec![0x09, 0x80], "Protocol"),       // a ping in fragments
            (vec![0x89, 0x80 | 126], "Protocol"), // a long ping
            (vec![0x82, 0x80], "Binary"),
            (vec![0x81, 0x80 | 126, 4, 0], "TooLarge"), // 1024 of 1000
            (masked(0x81, &[0xFF]), "NotUtf8"),
            (masked(0x88, &[3]), "Protocol"), // half a code
        ] {
            assert_eq!(read(&bytes, bytes.len()), [what], "{bytes:?}");
        }
        let mut two = masked(0x01, b"a");
        two.extend(masked(0x81, b"b"));
        assert_eq!(read(&two, 100), ["Protocol"], "a message within a message");
        let mut many = Vec::new();
        for n in 0..11 {
            many.extend(masked(if n == 0 { 0x01 } else { 0x00 }, &[b'x'; 100]));
        }
        assert_eq!(read(&many, 5_000), ["TooLarge"], "over all fragments");
    }
}
