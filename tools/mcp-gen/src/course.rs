//! A course: the rate at which calls come due over time, and its integral, which turns a number of calls into an instant.

/// The rate over time, leg by leg, and how many calls are due up to each instant.
///
/// That count is the integral of the rate. The call with number n is due where the integral reaches n: so an instant is
/// computed from its number alone, and rounding never adds up, however long a ramp is.
#[derive(Clone, Debug, Default)]
pub struct Course {
    legs: Vec<Leg>,
    /// Calls due over all legs.
    total: f64,
}

/// A stretch of time in which the rate changes evenly, or not at all.
#[derive(Clone, Copy, Debug)]
struct Leg {
    /// On CLOCK_MONOTONIC.
    start_ns: u64,
    end_ns: u64,
    /// Calls due before it.
    before: f64,
    /// Calls per nanosecond at its begin.
    from_per_ns: f64,
    /// By how much that grows per nanosecond; 0 for most legs.
    slope: f64,
}

impl Course {
    /// Goes on from `start_ns` (not before the end of the last leg) to `end_ns`, the rate changing evenly between the
    /// two given ones. Legs of one steady rate that follow each other become one.
    pub fn push(&mut self, start_ns: u64, end_ns: u64, from_per_s: f64, to_per_s: f64) {
        if end_ns <= start_ns {
            return;
        }
        let span = (end_ns - start_ns) as f64;
        let (from_per_ns, to_per_ns) = (from_per_s / 1e9, to_per_s / 1e9);
        let slope = (to_per_ns - from_per_ns) / span;
        let before = self.total;
        self.total += span * (from_per_ns + to_per_ns) / 2.0;
        match self.legs.last_mut() {
            Some(last)
                if last.end_ns == start_ns
                    && last.slope == 0.0
                    && slope == 0.0
                    && last.from_per_ns == from_per_ns =>
            {
                last.end_ns = end_ns;
            }
            _ => self.legs.push(Leg {
                start_ns,
                end_ns,
                before,
                from_per_ns,
                slope,
            }),
        }
    }

    /// When so many calls are due: an instant of CLOCK_MONOTONIC; `u64::MAX` for more than there ever are.
    #[must_use]
    pub fn instant_ns(&self, count: f64) -> u64 {
        if count >= self.total {
            return u64::MAX;
        }
        // Legs without calls begin at the same count as the leg behind them, which is the one wanted.
        let leg = match self.legs.as_slice() {
            [leg] => leg,
            legs => match legs.partition_point(|l| l.before <= count).checked_sub(1) {
                Some(at) => &legs[at],
                None => return u64::MAX,
            },
        };
        let calls = count - leg.before;
        let ns = if leg.slope == 0.0 {
            calls / leg.from_per_ns
        } else {
            // The root of slope/2·x² + from·x = calls in the form that loses no digits, whether the ramp rises or falls.
            let root = (leg.from_per_ns * leg.from_per_ns + 2.0 * leg.slope * calls).max(0.0);
            2.0 * calls / (leg.from_per_ns + root.sqrt())
        };
        // Rounding must not push a call into the next stage. (A ramp from 0 begins with 0/0.)
        leg.start_ns
            .saturating_add(ns.max(0.0) as u64)
            .min(leg.end_ns - 1)
    }

    /// How many calls are due before an instant of CLOCK_MONOTONIC.
    #[must_use]
    pub fn count_at(&self, ns: u64) -> f64 {
        let Some(at) = self
            .legs
            .partition_point(|l| l.start_ns <= ns)
            .checked_sub(1)
        else {
            return 0.0;
        };
        let leg = &self.legs[at];
        let x = (ns.min(leg.end_ns) - leg.start_ns) as f64;
        leg.before + x * (leg.from_per_ns + leg.slope * x / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn course(legs: &[(u64, f64, f64)]) -> Course {
        let mut course = Course::default();
        let mut at = 5 * S;
        for (seconds, from, to) in legs {
            course.push(at, at + seconds * S, *from, *to);
            at += seconds * S;
        }
        course
    }

    #[test]
    fn a_ramp_has_as_many_calls_as_the_area_under_it_and_they_come_faster_and_faster() {
        let ramp = course(&[(60, 100.0, 10_000.0)]);
        let dues: Vec<u64> = (0..)
            .map(|k| ramp.instant_ns(f64::from(k) + 0.5))
            .take_while(|&ns| ns < u64::MAX)
            .collect();
        assert_eq!(dues.len(), 60 * 10_100 / 2);
        // After a quarter of the time the rate is 2,575/s: 20.06 s hold the area up to there.
        let in_first = dues.iter().filter(|&&ns| ns < 20 * S).count();
        assert!(in_first.abs_diff(15 * (100 + 2_575) / 2) <= 1, "{in_first}");
        assert!(dues.windows(3).all(|w| w[2] - w[1] <= w[1] - w[0] + 2));
    }

    #[test]
    fn an_instant_and_its_count_are_each_others_inverse_up_down_and_over_pauses() {
        let shape = course(&[
            (10, 0.0, 500.0),
            (5, 500.0, 500.0),
            (3, 0.0, 0.0),
            (7, 800.0, 0.0),
            (2, 0.0, 0.0),
            (1, 40.0, 40.0),
        ]);
        let total = 2_500.0 + 2_500.0 + 2_800.0 + 40.0;
        assert!((shape.count_at(u64::MAX) - total).abs() < 1e-6);
        for k in 0..total as u64 {
            let count = k as f64 + 0.37;
            let ns = shape.instant_ns(count);
            assert!(
                (shape.count_at(ns) - count).abs() < 1e-5,
                "{count} at {ns}: {}",
                shape.count_at(ns)
            );
        }
        assert_eq!(
            shape.instant_ns(5_000.5),
            23 * S + 625_027,
            "after the pause"
        );
        assert_eq!(shape.instant_ns(total), u64::MAX);
        assert_eq!((shape.count_at(0), shape.instant_ns(0.0)), (0.0, 5 * S));
    }

    #[test]
    fn a_steady_rate_in_several_stages_is_one_leg() {
        let steady = course(&[(3, 10.0, 10.0), (60, 10.0, 10.0)]);
        assert_eq!(steady.legs.len(), 1);
        assert_eq!(steady.instant_ns(40.0), 9 * S);
    }
}
