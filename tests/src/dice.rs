//! Dice with a fixed seed, so that a test that fails fails again.

/// A splitmix64 generator (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is more than 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// `n` bytes, any but the end of a line.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.bits() as u8)
            .filter(|&b| b != b'\n')
            .take(n)
            .collect()
    }
}
