//! A quantile as an exact fraction, so that "the 990th of 1,000" never becomes the 991st.

use crate::Histogram;
use std::fmt;

const WHOLE: u128 = 10_000_000;

/// A share of calls above 0 and below 1, in parts of ten million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile(u64);

impl Quantile {
    /// The 99th percentile.
    pub const P99: Self = Self(9_900_000);

    /// From what follows the `p`: `99`, `99.9`, or, as in field names, `999` for 99.9.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let (percent, decimals) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None if digits.len() > 2 && digits.starts_with("99") => digits.split_at(2),
            None => (digits, ""),
        };
        let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if percent.is_empty() || percent.len() > 2 || decimals.len() > 5 {
            return None;
        }
        if !number(percent) || !number(decimals) {
            return None;
        }
        let parts: u64 = format!("{percent}{decimals:0<5}").parse().ok()?;
        (parts > 0).then_some(Self(parts))
    }

    /// The rank (from 1) of this quantile among `n` calls in order.
    #[must_use]
    pub fn rank(self, n: u64) -> u64 {
        let rank = (u128::from(n) * u128::from(self.0)).div_ceil(WHOLE);
        u64::try_from(rank).unwrap_or(u64::MAX).max(1)
    }

    /// So many calls it takes before this quantile is worth judging: 20/(1−q), so that 20 lie beyond it.
    #[must_use]
    pub fn needed(self) -> u64 {
        let beyond = WHOLE - u128::from(self.0);
        u64::try_from((20 * WHOLE).div_ceil(beyond)).unwrap_or(u64::MAX)
    }

    /// The latency at this quantile, in microseconds, of the calls in `histogram` and `never` more that were slower
    /// than any. `None` where it falls among those.
    #[must_use]
    pub fn of(self, histogram: &Histogram, never: u64) -> Option<u64> {
        let came = histogram.count();
        let rank = self.rank(came.saturating_add(never));
        // Half a rank below, so that the histogram's own rounding up lands on the rank whatever the division gave.
        (rank <= came).then(|| histogram.quantile_us((rank as f64 - 0.5) / came as f64))
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:02}.{:05}", self.0 / 100_000, self.0 % 100_000);
        write!(f, "p{}", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_read_as_people_write_them() {
        for (text, shown) in [
            ("50", "p50"),
            ("99", "p99"),
            ("99.9", "p99.9"),
            ("999", "p99.9"),
            ("9999", "p99.99"),
            ("99.99999", "p99.99999"),
            ("5", "p05"),
            ("2.5", "p02.5"),
        ] {
            let read = Quantile::parse(text).map(|q| q.to_string());
            assert_eq!(read.as_deref(), Some(shown), "{text}");
        }
        for text in [
            "",
            "0",
            "100",
            "500",
            "99.",
            ".9",
            "x",
            "-1",
            "99.999999",
            "9_9",
            "+9",
        ] {
            assert_eq!(Quantile::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_rank_is_exact_and_calls_that_never_came_are_the_slowest() {
        let mut h = Histogram::default();
        for us in 1..=990 {
            h.record(us);
        }
        assert_eq!(Quantile::P99.of(&h, 0), Some(981));
        // 990 of 1,000 came back: the 990th is the last of them. One more that did not, and it is beyond.
        assert_eq!(Quantile::P99.of(&h, 10), Some(990));
        assert_eq!(Quantile::P99.of(&h, 11), None);
        for n in [1_000u64, 10_000, 123_000, 7_000_000] {
            assert_eq!(Quantile::P99.rank(n), n / 100 * 99);
        }
        assert_eq!(Quantile::P99.needed(), 2_000);
        assert_eq!(Quantile::parse("50").map(Quantile::needed), Some(40));
        assert_eq!(Quantile::parse("99.9").map(Quantile::needed), Some(20_000));
    }
}
