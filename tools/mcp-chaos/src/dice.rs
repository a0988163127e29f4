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

/// A number that stands for a text, to throw dice by name (FNV-1a): what is drawn for a target does not change when
/// another one comes or goes.
#[must_use]
pub fn named(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_lie_evenly_between_0_and_1_and_another_seed_gives_others() {
        let all: Vec<f64> = (0..10_000).map(|n| fraction(7, 1, n)).collect();
        assert!(all.iter().all(|f| (0.0..1.0).contains(f)));
        let mean = all.iter().sum::<f64>() / 10_000.0;
        assert!((0.49..0.51).contains(&mean), "{mean}");
        assert_ne!(throw(7, 1, 1), throw(8, 1, 1));
        assert_ne!(named("local-1"), named("local-2"));
    }
}
