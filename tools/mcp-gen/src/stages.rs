//! The stages of the load, pinned to t0: connect, those in which calls are due, drain.

use crate::course::Course;

/// One stage, on CLOCK_MONOTONIC in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Its name in records.
    pub name: String,
    /// When it begins.
    pub start_ns: u64,
    /// When the next one begins.
    pub end_ns: u64,
    /// What it asks for.
    pub ask: Ask,
}

/// What a stage asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ask {
    /// Clients.
    pub clients: Change,
    /// Calls per second of all clients together; `None` where no clock paces them, or none are due.
    pub per_s: Option<Change>,
    /// Whether those who join at its begin all connect at that instant.
    pub at_once: bool,
}

/// A level at the begin and at the end of a stage; between them it changes evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Change {
    /// At the begin.
    pub from: f64,
    /// At the end.
    pub to: f64,
}

impl Change {
    /// No change.
    #[must_use]
    pub const fn none(level: f64) -> Self {
        Self {
            from: level,
            to: level,
        }
    }

    /// The mean over the stage.
    #[must_use]
    pub fn mean(self) -> f64 {
        (self.from + self.to) / 2.0
    }

    /// The level where `way` of the stage (0 to 1) is over.
    #[must_use]
    pub fn at(self, way: f64) -> f64 {
        self.from + (self.to - self.from) * way
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            from: self.from * factor,
            to: self.to * factor,
        }
    }

    /// Whether there is any.
    #[must_use]
    pub fn is_any(self) -> bool {
        self.from != self.to
    }

    /// The part of it between two points of the way.
    #[must_use]
    pub fn between(self, begin: f64, end: f64) -> Self {
        // What is not cut stays the same to the last bit: calls that were due must not move.
        Self {
            from: if begin > 0.0 {
                self.at(begin)
            } else {
                self.from
            },
            to: if end < 1.0 { self.at(end) } else { self.to },
        }
    }
}

impl Ask {
    /// What is asked for between two points of a stage's way (0 to 1).
    #[must_use]
    pub fn between(self, begin: f64, end: f64) -> Self {
        Self {
            clients: self.clients.between(begin, end),
            per_s: self.per_s.map(|r| r.between(begin, end)),
            at_once: self.at_once,
        }
    }
}

impl Stage {
    /// How much of it is over at an instant, from 0 to 1.
    #[must_use]
    pub fn way(&self, ns: u64) -> f64 {
        let length = self.end_ns.saturating_sub(self.start_ns).max(1) as f64;
        (ns.saturating_sub(self.start_ns) as f64 / length).min(1.0)
    }
}

/// A stage before it has its time.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name in records.
    pub name: String,
    /// How long it is to last; one that lasts no time is left out.
    pub length_ns: u64,
    /// What it asks for.
    pub ask: Ask,
}

/// All stages in order: the first connects, the last drains, calls are due in those between.
#[derive(Clone, Debug, PartialEq)]
pub struct Stages(Vec<Stage>);

impl Stages {
    /// From t0 on: `connect_ns` to connect, then the load, and at most `drain_ns` to finish.
    #[must_use]
    pub fn new(t0_ns: u64, connect_ns: u64, load: Vec<Wanted>, drain_ns: u64) -> Self {
        let bare = |name: &str, length_ns, clients: f64| Wanted {
            name: name.to_owned(),
            length_ns,
            ask: Ask {
                clients: Change::none(clients),
                per_s: None,
                at_once: false,
            },
        };
        let first = load.first().map_or(0.0, |w| w.ask.clients.from);
        let last = load.last().map_or(0.0, |w| w.ask.clients.to);
        let load = load.into_iter().filter(|w| w.length_ns > 0);
        let mut at = t0_ns;
        let stages = std::iter::once(bare("connect", connect_ns, first))
            .chain(load)
            .chain([bare("drain", drain_ns, last)])
            .map(|wanted| {
                let start_ns = at;
                at += wanted.length_ns;
                Stage {
                    name: wanted.name,
                    start_ns,
                    end_ns: at,
                    ask: wanted.ask,
                }
            });
        Self(stages.collect())
    }

    /// The same up to `at_ns`, where the load has begun; these follow, and then the drain.
    #[must_use]
    pub fn extended(&self, at_ns: u64, load: Vec<Wanted>) -> Self {
        let mut all = self.0.clone();
        let drain = all.pop();
        all.truncate(all.partition_point(|s| s.start_ns < at_ns).max(1));
        if let Some(last) = all.last_mut() {
            last.ask = last.ask.between(0.0, last.way(at_ns));
            last.end_ns = at_ns;
        }
        let drain = drain.map(|d| Wanted {
            length_ns: d.end_ns - d.start_ns,
            name: d.name,
            ask: d.ask,
        });
        let mut at = at_ns;
        for wanted in load.into_iter().chain(drain) {
            let start_ns = at;
            at += wanted.length_ns;
            all.push(Stage {
                name: wanted.name,
                start_ns,
                end_ns: at,
                ask: wanted.ask,
            });
        }
        Self(all)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Stage] {
        &self.0
    }

    /// Those in which calls are due: their indices.
    #[must_use]
    pub fn loaded(&self) -> std::ops::Range<usize> {
        1..self.0.len() - 1
    }

    /// When the first call may be due.
    #[must_use]
    pub fn load_start_ns(&self) -> u64 {
        self.0[1].start_ns
    }

    /// From when on no call is due.
    #[must_use]
    pub fn load_end_ns(&self) -> u64 {
        self.0[self.0.len() - 1].start_ns
    }

