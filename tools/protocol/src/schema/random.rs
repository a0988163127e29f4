//! A small seeded generator of random numbers (SplitMix64), so that a seed means the same on every machine.

pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0. The bias is below anyone's notice at our bounds.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Lower-case words, `length` bytes in all, with no blank at either end.
    pub(super) fn words(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        let mut word = 0;
        while text.len() < length {
            let last = text.len() + 1 == length;
            if word > 2 && !last && self.below(6) == 0 {
                text.push(' ');
                word = 0;
            } else {
                text.push(char::from(b'a' + self.below(26) as u8));
                word += 1;
            }
        }
        text
    }

    /// Lower-case letters only.
    pub(super) fn letters(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'a' + self.below(26) as u8))
            .collect()
    }
}
