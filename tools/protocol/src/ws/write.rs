//! Writes masked frames, as clients must (RFC 6455 5.3).
//!
//! The mask protects careless proxies against hostile scripts; a tool that sends its own bytes may use
//! any, but it shall not be the same for all frames.

use super::opcode::{CLOSE, FIN, MASKED, MAX_CONTROL_BYTES, PING, PONG, TEXT};

/// Appends one whole text message, in one frame, whose payload is the parts joined. The parts must be
/// UTF-8 together; servers close the connection otherwise.
pub fn write_text(out: &mut Vec<u8>, mask: [u8; 4], parts: &[&[u8]]) {
    write_frame(out, TEXT, mask, parts);
}

/// Appends a ping. A payload beyond 125 bytes is cut.
pub fn write_ping(out: &mut Vec<u8>, mask: [u8; 4], payload: &[u8]) {
    let length = payload.len().min(MAX_CONTROL_BYTES);
    write_frame(out, PING, mask, &[&payload[..length]]);
}

/// Appends the answer to a ping, with the ping's payload. A payload beyond 125 bytes is cut.
pub fn write_pong(out: &mut Vec<u8>, mask: [u8; 4], payload: &[u8]) {
    let length = payload.len().min(MAX_CONTROL_BYTES);
    write_frame(out, PONG, mask, &[&payload[..length]]);
}

/// Appends a close frame; `code` is 1000 for a normal end (RFC 6455 7.4.1). A reason beyond 123 bytes
/// is cut at a character.
pub fn write_close(out: &mut Vec<u8>, mask: [u8; 4], code: u16, reason: &str) {
    let length = reason.floor_char_boundary(MAX_CONTROL_BYTES - 2);
    let parts = [&code.to_be_bytes()[..], &reason.as_bytes()[..length]];
    write_frame(out, CLOSE, mask, &parts);
}

fn write_frame(out: &mut Vec<u8>, opcode: u8, mask: [u8; 4], parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(length + 14);
    out.push(FIN | opcode);
    if length <= 125 {
        out.push(MASKED | length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(MASKED | 126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(MASKED | 127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    out.extend_from_slice(&mask);
    let start = out.len();
    for part in parts {
        out.extend_from_slice(part);
    }
    apply_mask(&mut out[start..], mask);
}

/// Eight bytes at a time; the compiler makes vectors of it.
fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    // The words are a multiple of the mask's length, so the rest begins with its first byte.
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}
