//! The dice: every random choice is a function of the seed and of what it is for, so that a run can be had again.

/// A well-mixed 64-bit value for a seed and two numbers that name the throw (splitmix64's finaliser, twice).
#[must_use]
pub fn throw(seed: u64, a: u64, b: u64) -> u64 {
    let x = mix(seed ^ a.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mix(x ^ b.wrapping_mul(0xd1b5_4a32_d192_ed03))
}

/// The same as a fraction from 0 (included) to 1 (excluded).
#[must_use]
pub fn fraction(seed: u64, a: u64, b: u64) -> f64 {
    (throw(seed, a, b) >> 11) as f64 / (1u64 << 53) as f64
}

/// Numbers that nobody upstream could know, without a system call for each. For masks and nonces, which must differ; not for
/// secrets.
pub struct Nonces {
    from: u64,
    drawn: u64,
}

impl Nonces {
    /// Begins at a place that the kernel has drawn.
    #[must_use]
    pub fn new() -> Self {
        Self {
            from: record::random(),
            drawn: 0,
        }
    }

    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.drawn += 1;
        throw(self.from, self.drawn, 0)
    }
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
