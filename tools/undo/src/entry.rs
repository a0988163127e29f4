//! The lines of a journal: whose it is, what is about to be applied, and what was taken back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Effect, Identity};

/// The version of the journal's form; a journal with a higher one is left alone.
pub(crate) const VERSION: u32 = 1;

/// The first line: whose journal this is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// Version of the form, 1.
    pub v: u32,
    /// The run's id.
    pub run: String,
    /// The tool's name, `mcp-deploy`.
    pub tool: String,
    /// The tool and its instance, `mcp-deploy#3f2a`.
    pub from: String,
    /// The tool's process.
    pub owner: Identity,
    /// The machine's name: a home folder may be shared by several.
    pub host: String,
    /// The pid namespace, as /proc/self/ns/pid says it: a home folder may be mounted in a container.
    pub pid_namespace: String,
    /// When it was opened, in microseconds of Unix time.
    pub ts_us: u64,
}

/// One line of a journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Line {
    /// Always the first.
    Header(Header),
    /// Written and synced before the thing is applied.
    Plan(Plan),
    /// Written after it was taken back.
    Done {
        /// The id of the plan.
        id: String,
        /// Unix time in microseconds.
        ts_us: u64,
    },
}

/// One thing that is about to be applied, or is applied, until its `done` is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// Unique within the journal.
    pub id: String,
    /// When it was planned, Unix time in microseconds.
    pub ts_us: u64,
    /// The keeper takes it back at this instant of CLOCK_MONOTONIC, even while the tool lives;
    /// without one it lives as long as the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_mono_us: Option<u64>,
    /// What kind of thing: `process`, `paused`, `within`. Kinds that this version does not know are kept and reported.
    pub kind: String,
    /// What undoing needs to know, by kind.
    pub detail: Value,
}

impl Plan {
    /// A plan to apply something.
    pub(crate) fn new(id: String, deadline_mono_us: Option<u64>, effect: &Effect) -> Self {
        Self {
            id,
            ts_us: unix_us(),
            deadline_mono_us,
            kind: effect.kind().to_owned(),
            detail: effect.detail(),
        }
    }

    /// What it applies.
    pub fn effect(&self) -> Effect {
        Effect::of(&self.kind, &self.detail)
    }
}

/// Now, in microseconds of Unix time.
pub(crate) fn unix_us() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as u64)
}

/// Now, in microseconds of CLOCK_MONOTONIC, which all processes of one boot share.
pub(crate) fn monotonic_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}
