//! `summary`: the totals of a stage, or of the whole run.

use super::{AbuseCount, Audit, Heard, Sessions};
use crate::histogram::Latency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One line per (stage, profile, method, tool), with all histograms; and a last one with `"final":true`, the totals
/// of all stages, and how the generator itself was doing.
///
#[doc = concat!("```json\n", include_str!("examples/summary.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// True only in a generator's last one.
    #[serde(rename = "final", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
    /// The stage; absent in the final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The profile; absent in the final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The JSON-RPC method; absent in the final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The tool, of `tools/call`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// When the stage (or the first one) began, in Unix microseconds.
    pub start_us: u64,
    /// How long the stage (or all of them) lasted as planned, in microseconds.
    pub span_us: u64,
    /// Calls per second asked for in this stage, of this method and tool; absent in the closed model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_per_s: Option<f64>,
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
    /// Connection attempts that failed, where some did; only in rows with the method `connect` and in the last summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_failures: Option<u64>,
    /// What became of the clients' sessions; only in rows with the method `connect` and in the last summary, where there is something to tell.
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
    /// How the generator was doing; only in the final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<Generator>,
    /// The knee that was searched for; only in the final one, of a run with `--find-knee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knee: Option<Knee>,
    /// Which calls the servers executed; only in the final one, of a run with `--audit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// What servers made of deliberately bad behaviour, by its kind; only in the final one, of a run with `--abuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abuse: Option<BTreeMap<String, AbuseCount>>,
    /// What was spoken with the servers; only in the final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialects: Option<Vec<Dialect>>,
}

/// How a generator was doing while it made the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// `open` or `closed`.
    pub model: String,
    /// How calls followed each other: `constant` or `poisson`; absent in the closed model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// Clients.
    pub clients: u64,
    /// Clients besides who only stayed, where there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<u64>,
    /// Worker threads.
    pub threads: u32,
    /// CPU time of the whole process from t0 on, user and system.
    pub cpu_us: u64,
    /// From t0 to the end of the drain.
    pub wall_us: u64,
    /// The longest time by which a worker's loop came back late.
    pub max_gap_us: u64,
    /// The share of CPU time that the hypervisor took, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_percent: Option<f64>,
    /// How its workers were scheduled: `real_time`, `nice` or `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<String>,
    /// Answers that belong to no call in flight: unknown, repeated or late ids.
    #[serde(default)]
    pub stray_answers: u64,
    /// Lines on stdio or TCP that were no messages, where there were any: logs and the like. No call is blamed for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stray_lines: Option<u64>,
    /// Connections set up.
    #[serde(default)]
    pub connects: u64,
    /// Arrays of several calls sent, where there were any (`--batch`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<u64>,
}

/// The highest arrival rate that met a condition, and how it was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Knee {
    /// The condition: `p99 < 200ms`.
    pub condition: String,
    /// The highest rate tried that met it, in calls per second of this generator; absent where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// The lowest rate tried that did not meet it; absent where all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_much_per_s: Option<f64>,
    /// What ended the search: `server` (a little more is too much for it), `generator` (it was late itself, so the
    /// server may do more), `search` (more is not tried), `unreachable` (no client could connect any more, so nothing is
    /// known of higher rates); absent where the run was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<String>,
    /// The steps in order.
    pub steps: Vec<KneeStep>,
}

/// One rate that was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KneeStep {
    /// The stage that was judged: `knee-3`.
    pub stage: String,
    /// Calls per second.
    pub rate_per_s: f64,
    /// `met`; `missed`; `doubted` where it was missed and such a rate was met later, so that something else had disturbed
    /// the server; `late` where the generator could not keep its schedule, and `unsettled` where clients were not connected
    /// yet, or the first calls not back when the step began: nothing follows from either, and the step is repeated;
    /// `unreachable` where no client could connect any more, and `interrupted` where the run was.
    pub judgement: String,
    /// The figures it was judged by, for people.
    pub figures: String,
}

/// What a generator spoke with the servers of one origin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dialect {
    /// The server's origin: `ws://127.0.0.1:5555`.
    pub origin: String,
    /// `legacy` or `modern`.
    pub era: String,
    /// The protocol revision: `2025-11-25`.
    pub revision: String,
    /// `ws`, `http`, ….
    pub transport: String,
    /// `1.1` or `2`: the HTTP that was spoken when the server was asked what it offers, where it was asked over Streamable
    /// HTTP. Each connection over TLS agrees on one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// What the server calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}
