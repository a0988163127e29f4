//! The knee: the highest arrival rate that a server still meets a condition at, searched step by step while the load goes on.
//!
//! A step is three stages: `settle-3` at the new rate, `knee-3` at the same rate, which is judged, and `pause-3`, in which
//! no call is due until all are over, so that each step finds an empty queue.

mod condition;
mod hunt;
mod search;

pub use condition::Condition;
pub use hunt::Hunt;

use search::Search;

use crate::stages::{Ask, Change, Wanted};
use std::time::Duration;

/// What is searched for, and how.
#[derive(Clone, Debug)]
pub struct Knee {
    /// What calls must be like.
    pub condition: Condition,
    /// Calls per second of the first step.
    pub first_per_s: f64,
    /// No more are tried.
    pub most_per_s: f64,
    /// How long a step is judged for at least.
    pub step: Duration,
    /// After this no call can be under way any more.
    pub longest_call: Duration,
    /// Clients, who share the rate.
    pub clients: u32,
}

/// Few calls say little, so a step takes longer where the rate makes too few of them, but at most so many times as long:
/// a server that can do next to nothing is to be found out before the user gives up.
const LONGEST: u32 = 4;
/// The pause is cut short as soon as the next step is known, which takes moments.
const SPARE: Duration = Duration::from_secs(60);

impl Knee {
    /// The rate to begin with, where none is given: one that makes enough calls in a step.
    #[must_use]
    pub fn first_per_s(condition: &Condition, step: Duration) -> f64 {
        (condition.needed() as f64 / step.as_secs_f64())
            .ceil()
            .max(50.0)
    }

    /// The stages of the first step.
    #[must_use]
    pub fn first_stages(&self) -> Vec<Wanted> {
        self.stages(1, self.search().now(), Duration::ZERO)
    }

    fn search(&self) -> Search {
        Search::new(self.first_per_s, self.most_per_s)
    }

    /// The stages of step `number`, counted from 1. It settles for as long as calls take, at least: until the first of
    /// them come back, more and more are in flight at any rate.
    #[must_use]
    pub fn stages(&self, number: usize, per_s: f64, calls_take: Duration) -> Vec<Wanted> {
        let enough = Duration::from_secs_f64(self.condition.needed() as f64 / per_s);
        let step = self.step.max(enough.min(self.step * LONGEST));
        let settle = (self.step / 4)
            .clamp(Duration::from_millis(500), Duration::from_secs(5))
            .max(calls_take.min(self.longest_call));
        let wanted = |what: &str, length: Duration, per_s: f64| Wanted {
            name: format!("{what}-{number}"),
            length_ns: length.as_nanos() as u64,
            ask: Ask {
                clients: Change::none(f64::from(self.clients)),
                per_s: Some(Change::none(per_s)),
                at_once: false,
            },
        };
        vec![
            wanted("settle", settle, per_s),
            wanted("knee", step, per_s),
            wanted("pause", self.longest_call * 2 + SPARE, 0.0),
        ]
    }
}
