//! The schedule of a client: when each of its calls is due, as a function of (seed, client, index).

use crate::dice;

/// When the calls of one client are due. Having no state, it makes a backlog two indices instead of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// CLOCK_MONOTONIC, in nanoseconds.
    start_ns: u64,
    period_ns: f64,
    /// From 0 to 1: where in the period this client's calls lie.
    phase: f64,
}

impl Schedule {
    /// The schedule of client `i` of `n`, each making `rate_per_s` calls: it begins at (i+u)/n of its period, so that
    /// clients don't march in step.
    #[must_use]
    pub fn new(start_ns: u64, rate_per_s: f64, i: u32, n: u32, seed: u64) -> Self {
        let u = dice::fraction(seed, u64::from(i), u64::MAX);
        Self {
            start_ns,
            period_ns: 1e9 / rate_per_s,
            phase: (f64::from(i) + u) / f64::from(n),
        }
    }

    /// The instant of call `index` on CLOCK_MONOTONIC, in nanoseconds. It multiplies, so rounding never adds up.
    #[must_use]
    pub fn due_ns(&self, index: u64) -> u64 {
        // A rate of less than a call in centuries must not come round to the past, where it would be due for ever.
        self.start_ns
            .saturating_add(((index as f64 + self.phase) * self.period_ns) as u64)
    }

    /// The first call that is due at `ns` or later.
    #[must_use]
    pub fn first_from(&self, ns: u64) -> u64 {
        if ns <= self.start_ns {
            return 0;
        }
        let mut index =
            (((ns - self.start_ns) as f64 / self.period_ns - self.phase).floor()).max(0.0) as u64;
        while self.due_ns(index) < ns {
            index += 1;
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_together_make_the_rate_and_spread_over_the_period() {
        let start = 1_000_000_000;
        let mut dues: Vec<u64> = (0..25)
            .flat_map(|i| {
                let s = Schedule::new(start, 100.0, i, 25, 7);
                (0..)
                    .map(move |k| s.due_ns(k))
                    .take_while(|&d| d < start + 1_000_000_000)
            })
            .collect();
        dues.sort_unstable();
        assert_eq!(dues.len(), 2_500);
        let widest = dues.windows(2).map(|w| w[1] - w[0]).max();
        assert!(widest < Some(2 * 10_000_000 / 25), "{widest:?}");
    }

    #[test]
    fn the_first_call_from_an_instant_is_the_first() {
        let s = Schedule::new(500, 333.3, 3, 10, 1);
        for index in [0, 1, 2, 1_000, 10_000_000] {
            let due = s.due_ns(index);
            assert_eq!(s.first_from(due), index);
            assert_eq!(s.first_from(due + 1), index + 1);
        }
    }

    #[test]
    fn a_year_of_calls_does_not_drift() {
        let s = Schedule::new(0, 1_000.0, 0, 1, 3);
        let year = 365 * 86_400 * 1_000u64;
        let drift = s.due_ns(year) - s.due_ns(0);
        assert!(drift.abs_diff(year * 1_000_000) < 1_000, "{drift}");
    }

    #[test]
    fn a_call_in_centuries_is_never_due_in_the_past() {
        for rate_per_s in [1e-9, 1e-11, 1e-300, f64::MIN_POSITIVE] {
            let s = Schedule::new(1_000_000_000, rate_per_s, 0, 1, 3);
            for index in [0, 1, 2, u64::MAX] {
                assert!(s.due_ns(index) >= 1_000_000_000, "{rate_per_s} {index}");
            }
            assert!(s.due_ns(1) >= s.due_ns(0), "{rate_per_s}");
        }
    }
}
