//! Whether a condition has held: each second is looked at by itself, and so many in a row must be as wanted.

use super::condition::{Condition, Figure};
use record::Histogram;
use record::kind::Interval;

/// Outcomes that are no errors.
const NO_ERRORS: [&str; 3] = ["cancelled", "input_required", "shed"];
/// Outcomes that count as slower than any answer.
const NEVER: [&str; 4] = ["timeout", "abandoned", "connection_closed", "stream_ended"];

/// Looks at a load second by second.
#[derive(Debug)]
pub struct Judge {
    condition: Condition,
    now: Second,
    /// So long all seconds were as wanted, until the end of the last one.
    good_us: u64,
    last: Option<String>,
}

/// What came within one second.
#[derive(Debug, Default)]
struct Second {
    start_us: u64,
    span_us: u64,
    ok: u64,
    errors: u64,
    /// All outcomes but shed.
    calls: u64,
    response: Histogram,
    never: u64,
}

impl Judge {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(condition: Condition) -> Self {
        Self {
            condition,
            now: Second::default(),
            good_us: 0,
            last: None,
        }
    }

    /// Takes in a second of one kind of call. A second is over when something of a later one comes: true once the
    /// condition has held.
    pub fn interval(&mut self, row: &Interval) -> bool {
        if row.method == "connect" {
            return false; // connections, no calls
        }
        let has_held = self.turn_to(row.start_us, row.span_us);
        if row.start_us < self.now.start_us {
            return has_held; // another generator's, late: its second has been looked at
        }
        let count = |of: &dyn Fn(&str) -> bool| -> u64 {
            let picked = row.errors.iter().filter(|(class, _)| of(class));
            picked.map(|(_, n)| n).sum()
        };
        let now = &mut self.now;
        now.ok += row.ok;
        now.errors += count(&|class| !NO_ERRORS.contains(&class));
        now.calls += row.ok + count(&|class| class != "shed");
        now.never += count(&|class| NEVER.contains(&class));
        if let Some(response) = row.response.as_ref().and_then(|r| r.histogram()) {
            now.response.add(&response);
        }
        has_held
    }

    /// Takes in a call of our own that ended in the second which begins at `start_us`: how long it took, where it was
    /// answered.
    pub fn call(&mut self, start_us: u64, took_us: Option<u64>) -> bool {
        let has_held = self.turn_to(start_us, 1_000_000);
        let now = &mut self.now;
        now.calls += 1;
        match took_us {
            Some(us) => {
                now.ok += 1;
                now.response.record(us);
            }
            None => {
                now.errors += 1;
                now.never += 1;
            }
        }
        has_held
    }

    /// What was seen in the last second that was looked at, for people.
    #[must_use]
    pub fn last(&self) -> &str {
        self.last.as_deref().unwrap_or("no call had ended")
    }

    fn turn_to(&mut self, start_us: u64, span_us: u64) -> bool {
        if start_us <= self.now.start_us && self.now.span_us > 0 {
            return false;
        }
        let over = std::mem::take(&mut self.now);
        (self.now.start_us, self.now.span_us) = (start_us, span_us);
        if over.span_us == 0 {
            return false;
        }
        self.look_at(&over);
        // A second in which nothing came was none of a steady state.
        let gap_us = start_us.saturating_sub(over.start_us + over.span_us);
        let has_held = self.good_us >= self.condition.hold.as_micros() as u64;
        if gap_us > over.span_us / 2 {
            self.good_us = 0;
        }
        has_held
    }

    fn look_at(&mut self, second: &Second) {
        let values: Vec<(Option<f64>, Figure, bool)> = self
            .condition
            .limits
            .iter()
            .map(|limit| {
                let value = second.value(limit.figure);
                // A percentile beyond the timeout is above any limit.
                let holds = match (limit.figure, value) {
                    (Figure::Percentile(_), None) => second.calls > 0 && !limit.is_below,
                    (_, value) => value.is_some_and(|value| limit.holds(value)),
                };
                (value, limit.figure, holds)
            })
            .collect();
        if values.iter().all(|(_, _, holds)| *holds) {
            self.good_us += second.span_us;
        } else {
            self.good_us = 0;
        }
        let shown: Vec<String> = values
            .iter()
            .map(|(value, figure, _)| figure.shown(*value))
            .collect();
        self.last = Some(shown.join(", "));
    }
}

