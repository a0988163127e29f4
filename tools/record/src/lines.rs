//! Reads stdin as lines: whole ones in blocks as they come, over-long ones in pieces, the last one also without its `\n`.

use crate::envelope::MAX_LINE_BYTES;
use memchr::{memchr, memchr_iter, memrchr};
use std::io::{self, Read};

/// What was read at once. Joined together, all pieces are the input, byte for byte.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Whole lines.
    Lines(Block),
    /// A part of a line of more than 1 MiB, which nobody looks at.
    Part {
        /// The line's number, from 1.
        number: u64,
        /// Its next bytes.
        bytes: Vec<u8>,
        /// Whether the line ends with these.
        last: bool,
    },
}

/// Some whole lines, with their ends; only the very last line of the input may have none.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The bytes, exactly as they came.
    pub bytes: Vec<u8>,
    /// The number of the first line, from 1.
    pub first: u64,
}

impl Block {
    /// The lines without their `\n`, each with its number.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        (self.first..).zip(bytes.split(|&b| b == b'\n'))
    }

    /// How many lines these are.
    #[must_use]
    pub fn count(&self) -> u64 {
        let ends = memchr_iter(b'\n', &self.bytes).count() as u64;
        ends + u64::from(!self.bytes.ends_with(b"\n"))
    }
}

/// Reads lines from a byte stream. Memory is bounded by one line.
pub struct Lines<R> {
    inner: R,
    buf: Vec<u8>,
    filled: usize,
    /// So many bytes at the front are known to hold no line end.
    searched: usize,
    /// The number of the line that begins at `buf[0]`, or that an over-long line has.
    number: u64,
    within_long: bool,
    ended: bool,
}

