//! What clients hear without having asked at that moment: notifications, and answers that nobody waits for any more.

use crate::histogram::Latency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What clients heard besides the answers to their calls. Progress stands in the row of its call, all else in the rows
/// with the method `connect`, in the stage in which it was heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heard {
    /// Notifications by method, without the `notifications/` before it: `resources/updated`, `progress`, `message`, …;
    /// `other` for a method that MCP has not.
    pub notifications: BTreeMap<String, u64>,
    /// Of `progress`: those whose token belongs to no call in flight.
    #[serde(default)]
    pub unknown_progress: u64,
    /// Subscriptions to resources that servers accepted.
    #[serde(default)]
    pub subscribed: u64,
    /// Subscriptions that they refused, or did not answer within the timeout.
    #[serde(default)]
    pub subscriptions_refused: u64,
    /// Subscriptions that ended although the client wanted to hear more: with their connection, session or stream.
    #[serde(default)]
    pub subscriptions_lost: u64,
    /// Answers to calls that the client had cancelled.
    #[serde(default)]
    pub late_answers: u64,
    /// Change of a resource to its notification read; only from servers that say when it changed, as the reference server
    /// does (`_meta`: `mcpipe/changed_us`, `mcpipe/changed_mono_us`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<Latency>,
    /// Between two `resources/updated` that one client read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_gap: Option<Latency>,
    /// Between two `progress` of one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_gap: Option<Latency>,
}
