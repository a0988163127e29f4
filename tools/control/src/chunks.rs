//! A body that comes in chunks (RFC 9112, 7.1), put together.

/// What there is of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Chunks {
    /// All.
    Whole(Vec<u8>),
    /// Not all yet.
    Partial,
    /// No chunks.
    Wrong,
    /// More than the limit.
    TooLong,
}

/// The line with a chunk's length has at most so many bytes, its extensions included; so does a trailer.
const MAX_LINE: usize = 256;

/// Puts together what has come so far.
pub fn join(mut rest: &[u8], most: usize) -> Chunks {
    let mut whole = Vec::new();
    loop {
        let Some((line, after)) = line(rest) else {
            return match rest.len() {
                0..=MAX_LINE => Chunks::Partial,
                _ => Chunks::Wrong,
            };
        };
        let digits = line.split(|b| *b == b';').next().unwrap_or_default();
        let length = std::str::from_utf8(digits)
            .ok()
            .map(str::trim)
            // from_str_radix takes a sign.
            .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(length) = length else {
            return Chunks::Wrong;
        };
        if length == 0 {
            return trailers(after, whole);
        }
        if length > most - whole.len() {
            return Chunks::TooLong;
        }
        if after.len() < length + 2 {
            return Chunks::Partial;
        }
        whole.extend_from_slice(&after[..length]);
        let Some(next) = after[length..].strip_prefix(b"\r\n") else {
            return Chunks::Wrong;
        };
        rest = next;
    }
}

/// Behind the last chunk: header lines that nobody looks at, and an empty one.
fn trailers(mut rest: &[u8], whole: Vec<u8>) -> Chunks {
    loop {
        match line(rest) {
            Some(([], _)) => return Chunks::Whole(whole),
            Some((_, after)) => rest = after,
            None if rest.len() <= MAX_LINE => return Chunks::Partial,
            None => return Chunks::Wrong,
        }
    }
}

/// The first line, without its end, and what follows.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).take(MAX_LINE).position(|w| w == b"\r\n")?;
    Some((&bytes[..end], &bytes[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together_once_the_last_has_come() {
        let text = b"4\r\nWiki\r\n6;name=value\r\npedia \r\nD\r\nin \r\n\r\nchunks\r\n0\r\nDigest: x\r\n\r\n";
        for n in 0..text.len() {
            assert_eq!(join(&text[..n], 100), Chunks::Partial, "{n} bytes");
        }
        let whole = b"Wikipedia in \r\n\r\nchunks";
        assert_eq!(join(text, whole.len()), Chunks::Whole(whole.to_vec()));
        assert_eq!(join(text, whole.len() - 1), Chunks::TooLong);
    }

    #[test]
    fn what_is_no_chunk_or_too_long_is_told_apart() {
        for wrong in [
            &b"x\r\n"[..],
            b"+1\r\na\r\n",
            b"\r\n",
            b"1\r\nab\r\n",
            &[b'1'; 400],
        ] {
            assert_eq!(join(wrong, 100), Chunks::Wrong, "{wrong:?}");
        }
        assert_eq!(join(b"5\r\n", 4), Chunks::TooLong);
        assert_eq!(join(b"ffffffffffffffff\r\n", 4), Chunks::TooLong);
        assert_eq!(join(b"fffffffffffffffff\r\n", 4), Chunks::Wrong);
    }
}
