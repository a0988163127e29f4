//! `event`: something happened to a server or a process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happened, to whom.
///
#[doc = concat!("```json\n", include_str!("examples/event.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// `exited`, `restarted`, `unhealthy`, `healthy`, `scaled`, `updated`, `task_moved`, `process_started`, `disconnected`, `reconnected`,
    /// `metrics_served`, `api_served`; of a load that is controlled over HTTP `paused`, `resumed`, `rate_changed`.
    pub event: String,
    /// The target's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The exit code, of `exited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal that ended it, of `exited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Where it is, of `metrics_served` and `api_served`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
