//! A JSON reader that checks every byte of a message once, copies nothing and goes no deeper than it is told.
//!
//! `serde_json` would do but for two things: where it skips a value it keeps the open brackets on
//! the heap, one allocation a call, and skips to any depth. The tests hold the two against each other.

use std::borrow::Cow;

/// How deep values may nest, the message itself included; the same figure as `serde_json`'s.
pub const MAX_DEPTH: u32 = 127;

/// Why a text is no JSON that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The grammar is broken at this byte.
    Syntax(usize),
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// A position in a text that is known to be UTF-8.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// A string as it stands in the text, without its quotes.
#[derive(Clone, Copy)]
pub struct RawStr<'a> {
    raw: &'a str,
    quoted: &'a str,
    escaped: bool,
}

impl<'a> RawStr<'a> {
    /// The string itself; `None` where an escape names half a surrogate pair.
    pub fn decode(self) -> Option<Cow<'a, str>> {
        if self.escaped {
            serde_json::from_str(self.quoted).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(self.raw))
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of the text.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// The next byte that is no white space, without taking it; 0 at the end.
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Whether nothing but white space is left.
    pub fn at_end(&mut self) -> bool {
        self.peek();
        self.at == self.text.len()
    }

    /// The byte that comes next, counted from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    fn fault<T>(&self) -> Result<T, Fault> {
        Err(Fault::Syntax(self.at))
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != byte {
            return self.fault();
        }
        self.at += 1;
        Ok(())
    }

    /// Reads an object and hands each key, with the reader before its value, to `member`, which
    /// must take the value.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, RawStr<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.open(b'{')?;
        if self.peek() != b'}' {
            loop {
                let key = self.string()?;
                self.expect(b':')?;
                member(self, key)?;
                if self.peek() != b',' {
                    break;
                }
                self.at += 1;
            }
        }
        self.close(b'}')
    }

    fn open(&mut self, bracket: u8) -> Result<(), Fault> {
        self.expect(bracket)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> Result<(), Fault> {
        self.depth -= 1;
        self.expect(bracket)
    }

    /// Takes a whole value and gives its text back.
    pub fn value(&mut self) -> Result<&'a str, Fault> {
        let first = self.peek();
        let start = self.at;
        match first {
            b'"' => drop(self.string()?),
            b'{' => self.object(|reader, _| reader.value().map(drop))?,
            b'[' => self.array()?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        Ok(&self.text[start..self.at])
    }

    fn array(&mut self) -> Result<(), Fault> {
        self.elements(|_| ())
    }

    /// Takes an array, and gives each of its elements as it stands.
    pub fn elements(&mut self, mut each: impl FnMut(&'a str)) -> Result<(), Fault> {
        self.open(b'[')?;
        if self.peek() != b']' {
            loop {
                each(self.value()?);
                if self.peek() != b',' {
                    break;
                }
                self.at += 1;
            }
        }
        self.close(b']')
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.fault();
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        while matches!(bytes.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return self.fault();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Takes a string.
    pub fn string(&mut self) -> Result<RawStr<'a>, Fault> {
        self.expect(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at += plain_prefix(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return self.fault(),
            }
        }
        let end = self.at;
        self.at += 1;
        Ok(RawStr {
            raw: &self.text[start..end],
            quoted: &self.text[start - 1..self.at],
            escaped,
        })
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', hex @ ..] if hex.len() >= 4 && hex[..4].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return self.fault(),
        };
        Ok(())
    }
}

/// How many bytes come before the next quote, backslash or control character: eight at a time, and beyond the length
/// of most keys 32 at a time, since payloads are mostly text.
fn plain_prefix(bytes: &[u8]) -> usize {
    /// What is longer than this is no key.
    const LONG: usize = 32;
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Sets the high bit of the lowest zero byte exactly; higher ones may be wrong, and nobody looks.
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGH
    }
    let mut at = 0;
    loop {
        if at >= LONG {
            at += plain_blocks(&bytes[at..]);
        }
        let Some(chunk) = bytes[at..].first_chunk::<8>() else {
            break;
        };
        let word = u64::from_le_bytes(*chunk);
        let stop = zeros(word ^ (ONES * b'"' as u64))
            | zeros(word ^ (ONES * b'\\' as u64))
            | (word.wrapping_sub(ONES * 0x20) & !word & HIGH);
        if stop != 0 {
            return at + (stop.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + bytes[at..]
        .iter()
        .take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\')
        .count()
}

/// How many bytes the leading blocks of 32 have that hold neither quote nor backslash nor control character. The
/// compiler makes vectors of it.
fn plain_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<32>();
    let stops = |block: &[u8; 32]| {
        let stop = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
        block.iter().fold(false, |any, byte| any | stop(byte))
    };
    32 * blocks.iter().take_while(|block| !stops(block)).count()
}
