//! `abuse`: what became of deliberately bad behaviour, apart from the calls of the load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a server made of one kind of bad behaviour within `span_us` from `start_us`, for one (stage, profile, target).
///
/// Abuse is in no other count: its bytes, answers and failures belong to no call. An act belongs to the stage in which it
/// was due; `scheduled` counts in the interval of that instant, its outcome in that in which it was over, so
/// scheduled = right + other + running holds over any prefix. The last [`summary`](super::Summary) holds the totals.
///
#[doc = concat!("```json\n", include_str!("examples/abuse.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Abuse {
    /// The stage in which the acts were due.
    pub stage: String,
    /// The profile whose calls they are a share of.
    pub profile: String,
    /// The target's name; empty where no server was left to try it at.
    pub target: String,
    /// `malformed_json`, `truncated_frame`, `wrong_version`, `unknown_method`, `invalid_params`, `duplicate_id`,
    /// `oversized_body`, `disconnect`, `half_open`, `slow_sender`, `never_reads`.
    pub kind: String,
    /// Begin, in Unix microseconds.
    pub start_us: u64,
    /// Length in microseconds.
    pub span_us: u64,
    /// What it came to.
    #[serde(flatten)]
    pub count: AbuseCount,
    /// Acts that are under way at the end.
    #[serde(default)]
    pub running: u64,
}

/// How often a kind of abuse was tried, and how the server took it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AbuseCount {
    /// Acts due.
    pub scheduled: u64,
    /// Acts that were answered as they should be.
    pub right: u64,
    /// All others, by class: `wrong_answer`, `closed` (where an answer was due), `no_answer` (in time), `connect_failed`
    /// (before the act itself), `not_tried` (too many at a time, or no server), `cancelled` (the run was ended).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, u64>,
    /// What came, right or not: `rpc_-32700`, `http_413`, `http_400_rpc_-32600`, `ws_1009`, `result`, `closed`, `silence`,
    /// `stalled` (the server stopped taking in), `took_all`, `both_answered`, `one_of_two`, `served_again`, `not_served_again`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub came: BTreeMap<String, u64>,
}

impl AbuseCount {
    /// Adds another count of the same kind.
    pub fn add(&mut self, other: &Self) {
        self.scheduled += other.scheduled;
        self.right += other.right;
        for (sums, more) in [
            (&mut self.other, &other.other),
            (&mut self.came, &other.came),
        ] {
            for (name, n) in more {
                *sums.entry(name.clone()).or_default() += n;
            }
        }
    }

    /// Acts that were carried out and not answered as they should be.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        let class = |name: &str| self.other.get(name).copied().unwrap_or(0);
        class("wrong_answer") + class("closed") + class("no_answer")
    }

    /// Acts that were carried out.
    #[must_use]
    pub fn tried(&self) -> u64 {
        self.right + self.wrong()
    }
}