    /// The index of the stage at an instant; the first one before it, the last one after it.
    #[must_use]
    pub fn at(&self, ns: u64) -> usize {
        self.0
            .partition_point(|s| s.start_ns <= ns)
            .saturating_sub(1)
    }

    /// The rate that is asked for at an instant, of all clients together; `None` where no clock paces them.
    #[must_use]
    pub fn asked_per_s(&self, ns: u64) -> Option<f64> {
        let stage = &self.0[self.at(ns)];
        Some(stage.ask.per_s?.at(stage.way(ns)))
    }

    /// The next instant after `ns` at which an interval ends: a multiple of `interval_ns` from t0, or a stage's edge.
    #[must_use]
    pub fn next_edge_ns(&self, ns: u64, interval_ns: u64) -> u64 {
        let t0 = self.0[0].start_ns;
        let grid = t0 + ((ns.saturating_sub(t0)) / interval_ns + 1) * interval_ns;
        let next = self.0.partition_point(|s| s.start_ns <= ns);
        self.0
            .get(next)
            .map_or(grid, |stage| stage.start_ns.min(grid))
    }

    /// The rate of all clients together over all stages, for loads that the clock paces.
    #[must_use]
    pub fn course(&self) -> Course {
        let mut course = Course::default();
        for stage in &self.0 {
            if let Some(per_s) = stage.ask.per_s {
                course.push(stage.start_ns, stage.end_ns, per_s.from, per_s.to);
            }
        }
        course
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, length_ns: u64) -> Wanted {
        Wanted {
            name: name.to_owned(),
            length_ns,
            ask: Ask::default(),
        }
    }

    #[test]
    fn stages_follow_each_other_from_t0_and_an_empty_warm_up_is_left_out() {
        let s = Stages::new(
            100,
            20,
            vec![wanted("warm-up", 0), wanted("steady", 50)],
            10,
        );
        let names: Vec<_> = s
            .all()
            .iter()
            .map(|s| (s.name.as_str(), s.start_ns, s.end_ns))
            .collect();
        assert_eq!(
            names,
            [
                ("connect", 100, 120),
                ("steady", 120, 170),
                ("drain", 170, 180)
            ]
        );
        assert_eq!(
            (s.loaded(), s.load_start_ns(), s.load_end_ns()),
            (1..2, 120, 170)
        );
        assert_eq!(
            [0, 119, 120, 169, 170, 999].map(|ns| s.at(ns)),
            [0, 0, 1, 1, 2, 2]
        );
    }

    #[test]
    fn stages_may_be_added_before_the_drain() {
        let s = Stages::new(0, 10, vec![wanted("knee-1", 20), wanted("pause-1", 500)], 7);
        let longer = s.extended(35, vec![wanted("knee-2", 20), wanted("pause-2", 500)]);
        let names: Vec<_> = longer
            .all()
            .iter()
            .map(|s| (s.name.as_str(), s.start_ns, s.end_ns))
            .collect();
        assert_eq!(
            names[1..],
            [
                ("knee-1", 10, 30),
                ("pause-1", 30, 35),
                ("knee-2", 35, 55),
                ("pause-2", 55, 555),
                ("drain", 555, 562)
            ]
        );
        assert_eq!(longer.extended(60, vec![]).load_end_ns(), 60);
    }

    #[test]
    fn a_ramp_that_is_cut_short_asks_for_what_it_had_come_to_and_its_calls_stay_where_they_were() {
        let ramp = |name: &str| Wanted {
            ask: Ask {
                per_s: Some(Change { from: 1e6, to: 3e9 }),
                ..Ask::default()
            },
            ..wanted(name, 1_000)
        };
        let s = Stages::new(0, 10, vec![ramp("ramp-1"), wanted("hold-2", 50)], 7);
        let cut = s.extended(260, vec![wanted("paused-1", 500)]);
        let names: Vec<_> = cut.all().iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["connect", "ramp-1", "paused-1", "drain"]);
        assert_eq!(
            cut.asked_per_s(259).map(f64::round),
            s.asked_per_s(259).map(f64::round)
        );
        let per_s = cut.all()[1].ask.per_s.expect("a rate");
        assert_eq!(per_s.to, 1e6 + (3e9 - 1e6) / 4.0);
        let (before, after) = (s.course(), cut.course());
        for calls in [0.5, 17.5, 90.5] {
            assert_eq!(before.instant_ns(calls), after.instant_ns(calls));
        }
        assert_eq!(after.instant_ns(before.count_at(260) + 0.01), u64::MAX);
        // What was to come later goes with it.
        assert_eq!(s.extended(10, vec![]).all().len(), 2);
    }

    #[test]
    fn a_ramp_asks_for_more_as_it_goes_on() {
        let mut ramp = wanted("ramp-1", 100);
        ramp.ask.per_s = Some(Change {
            from: 100.0,
            to: 300.0,
        });
        let s = Stages::new(0, 10, vec![ramp], 10);
        assert_eq!(
            [5, 10, 60, 110].map(|ns| s.asked_per_s(ns)),
            [None, Some(100.0), Some(200.0), None]
        );
    }

    #[test]
    fn intervals_end_at_the_grid_and_at_the_edges_of_stages() {
        let s = Stages::new(0, 25, vec![wanted("warm-up", 10), wanted("steady", 30)], 10);
        let mut edges = vec![0];
        while edges[edges.len() - 1] < 70 {
            edges.push(s.next_edge_ns(edges[edges.len() - 1], 10));
        }
        assert_eq!(edges, [0, 10, 20, 25, 30, 35, 40, 50, 60, 65, 70]);
    }
}
