//! How a worker was doing while it made the load: what the report judges the generator by.

use super::priority::Scheduling;

/// How one worker, or all of them, were doing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    /// The longest time by which a loop came back late, in nanoseconds.
    pub max_gap_ns: u64,
    /// Answers that belong to no call.
    pub stray_answers: u64,
    /// Lines that were no message.
    pub stray_lines: u64,
    /// Connections set up.
    pub connects: u64,
    /// Arrays of calls sent.
    pub batches: u64,
    /// What the kernel granted; over several workers the least.
    pub scheduling: Option<Scheduling>,
}

impl Health {
    /// Notes a time by which the loop was late.
    pub fn gap(&mut self, ns: u64) {
        self.max_gap_ns = self.max_gap_ns.max(ns);
    }

    /// Adds another worker's.
    pub fn add(&mut self, other: &Self) {
        self.gap(other.max_gap_ns);
        self.stray_answers += other.stray_answers;
        self.stray_lines += other.stray_lines;
        self.connects += other.connects;
        self.batches += other.batches;
        self.scheduling = match (self.scheduling, other.scheduling) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}
