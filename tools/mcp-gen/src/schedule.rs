//! The schedule of a client: when each of its calls is due, as a function of (seed, client, index).

use crate::course::Course;
use crate::gaps::Gaps;
use crate::pacer::Arrivals;
use std::sync::Arc;

/// When the calls of one client are due. It is computed from an index, so a backlog is two indices instead of a queue.
#[derive(Clone, Debug)]
pub struct Schedule {
    course: Arc<Course>,
    /// This client's calls for each call of the course.
    share: f64,
    beats: Beats,
}

/// What a client's calls are counted by, before the course puts them into time: one a beat on average.
#[derive(Clone, Debug)]
enum Beats {
    /// From 0 to 1: where in its period each of this client's calls lies.
    Even { phase: f64 },
    /// By chance.
    Poisson(Gaps),
}

impl Schedule {
    /// The schedule of client `i` of `n`, whose part of the course's calls is `share`. Even calls begin at (i+u)/n of
    /// their period, so that clients don't march in step.
    #[must_use]
    pub fn new(
        course: Arc<Course>,
        share: f64,
        arrivals: Arrivals,
        i: u32,
        n: u32,
        seed: u64,
    ) -> Self {
        let u = crate::dice::fraction(seed, u64::from(i), u64::MAX);
        Self {
            course,
            share,
            beats: match arrivals {
                Arrivals::Constant => Beats::Even {
                    phase: (f64::from(i) + u) / f64::from(n),
                },
                Arrivals::Poisson => Beats::Poisson(Gaps::new(seed, i)),
            },
        }
    }

    /// Goes on with a course that is the same up to now.
    pub fn set_course(&mut self, course: Arc<Course>) {
        self.course = course;
    }

    /// The instant of call `index` on CLOCK_MONOTONIC, in nanoseconds; `u64::MAX` where the course ends before.
    /// Cheapest for an index near the one that was asked for last.
    #[must_use]
    pub fn due_ns(&mut self, index: u64) -> u64 {
        let beat = match &mut self.beats {
            Beats::Even { phase } => index as f64 + *phase,
            Beats::Poisson(gaps) => gaps.beat(index),
        };
        self.course.instant_ns(beat / self.share)
    }

    /// The same, for the calls that wait: those are asked for in turn with the ones that come due, far behind them.
    #[must_use]
    pub fn waiting_ns(&mut self, index: u64) -> u64 {
        let beat = match &mut self.beats {
            Beats::Even { .. } => return self.due_ns(index),
            Beats::Poisson(gaps) => gaps.beat_behind(index),
        };
        self.course.instant_ns(beat / self.share)
    }

    /// The first call that is due at `ns` or later.
    #[must_use]
    pub fn first_from(&mut self, ns: u64) -> u64 {
        let beats = self.course.count_at(ns) * self.share;
        let mut index = match &mut self.beats {
            Beats::Even { phase } => (beats - *phase).floor().max(0.0) as u64,
            Beats::Poisson(gaps) => gaps.first_from(beats),
        };
        while index > 0 && self.due_ns(index - 1) >= ns {
            index -= 1;
        }
        while self.due_ns(index) < ns {
            index += 1;
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// Client `i` of `n`, each with `rate_per_s` from `start_ns` on, for 2 years.
    fn schedule(
        arrivals: Arrivals,
        start_ns: u64,
        rate_per_s: f64,
        i: u32,
        n: u32,
        seed: u64,
    ) -> Schedule {
        let mut course = Course::default();
        let total = rate_per_s * f64::from(n);
        course.push(start_ns, start_ns + 2 * 365 * 86_400 * S, total, total);
        Schedule::new(Arc::new(course), 1.0 / f64::from(n), arrivals, i, n, seed)
    }

    /// The instants within a second of all of `n` clients, in order.
    fn first_second(arrivals: Arrivals, rate_per_s: f64, n: u32) -> Vec<u64> {
        let mut dues: Vec<u64> = (0..n)
            .flat_map(|i| {
                let mut s = schedule(arrivals, S, rate_per_s, i, n, 7);
                (0..).map(move |k| s.due_ns(k)).take_while(|&d| d < 2 * S)
            })
            .collect();
        dues.sort_unstable();
        dues
    }

    #[test]
    fn clients_together_make_the_rate_and_spread_over_the_period() {
        let dues = first_second(Arrivals::Constant, 100.0, 25);
        assert_eq!(dues.len(), 2_500);
        let widest = dues.windows(2).map(|w| w[1] - w[0]).max();
        assert!(widest < Some(2 * 10_000_000 / 25), "{widest:?}");
    }

    #[test]
    fn poisson_arrivals_have_exponential_gaps_also_over_all_clients() {
        let dues = first_second(Arrivals::Poisson, 1_000.0, 40);
        let n = dues.len() as f64;
        // Mean 40,000 and standard deviation 200; 5 of these are never seen by chance.
        assert!((n - 40_000.0).abs() < 1_000.0, "{n}");
        let gaps: Vec<f64> = dues.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / n;
        let longer = |times: f64| gaps.iter().filter(|&&g| g > mean * times).count() as f64 / n;
        for times in [0.1f64, 1.0, 2.0, 4.0] {
            let expected = (-times).exp();
            let off = (longer(times) - expected).abs();
            assert!(off < 0.012, "{times}: {} and {expected}", longer(times));
        }
    }

    #[test]
    fn the_first_call_from_an_instant_is_the_first() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let mut s = schedule(arrivals, 500, 333.3, 3, 10, 1);
            for index in [0, 1, 2, 1_000, 400_000] {
                let due = s.due_ns(index);
                assert_eq!(s.first_from(due), index);
                assert_eq!(s.first_from(due + 1), index + 1);
            }
        }
    }

    #[test]
    fn an_instant_does_not_depend_on_which_ones_were_asked_for_before() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let mut in_order = schedule(arrivals, S, 50.0, 2, 5, 9);
            let dues: Vec<u64> = (0..5_000).map(|k| in_order.due_ns(k)).collect();
            let mut jumping = schedule(arrivals, S, 50.0, 2, 5, 9);
            for index in [4_999, 0, 700, 699, 4_000, 3, 2] {
                assert_eq!(jumping.due_ns(index as u64), dues[index]);
                assert_eq!(jumping.waiting_ns((index / 2) as u64), dues[index / 2]);
            }
        }
    }

    #[test]
    fn a_year_of_calls_does_not_drift() {
        let mut s = schedule(Arrivals::Constant, 0, 1_000.0, 0, 1, 3);
        let year = 365 * 86_400 * 1_000u64;
        let drift = s.due_ns(year) - s.due_ns(0);
        assert!(drift.abs_diff(year * 1_000_000) < 1_000, "{drift}");
    }

    #[test]
    fn a_call_in_centuries_is_never_due_in_the_past() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            for rate_per_s in [1e-9, 1e-11, 1e-300, f64::MIN_POSITIVE] {
                let mut s = schedule(arrivals, S, rate_per_s, 0, 1, 3);
                for index in [0, 1, 2] {
                    assert!(s.due_ns(index) >= S, "{rate_per_s} {index}");
                }
                assert!(s.due_ns(1) >= s.due_ns(0), "{rate_per_s}");
            }
        }
    }
}
