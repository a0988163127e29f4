//! Reads a message from the frames that it lies in, and writes one into a frame.

use super::frames::header;
use protocol::ws::opcode::{CLOSE, FIN, TEXT};
use std::borrow::Cow;

/// A message that a splitter has found whole.
#[derive(Debug)]
pub(in super::super) struct Message<'a> {
    /// Its payload, unmasked.
    pub(in super::super) text: Cow<'a, [u8]>,
    /// The control frames between its fragments, as they lie there.
    pub(in super::super) controls: Vec<u8>,
}

/// Takes the frames of one message apart.
pub(in super::super) fn read(frames: &[u8]) -> Message<'_> {
    let mut text = Cow::Borrowed(&frames[..0]);
    let mut controls = Vec::new();
    let mut rest = frames;
    while let Ok(Some(header)) = header(rest) {
        let end = header.bytes + usize::try_from(header.payload).unwrap_or(usize::MAX);
        let Some(payload) = rest.get(header.bytes..end) else {
            break;
        };
        if header.opcode >= CLOSE {
            controls.extend_from_slice(&rest[..end]);
        } else if let Some(mask) = header.mask {
            let all = text.to_mut();
            let start = all.len();
            all.extend_from_slice(payload);
            unmask(&mut all[start..], mask);
        } else if text.is_empty() {
            text = Cow::Borrowed(payload);
        } else {
            text.to_mut().extend_from_slice(payload);
        }
        rest = &rest[end..];
    }
    Message { text, controls }
}

/// A server's message in one frame.
pub(in super::super) fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(text.len() + 10);
    frame.push(FIN | TEXT);
    match text.len() {
        length @ 0..=125 => frame.push(length as u8),
        length => match u16::try_from(length) {
            Ok(length) => {
                frame.push(126);
                frame.extend_from_slice(&length.to_be_bytes());
            }
            Err(_) => {
                frame.push(127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        },
    }
    frame.extend_from_slice(text);
    frame
}

/// Eight bytes at a time; the compiler makes vectors of it.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_joined_and_control_frames_between_them_kept() {
        let frames = [
            &[TEXT, 3][..],
            b"abc",
            &[FIN | 0x9, 2],
            b"hi",
            &[FIN, 2],
            b"de",
        ]
        .concat();
        let message = read(&frames);
        assert_eq!(&*message.text, b"abcde");
        assert_eq!(message.controls, [FIN | 0x9, 2, b'h', b'i']);

        let mut masked = Vec::new();
        protocol::ws::write_text(&mut masked, [1, 2, 3, 4], &[b"a text of more than a word"]);
        assert_eq!(&*read(&masked).text, b"a text of more than a word");
    }

    #[test]
    fn a_frame_of_any_length_says_it_in_the_fewest_bytes() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let text = vec![b'x'; length];
            let frame = frame(&text);
            assert_eq!(&*read(&frame).text, &text[..]);
            let mut reader = protocol::ws::FrameReader::new(protocol::ws::Limits::default());
            let found = reader.next(&frame, &mut 0).unwrap();
            assert_eq!(found, Some(protocol::ws::Frame::Message(&text)));
        }
    }
}
