//! How the generators were doing, together.

use crate::outcome::SHED;
use crate::run::{Figures, Run};
use record::Latency;
use schemars::JsonSchema;
use serde::Serialize;

/// The health of all generators of the run; schedule figures are those of the measured stages.
#[derive(Serialize, JsonSchema)]
pub struct GeneratorReport {
    /// How many there were.
    pub generators: u64,
    /// Worker threads of all of them.
    pub threads: u64,
    /// Calls per second that were due.
    pub scheduled_per_s: Option<f64>,
    /// Calls per second that were sent.
    pub sent_per_s: Option<f64>,
    /// Sent over scheduled.
    pub achieved: Option<f64>,
    /// Due to taken up.
    pub lag: Option<Latency>,
    /// Calls that were not made, since the generator was more than 1 s late.
    pub shed: u64,
    /// CPU time, user and system, of all generators.
    pub cpu_us: u64,
    /// CPUs used on average, of all generators.
    pub cpus_used: Option<f64>,
    /// The longest time for which one stood still.
    pub max_gap_us: u64,
    /// The largest share of CPU time that a hypervisor took, in percent.
    pub steal_percent: Option<f64>,
    /// Records that had to be dropped, since the reader was too slow.
    pub dropped: u64,
    /// Answers that belong to no call in flight.
    pub stray_answers: u64,
}

impl GeneratorReport {
    /// Merges them: counts and CPUs add up, gaps and steal are the worst.
    pub fn of(run: &Run, measured: &Figures, span_us: u64) -> Self {
        let own: Vec<_> = run
            .generators
            .values()
            .filter_map(|g| g.last.as_ref()?.generator.as_ref())
            .collect();
        let counts = &measured.counts;
        let per_s = |n: u64| (span_us > 0).then(|| n as f64 * 1e6 / span_us as f64);
        let dropped = run
            .generator_names()
            .iter()
            .filter_map(|from| run.tools.end_of(from))
            .map(|end| end.dropped)
            .sum();
        Self {
            generators: run.generator_names().len() as u64,
            threads: own.iter().map(|g| u64::from(g.threads)).sum(),
            scheduled_per_s: per_s(counts.scheduled),
            sent_per_s: per_s(counts.sent),
            achieved: (counts.scheduled > 0).then(|| counts.sent as f64 / counts.scheduled as f64),
            lag: (!measured.lag.is_empty()).then(|| measured.lag.with_hdr()),
            shed: counts.errors.get(SHED).copied().unwrap_or(0),
            cpu_us: own.iter().map(|g| g.cpu_us).sum(),
            cpus_used: own
                .iter()
                .map(|g| (g.wall_us > 0).then(|| g.cpu_us as f64 / g.wall_us as f64))
                .sum(),
            max_gap_us: own.iter().map(|g| g.max_gap_us).max().unwrap_or(0),
            steal_percent: own.iter().filter_map(|g| g.steal_percent).reduce(f64::max),
            dropped,
            stray_answers: own.iter().map(|g| g.stray_answers).sum(),
        }
    }
}
