//! A fault's window on the seconds of the load.

use crate::run::{FaultSeen, Run, signed};
use std::collections::BTreeSet;

/// When a fault was there, and whom it hit. Instants are in microseconds since the base of the seconds.
#[derive(Clone, Debug)]
pub struct Window {
    pub begin_us: i64,
    /// When it was taken back; `None` where it was not, or nobody said.
    pub end_us: Option<i64>,
    /// Whether it was over at once (`kill`), so that its effect is what follows.
    pub is_instant: bool,
    /// The numbers of its targets; empty where they are all, or none of them has calls.
    pub hit: BTreeSet<u16>,
    /// Its targets are none that calls are counted for.
    pub is_elsewhere: bool,
}

impl Window {
    /// That of a fault that began, in a run that has seconds.
    pub fn of(seen: &FaultSeen, run: &Run) -> Option<Self> {
        let base = run.seconds.base_us?;
        let place = |instant: crate::run::Instant| match (instant.since(run.t0_us), run.t0_us) {
            (Some(t_us), Some(t0)) => t_us.saturating_add(signed(t0)).saturating_sub(base),
            _ => signed(instant.at_us) - base,
        };
        let begin_us = place(seen.began?);
        let end_us = seen.ended.map(place).map(|us| us.max(begin_us));
        let hit = run.seconds.targets.numbers(&seen.fault.targets);
        let is_elsewhere = hit.is_empty() && !seen.fault.targets.is_empty();
        let all = hit.len() == run.seconds.targets.len();
        Some(Self {
            begin_us,
            end_us,
            is_instant: end_us == Some(begin_us),
            hit: if all { BTreeSet::new() } else { hit },
            is_elsewhere,
        })
    }
}

/// Why a fault has no window on the load.
pub fn why_not(seen: &FaultSeen) -> String {
    if seen.began.is_some() {
        return "no call was made that it could have hit".to_owned();
    }
    let how = match seen.state.as_str() {
        "failed" => "it could not be applied",
        _ => "the stream does not say when it began",
    };
    match &seen.text {
        Some(text) => format!("{how}: {text}"),
        None => how.to_owned(),
    }
}
