//! The figures of calls: rows by profile, method and tool, and their total.

use crate::outcome::{Expected, SHED};
use crate::run::{Counts, Figures, Key};
use record::kind::Sessions;
use record::{Histogram, Latency};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A stage's figures.
#[derive(Serialize, JsonSchema)]
pub struct StageReport {
    /// Its name: `steady`.
    pub stage: String,
    /// When it began, in Unix microseconds.
    pub start_us: u64,
    /// How long it lasted; shorter than planned where the run was cut short.
    pub span_us: u64,
    /// Whether it is one of those that were asked to be measured.
    pub measured: bool,
    /// What was asked for, over all generators.
    pub asked: Asked,
    /// Each profile, method and tool.
    pub rows: Vec<Row>,
    /// All rows added up: percentiles of the merged histograms.
    pub total: Row,
    /// How the calls were spread.
    pub targets: Vec<TargetRow>,
}

/// What a stage asked for; all absent where no generator said.
#[derive(Default, Serialize, JsonSchema)]
pub struct Asked {
    /// Clients, at its end.
    pub clients: Option<u64>,
    /// Clients at its begin, where their number changes.
    pub clients_from: Option<u64>,
    /// Calls per second at its begin, where the rate changes.
    pub from_per_s: Option<f64>,
    /// Calls per second at its end, where the rate changes.
    pub to_per_s: Option<f64>,
}

/// One combination, or a total.
#[derive(Serialize, JsonSchema)]
pub struct Row {
    /// The profile; absent in a total.
    pub profile: Option<String>,
    /// The JSON-RPC method; absent in a total.
    pub method: Option<String>,
    /// The tool, of `tools/call`; absent in a total.
    pub tool: Option<String>,
    /// Calls due.
    pub scheduled: u64,
    /// Calls whose last byte was written.
    pub sent: u64,
    /// Calls answered well.
    pub ok: u64,
    /// Of `ok`: those done before the stage ended.
    pub ok_in_stage: u64,
    /// Outcomes besides ok, by class.
    pub errors: BTreeMap<String, u64>,
    /// The codes behind some classes: `rpc_-32603`, `http_503`, `reused`.
    pub codes: BTreeMap<String, u64>,
    /// All outcomes but ok, cancelled, input_required and those that `--expect` names, over all but shed; a fraction.
    pub error_rate: Option<f64>,
    /// Calls per second asked for; absent in the closed model.
    pub asked_per_s: Option<f64>,
    /// `ok_in_stage` per second of the stage.
    pub achieved_per_s: Option<f64>,
    /// `sent` per second of the stage.
    pub sent_per_s: Option<f64>,
    /// Bytes of requests.
    pub sent_bytes: u64,
    /// Bytes of answers.
    pub received_bytes: u64,
    /// Due to done, of ok calls.
    pub response: Option<Latency>,
    /// Sent to done, of ok calls.
    pub service: Option<Latency>,
    /// Due to done, of other calls that were sent.
    pub failed: Option<Latency>,
    /// Taken up to sent.
    pub wait: Option<Latency>,
    /// Due to taken up.
    pub lag: Option<Latency>,
}

/// The calls of one home target in a stage.
#[derive(Serialize, JsonSchema)]
pub struct TargetRow {
    /// Its name.
    pub target: String,
    /// Calls due.
    pub scheduled: u64,
    /// Calls answered well.
    pub ok: u64,
    /// Outcomes besides ok, by class.
    pub errors: BTreeMap<String, u64>,
    /// As in a row.
    pub error_rate: Option<f64>,
    /// As in a row.
    pub achieved_per_s: Option<f64>,
}

/// A class of outcome with the codes behind it.
#[derive(Serialize, JsonSchema)]
pub struct ErrorClass {
    /// `timeout`, `rpc_error`, ….
    pub class: String,
    /// How many calls ended so.
    pub calls: u64,
    /// Of all calls that were scheduled.
    pub share: f64,
    /// The codes behind it.
    pub codes: BTreeMap<String, u64>,
}

/// Setting up connections.
#[derive(Serialize, JsonSchema)]
pub struct Connections {
    /// Attempts that failed.
    pub failures: u64,
    /// How long it took, handshakes included.
    pub connect: Option<Latency>,
    /// What became of the clients' sessions; absent where no generator said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
}

impl Row {
    /// A row, of `key` or, without one, a total.
    pub fn of(key: Option<&Key>, figures: &Figures, span_us: u64, expected: &Expected) -> Self {
        let c = &figures.counts;
        let per_s = |n: u64| (span_us > 0).then(|| n as f64 * 1e6 / span_us as f64);
        Self {
            profile: key.map(|k| k.profile.clone()),
            method: key.map(|k| k.method.clone()),
            tool: key.and_then(|k| k.tool.clone()),
            scheduled: c.scheduled,
            sent: c.sent,
            ok: c.ok,
            ok_in_stage: c.ok_in_stage,
            errors: c.errors.clone(),
            codes: c.codes.clone(),
            error_rate: error_rate(c, expected),
            asked_per_s: figures.asked_per_s,
            achieved_per_s: per_s(c.ok_in_stage),
            sent_per_s: per_s(c.sent),
            sent_bytes: c.sent_bytes,
            received_bytes: c.received_bytes,
            response: some(&figures.response).map(Histogram::with_hdr),
            service: some(&figures.service).map(Histogram::with_hdr),
            failed: some(&figures.failed).map(Histogram::scalars),
            wait: some(&figures.wait).map(Histogram::scalars),
            lag: some(&figures.lag).map(Histogram::scalars),
        }
    }
}

impl TargetRow {
    /// The calls of a target.
    pub fn of(target: &str, counts: &Counts, span_us: u64, expected: &Expected) -> Self {
        Self {
            target: target.to_owned(),
            scheduled: counts.scheduled,
            ok: counts.ok,
            errors: counts.errors.clone(),
            error_rate: error_rate(counts, expected),
            achieved_per_s: (span_us > 0).then(|| counts.ok_in_stage as f64 * 1e6 / span_us as f64),
        }
    }
}

impl ErrorClass {
    /// The classes of these counts, the most frequent first.
    pub fn all(counts: &Counts) -> Vec<Self> {
        let mut classes: Vec<Self> = counts
            .errors
            .iter()
            .map(|(class, calls)| Self {
                class: class.clone(),
                calls: *calls,
                share: *calls as f64 / counts.scheduled.max(1) as f64,
                codes: counts
                    .codes
                    .iter()
                    .filter(|(code, _)| class_of(code) == class)
                    .map(|(code, n)| (code.clone(), *n))
                    .collect(),
            })
            .collect();
        classes.sort_by(|a, b| b.calls.cmp(&a.calls).then(a.class.cmp(&b.class)));
        classes
    }
}

/// The class that a code is about: `rpc_-32603`, `http_503`, `reused`.
fn class_of(code: &str) -> &str {
    match code.split_once('_') {
        Some(("rpc", _)) => "rpc_error",
        Some(("http", _)) => "http_error",
        _ => "connection_closed",
    }
}

fn error_rate(counts: &Counts, expected: &Expected) -> Option<f64> {
    let shed = counts.errors.get(SHED).copied().unwrap_or(0);
    let whole = counts.outcomes().saturating_sub(shed);
    (whole > 0).then(|| expected.errors(&counts.errors) as f64 / whole as f64)
}

/// A histogram that holds something.
pub fn some(histogram: &Histogram) -> Option<&Histogram> {
    (!histogram.is_empty()).then_some(histogram)
}
