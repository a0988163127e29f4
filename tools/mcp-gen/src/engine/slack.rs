//! How long due calls may gather, so that at high rates one wake-up and one write(2) serve many of them.
//!
//! A wake-up costs 10 to 30 µs of CPU, most of it the kernel's, and so does each connection's write and read. At a low
//! rate each call has its own, on the dot. From some 20,000 calls a second on that is most of what a core can do, so
//! calls wait for each other: the time grows with the rate, and stays below the millisecond from which lag is judged.

/// For so many calls a second more they gather for a microsecond longer: at 10,000/s 30 µs, which is less than the
/// distance between two; at 200,000/s the most.
const PER_S_A_US: u64 = 333;
/// The most: with what the round itself takes, lag p99 stays well below 1 ms.
const MAX_NS: u64 = 600_000;
/// How often the rate is looked at.
const WINDOW_NS: u64 = 20_000_000;

/// When a worker may take calls up again.
#[derive(Debug, Default)]
pub struct Slack {
    taken: u64,
    window_ns: u64,
    last_ns: u64,
    slack_ns: u64,
}

impl Slack {
    /// A call was taken up.
    pub fn count(&mut self) {
        self.taken += 1;
    }

    /// All that was due at `now` has been taken up.
    pub fn passed(&mut self, now: u64) {
        self.last_ns = now;
        let span_ns = now.saturating_sub(self.window_ns);
        if span_ns >= WINDOW_NS {
            let per_s = (u128::from(self.taken) * 1_000_000_000 / u128::from(span_ns)) as u64;
            self.slack_ns = (per_s * 1_000 / PER_S_A_US).min(MAX_NS);
            (self.taken, self.window_ns) = (0, now);
        }
    }

    /// Calls that are due wait until this instant.
    pub fn until_ns(&self) -> u64 {
        self.last_ns + self.slack_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slack after a second of so many calls.
    fn after(per_s: u64) -> u64 {
        let mut slack = Slack::default();
        for i in 0..=per_s {
            slack.count();
            slack.passed(1_000_000_000 + i * 1_000_000_000 / per_s);
        }
        slack.slack_ns
    }

    #[test]
    fn slow_schedules_are_kept_on_the_dot_and_fast_ones_well_within_a_millisecond() {
        assert!(after(1_000) < 5_000);
        assert!(
            (25_000..35_000).contains(&after(10_000)),
            "{}",
            after(10_000)
        );
        assert_eq!(after(1_000_000), MAX_NS);
    }

    #[test]
    fn calls_that_end_leave_no_slack_behind() {
        let mut slack = Slack::default();
        for i in 0..100_000 {
            slack.count();
            slack.passed(i * 1_000);
        }
        assert!(slack.slack_ns > 0);
        slack.passed(2_000_000_000);
        slack.passed(3_000_000_000);
        assert_eq!(slack.until_ns(), 3_000_000_000);
    }
}
