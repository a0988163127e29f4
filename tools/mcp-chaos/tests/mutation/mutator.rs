//! Makes inputs out of a corpus: seeds cut, joined, repeated and changed at places drawn by seeded dice.

use std::path::Path;

/// Longer inputs only cost time.
const MAX_BYTES: usize = 16 * 1024;
/// What parsers trip over.
const TOKENS: [&[u8]; 16] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b":",
    b",",
    b"=",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"\xff\xfe",
];

/// An endless source of inputs.
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    /// Reads all files of the folder.
    pub fn of(folder: &Path, seed: u64) -> Self {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.expect("a folder that can be read").path())
            .collect();
        paths.sort();
        let seeds: Vec<Vec<u8>> = paths
            .iter()
            .map(|path| std::fs::read(path).expect("a seed"))
            .collect();
        assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
        Self { seeds, state: seed }
    }

    /// The next one: a seed with one to eight changes.
    pub fn next_input(&mut self) -> Vec<u8> {
        let which = self.below(self.seeds.len());
        let mut bytes = self.seeds[which].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut bytes);
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let until = at + self.below((bytes.len() - at).min(64) + 1);
        match self.below(8) {
            0 => drop(bytes.drain(at..until)),
            1 => bytes.truncate(at),
            2 => {
                let again = bytes[at..until].repeat(1 + self.below(4));
                bytes.splice(at..at, again);
            }
            3 => {
                let token = TOKENS[self.below(TOKENS.len())];
                bytes.splice(at..until.min(at + token.len()), token.iter().copied());
            }
            4 => {
                let other = self.below(self.seeds.len());
                let from = self.below(self.seeds[other].len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&self.seeds[other][from..]);
            }
            5 => {
                let drawn = self.draw() as u8;
                bytes.insert(at, drawn);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            _ => {}
        }
    }

    fn below(&mut self, n: usize) -> usize {
        (self.draw() % n as u64) as usize
    }

    /// splitmix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}
