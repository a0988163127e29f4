//! The status: where the run stands, as JSON.

use super::board::Snapshot;
use super::counts::Counts;
use crate::steer;
use protocol::outcome::Outcome;
use record::clock;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where the run stands. Counts are those of the intervals that are over; they grow until the end.
#[derive(Debug, Serialize)]
pub struct Status<'a> {
    /// The run's id; `null` before the first line on stdin has told it.
    run: Option<&'a str>,
    /// The stage of the load at this instant; `null` before t0.
    stage: Option<&'a str>,
    /// Since t0, in microseconds.
    elapsed_us: Option<u64>,
    /// Calls per second that are asked for at this instant; `null` where no clock paces them.
    asked_per_s: Option<f64>,
    /// Ok calls per second in the last interval.
    reached_per_s: f64,
    /// Calls due so far.
    scheduled: u64,
    /// Of them sent.
    sent: u64,
    /// Of them answered well.
    ok: u64,
    /// The others that are over, by class.
    errors: BTreeMap<&'static str, u64>,
    /// Calls sent and not done.
    in_flight: u64,
    /// Calls due and neither sent nor done.
    waiting: u64,
    /// Connections that stand.
    connections: u64,
    /// Whether the run was told to pause, and is not yet to go on.
    paused: bool,
    /// Whether the run was told to stop here, and is only finishing its calls.
    stopping: bool,
}

impl<'a> Status<'a> {
    /// The status at this instant.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot, stopping: bool) -> Self {
        let now_ns = clock::mono_ns();
        let stages = snapshot.stages.as_deref();
        let stages = stages.filter(|s| s.all()[0].start_ns <= now_ns);
        let mut sum = Counts::default();
        snapshot.rows.values().for_each(|row| sum.join(row));
        let classes = Outcome::CLASSES.iter().zip(sum.outcomes).skip(1);
        Self {
            run: snapshot.run.as_deref(),
            stage: stages.map(|s| s.all()[s.at(now_ns)].name.as_str()),
            elapsed_us: stages.map(|s| (now_ns - s.all()[0].start_ns) / 1_000),
            asked_per_s: stages.and_then(|s| s.asked_per_s(now_ns)).map(rounded),
            reached_per_s: rounded(snapshot.ok_per_s),
            scheduled: sum.scheduled,
            sent: sum.sent,
            ok: sum.outcomes[0],
            errors: classes
                .filter(|(_, n)| *n > 0)
                .map(|(class, n)| (*class, n))
                .collect(),
            in_flight: sum.now.in_flight,
            waiting: sum.now.waiting,
            connections: sum.now.connections,
            paused: stages.is_some_and(|s| steer::is_pause(&s.all()[s.at(now_ns)])),
            stopping,
        }
    }
}

fn rounded(per_s: f64) -> f64 {
    (per_s * 1_000.0).round() / 1_000.0
}
