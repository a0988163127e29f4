//! `interval`: one second of one stage, profile, target, method and tool.

use super::{Heard, Sessions};
use crate::histogram::Latency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened within `span_us` from `start_us`, for one (stage, profile, target, method, tool).
///
/// `scheduled` and `sent` belong to the interval of their own instant, outcomes to that in which the call was done;
/// a call belongs to the stage in which it was due. So the intervals of a stage add up to its `summary` exactly, and
/// scheduled = ok + errors + in_flight + waiting holds over any prefix.
/// Rows with the method `connect` hold connections and their set-up, and no calls.
///
#[doc = concat!("```json\n", include_str!("examples/interval.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The stage in which the calls were due.
    pub stage: String,
    /// The profile.
    pub profile: String,
    /// The target's name: the calls' home, also where one was finished elsewhere.
    pub target: String,
    /// The JSON-RPC method.
    pub method: String,
    /// The tool, of `tools/call`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Begin, in Unix microseconds.
    pub start_us: u64,
    /// Length in microseconds: usually `--interval`, longer where a slow reader made two add up.
    pub span_us: u64,
    /// Calls due.
    pub scheduled: u64,
    /// Calls whose last byte was written.
    pub sent: u64,
    /// Calls answered well.
    pub ok: u64,
    /// Of `ok`: those done before their stage ended, which is what a `rate` gate counts.
    #[serde(default)]
    pub ok_in_stage: u64,
    /// All other outcomes, by class: `tool_error`, `rpc_error`, `http_error`, `connect_failed`, `connection_closed`, `stream_ended`, `timeout`, `abandoned`, `protocol_error`, `session_lost`, `input_required`, `cancelled`, `shed`.
    pub errors: BTreeMap<String, u64>,
    /// The codes behind `rpc_error`, `http_error` and `connection_closed`: `rpc_-32603`, `http_503`, `reused`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, u64>,
    /// Bytes of requests, heads and frames included, TLS not.
    pub sent_bytes: u64,
    /// Bytes of answers, likewise.
    pub received_bytes: u64,
    /// How often a call's stream had ended without the answer and was asked for again with `Last-Event-ID`, where that was so; in rows with the method `connect`, how often the stream was on which a client hears of changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<u64>,
    /// Calls that are over and were sent to another target than their home, `target`, where there are any: their client had left it (`--failover`), or it was gone. They are among `ok` and `errors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<u64>,
    /// Calls in flight at the end.
    #[serde(default)]
    pub in_flight: u64,
    /// Calls due and not yet sent at the end.
    #[serde(default)]
    pub waiting: u64,
    /// Connections that stand at the end; only in rows with the method `connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
    /// Connection attempts that failed; only in rows with the method `connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_failures: Option<u64>,
    /// What became of the clients' sessions; only in rows with the method `connect`, where there is something to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// Due to done, of `ok` calls: what a user waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Latency>,
    /// Sent to done, of `ok` calls: what the server takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Latency>,
    /// Due to done, of calls with any other outcome that were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Latency>,
    /// Due to taken up: the generator's own lateness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<Latency>,
    /// Taken up to sent: window or connections full, the server's doing. A call that found the window full counts from due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Latency>,
    /// Set-up of a connection, handshakes included; only in rows with the method `connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Latency>,
    /// Of a connection's set-up, until TCP was connected; only in rows with the method `connect`, and not of children over stdio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Latency>,
    /// Of a connection's set-up, the TLS handshake; only in rows with the method `connect`, of targets with TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Latency>,
    /// Of a connection's set-up, all that had to be said before it could carry calls: the upgrade to WebSocket, `initialize`, the start of a child; only in rows with the method `connect`, and only of connections that needed any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Latency>,
    /// Sent to the first byte of the answer (of its head), of `ok` calls over Streamable HTTP; elsewhere an answer is one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Latency>,
    /// Between two events of one answer, where it is a stream of several (SSE): 0 where one read brought both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Latency>,
    /// From the first byte of the answer to its last, of the calls in `first`: 0 where one read brought both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Latency>,
    /// What clients heard besides answers, where they heard something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Heard>,
}