impl Second {
    fn value(&self, figure: Figure) -> Option<f64> {
        if self.calls == 0 {
            return None;
        }
        match figure {
            Figure::ErrorRate => Some(self.errors as f64 / self.calls as f64),
            Figure::Rate => Some(self.ok as f64 * 1e6 / self.span_us as f64),
            Figure::Percentile(q) => q.of(&self.response, self.never).map(|us| us as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn judge(text: &str) -> Judge {
        Judge::new(Condition::parse(text).unwrap())
    }

    fn row(second: u64, ok: u64, errors: &[(&str, u64)], us: u64) -> Interval {
        let mut response = Histogram::default();
        response.record_n(us, ok as u32);
        Interval {
            method: "ping".to_owned(),
            start_us: second * SECOND,
            span_us: SECOND,
            ok,
            errors: errors.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect(),
            response: (ok > 0).then(|| response.with_hdr()),
            ..Interval::default()
        }
    }

    #[test]
    fn so_many_good_seconds_in_a_row_are_a_steady_state_and_a_bad_one_begins_anew() {
        let mut judge = judge("error_rate < 1% for 2s");
        let bad = [("timeout", 1)];
        let seconds = [(1, &[][..]), (2, &bad[..]), (3, &[]), (4, &[])];
        for (n, errors) in seconds {
            // Two kinds of call: together 1 of 60 fails.
            assert!(!judge.interval(&row(n, 30, &[], 1_000)), "{n}");
            assert!(!judge.interval(&row(n, 30 - errors.len() as u64, errors, 1_000)));
        }
        // Seconds 3 and 4 were good, which is seen when the 5th begins.
        assert!(judge.interval(&row(5, 1, &[], 1_000)));
        assert_eq!(judge.last(), "error_rate was 0.0000 %");
    }

    #[test]
    fn shed_and_cancelled_calls_are_no_errors_and_seconds_without_calls_are_not_steady() {
        let mut judge = judge("error_rate < 1% for 2s");
        judge.interval(&row(1, 10, &[("cancelled", 9), ("shed", 9)], 1_000));
        judge.interval(&row(2, 10, &[], 1_000));
        assert!(judge.interval(&row(4, 10, &[], 1_000)), "1 and 2 were good");
        let mut judge = super::tests::judge("error_rate < 1% for 2s");
        judge.interval(&row(1, 10, &[], 1_000));
        judge.interval(&row(3, 10, &[], 1_000));
        assert!(
            !judge.interval(&row(4, 10, &[], 1_000)),
            "a gap lies between"
        );
    }

    #[test]
    fn a_percentile_counts_what_never_came_as_slower_than_any_limit() {
        let mut judge = judge("p50 < 2ms and rate >= 4/s for 1s");
        judge.interval(&row(1, 4, &[("timeout", 5)], 1_000));
        assert!(!judge.interval(&row(2, 4, &[("timeout", 3)], 1_000)));
        assert!(
            judge.last().contains("beyond the timeout"),
            "{}",
            judge.last()
        );
        assert!(judge.interval(&row(3, 4, &[], 1_000)));
    }

    #[test]
    fn calls_of_our_own_count_by_the_second() {
        let mut judge = judge("error_rate < 10% for 1s");
        for n in 0..4 {
            assert!(!judge.call(SECOND, (n > 0).then_some(500)));
        }
        assert!(!judge.call(2 * SECOND, Some(500)), "one of four failed");
        assert!(judge.call(3 * SECOND, Some(500)));
    }
}
