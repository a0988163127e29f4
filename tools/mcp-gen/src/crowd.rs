//! The crowd: which client is there when, in stages that ask for more or fewer of them.

use crate::stages::Stages;

/// A time for which a client is there, on CLOCK_MONOTONIC in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// It joins.
    pub from_ns: u64,
    /// It leaves: no call of its own is due from here on.
    pub until_ns: u64,
    /// All who join then connect at that one instant.
    pub at_once: bool,
}

/// The visits of client `i`, counted from 0: it is there while the level lies above i + ½. So as many are there as the
/// level says, rounded, those with low numbers longest; and a ramp has as many calls as the area under it.
#[must_use]
pub fn visits(stages: &Stages, i: u32) -> Vec<Visit> {
    let place = f64::from(i) + 0.5;
    let mut visits: Vec<Visit> = Vec::new();
    let mut since: Option<(u64, bool)> = None;
    let mut turn = |is_there: bool, at: u64, at_once: bool| match (since, is_there) {
        (None, true) => since = Some((at, at_once)),
        (Some((from_ns, at_once)), false) => {
            since = None;
            if from_ns < at {
                visits.push(Visit {
                    from_ns,
                    until_ns: at,
                    at_once,
                });
            }
        }
        _ => {}
    };
    for stage in &stages.all()[stages.loaded()] {
        let level = stage.ask.clients;
        turn(level.from > place, stage.start_ns, stage.ask.at_once);
        if (level.from > place) != (level.to > place) {
            let way = (place - level.from) / (level.to - level.from);
            let length = (stage.end_ns - stage.start_ns) as f64;
            turn(
                level.to > place,
                stage.start_ns + (way * length) as u64,
                false,
            );
        }
    }
    turn(false, stages.load_end_ns(), false);
    visits
}

/// Whether any stage has fewer clients than `n`, or brings them at one instant; else all of them are there all the time.
#[must_use]
pub fn comes_and_goes(stages: &Stages, n: u32) -> bool {
    let less = |level: f64| level < f64::from(n);
    stages.all()[stages.loaded()]
        .iter()
        .any(|s| less(s.ask.clients.from) || less(s.ask.clients.to) || s.ask.at_once)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::{Ask, Change, Wanted};

    fn stages(legs: &[(u64, f64, f64)]) -> Stages {
        let load = legs.iter().map(|(length_ns, from, to)| Wanted {
            name: String::new(),
            length_ns: *length_ns,
            ask: Ask {
                clients: Change {
                    from: *from,
                    to: *to,
                },
                per_s: None,
                at_once: false,
            },
        });
        Stages::new(0, 1_000, load.collect(), 1_000)
    }

    #[test]
    fn clients_join_as_the_ramp_passes_them_and_leave_as_it_passes_again() {
        let s = stages(&[(1_000, 0.0, 10.0), (500, 10.0, 10.0), (1_000, 10.0, 0.0)]);
        assert_eq!(
            visits(&s, 0),
            [Visit {
                from_ns: 1_050,
                until_ns: 3_450,
                at_once: false
            }]
        );
        assert_eq!(
            visits(&s, 9),
            [Visit {
                from_ns: 1_950,
                until_ns: 2_550,
                at_once: false
            }]
        );
        assert!(visits(&s, 10).is_empty() && comes_and_goes(&s, 10));
    }

    #[test]
    fn one_may_come_back_and_one_that_stays_makes_one_visit() {
        let s = stages(&[(100, 5.0, 5.0), (100, 2.0, 2.0), (100, 2.0, 4.0)]);
        let of = |i| {
            visits(&s, i)
                .iter()
                .map(|v| (v.from_ns, v.until_ns))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(0), [(1_000, 1_300)]);
        assert_eq!(of(3), [(1_000, 1_100), (1_275, 1_300)]);
        assert_eq!(of(4), [(1_000, 1_100)]);
        assert!(!comes_and_goes(&stages(&[(100, 5.0, 5.0)]), 5));
    }

    #[test]
    fn the_crowd_is_as_large_as_the_level_on_average() {
        let s = stages(&[(1_000_000, 0.0, 500.0)]);
        let there: u64 = (0..500)
            .flat_map(|i| visits(&s, i))
            .map(|v| v.until_ns - v.from_ns)
            .sum();
        assert!(there.abs_diff(250 * 1_000_000) < 1_000, "{there}");
    }
}