impl<R: Read> Lines<R> {
    /// Reads lines from `inner`, which should not buffer by itself.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            buf: vec![0; 64 * 1024],
            filled: 0,
            searched: 0,
            number: 1,
            within_long: false,
            ended: false,
        }
    }

    /// The next piece, as soon as there is one; `None` at the end.
    ///
    /// # Errors
    /// Whatever reading says; an interrupted read is tried again.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if self.ended {
                return Ok(None);
            }
            // Also what was read together with the end of an over-long line: it may hold whole lines.
            if let Some(block) = self.whole_lines() {
                return Ok(Some(Piece::Lines(block)));
            }
            // With its `\n` it will be longer than a line may be.
            if self.filled >= MAX_LINE_BYTES {
                self.within_long = true;
                let bytes = self.take(self.filled);
                return Ok(Some(self.part(bytes, false)));
            }
            if self.filled == self.buf.len() {
                self.buf.resize((self.buf.len() * 2).min(MAX_LINE_BYTES), 0);
            }
            let n = match self.inner.read(&mut self.buf[self.filled..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            self.filled += n;
            if n == 0 {
                self.ended = true;
                return Ok(self.rest());
            }
            if self.within_long {
                let end = memchr(b'\n', &self.buf[..self.filled]);
                let bytes = self.take(end.map_or(self.filled, |i| i + 1));
                return Ok(Some(self.part(bytes, end.is_some())));
            }
        }
    }

    /// The whole lines that are there, unless they are within an over-long one.
    fn whole_lines(&mut self) -> Option<Block> {
        if self.within_long {
            return None;
        }
        let fresh = &self.buf[self.searched..self.filled];
        let end = memrchr(b'\n', fresh).map(|i| self.searched + i + 1);
        self.searched = self.filled;
        let block = Block {
            bytes: self.take(end?),
            first: self.number,
        };
        self.number += block.count();
        Some(block)
    }

    /// What is left at the end of the input: a last line without its end.
    fn rest(&mut self) -> Option<Piece> {
        if self.within_long {
            let bytes = self.take(self.filled);
            return Some(self.part(bytes, true));
        }
        (self.filled > 0).then(|| {
            Piece::Lines(Block {
                bytes: self.take(self.filled),
                first: self.number,
            })
        })
    }

    fn part(&mut self, bytes: Vec<u8>, last: bool) -> Piece {
        let number = self.number;
        if last {
            self.within_long = false;
            self.number += 1;
        }
        Piece::Part {
            number,
            bytes,
            last,
        }
    }

    /// Takes the first `n` bytes out of the buffer.
    fn take(&mut self, n: usize) -> Vec<u8> {
        let bytes = self.buf[..n].to_vec();
        self.buf.copy_within(n..self.filled, 0);
        self.filled -= n;
        self.searched = self.searched.saturating_sub(n);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reader that gives its bytes in the cuts it is told.
    struct Cut<'a>(&'a [u8], Vec<usize>);
    impl Read for Cut<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self
                .1
                .pop()
                .unwrap_or(7)
                .clamp(1, out.len())
                .min(self.0.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[allow(clippy::type_complexity)] // bytes, lines with numbers, numbers of long lines
    fn read_all(input: &[u8], cuts: Vec<usize>) -> (Vec<u8>, Vec<(u64, Vec<u8>)>, Vec<u64>) {
        let mut lines = Lines::new(Cut(input, cuts));
        let (mut all, mut seen, mut long) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(piece) = lines.next_piece().unwrap() {
            match piece {
                Piece::Lines(block) => {
                    seen.extend(block.lines().map(|(n, l)| (n, l.to_vec())));
                    all.extend(block.bytes);
                }
                Piece::Part {
                    number,
                    bytes,
                    last,
                } => {
                    all.extend(bytes);
                    if last {
                        long.push(number);
                    }
                }
            }
        }
        (all, seen, long)
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_the_bytes_are_cut(
            input in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..2_000),
            cuts in prop::collection::vec(1usize..300, 0..50),
        ) {
            let (all, seen, _) = read_all(&input, cuts);
            prop_assert_eq!(&all, &input);
            let body = input.strip_suffix(b"\n").unwrap_or(&input);
            let want: Vec<_> = if input.is_empty() { vec![] } else {
                (1..).zip(body.split(|&b| b == b'\n').map(<[u8]>::to_vec)).collect()
            };
            prop_assert_eq!(seen, want);
        }
    }

    #[test]
    fn an_over_long_line_comes_in_parts_and_the_numbers_go_on() {
        let mut input = b"one\n".to_vec();
        input.extend(vec![b'x'; MAX_LINE_BYTES * 3 + 5]);
        input.extend(b"\nthree\n");
        let (all, seen, long) = read_all(&input, vec![100_000; 1_000]);
        assert_eq!(all, input);
        assert_eq!(long, [2]);
        assert_eq!(seen, [(1, b"one".to_vec()), (3, b"three".to_vec())]);
    }

    #[test]
    fn lines_that_came_with_the_end_of_an_over_long_one_are_lines_before_more_is_read() {
        let mut input = vec![b'x'; MAX_LINE_BYTES + 5];
        input.extend(b"\ntwo\nthree\n");
        input.extend(vec![b'y'; MAX_LINE_BYTES + 5]);
        for cut in [1_000, 60_000, 1_000_000] {
            let (all, seen, long) = read_all(&input, vec![cut; 10_000]);
            assert_eq!(all, input);
            assert_eq!(seen, [(2, b"two".to_vec()), (3, b"three".to_vec())]);
            assert_eq!(long, [1, 4]);
        }
    }

    #[test]
    fn a_line_of_one_mib_with_its_end_is_a_line_and_one_byte_more_is_not() {
        for (length, is_line) in [(MAX_LINE_BYTES - 1, true), (MAX_LINE_BYTES, false)] {
            let mut input = vec![b'x'; length];
            input.extend(b"\nnext\n");
            let (all, seen, long) = read_all(&input, vec![1_000_000; 10]);
            assert_eq!(all, input);
            assert_eq!(
                (seen.len(), long.len()),
                if is_line { (2, 0) } else { (1, 1) }
            );
        }
    }
}
