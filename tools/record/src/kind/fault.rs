//! `fault`: a fault began, ended, or could not be applied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A fault's window: a record when it has been applied, another when it has been taken back.
///
/// What is over at once (`kill`, `term`) says `began` and `ended` with the same instant: how long its effect lasts is for
/// the reader to find. What could not be applied says `failed` alone. What was applied and could not be taken back says
/// `failed` after `began`, and lasts.
///
#[doc = concat!("```json\n", include_str!("examples/fault.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Its id within the run: `f1` for the first fault of the plan. What is repeated has an id each time: `f1.1`, `f1.2`, ….
    pub id: String,
    /// `began`, `ended` or `failed`.
    pub state: String,
    /// The kind: `kill`, `latency`, `partition`, ….
    pub kind: String,
    /// The targets it hits, by name.
    pub targets: Vec<String>,
    /// Its parameters, as given or drawn.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The seed of its dice, below 2^53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// When, in Unix microseconds.
    pub at_us: u64,
    /// The same, in microseconds since t0: what counts beside a load, whose seconds begin at t0 too. Negative before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_us: Option<i64>,
    /// The same on CLOCK_MONOTONIC, in microseconds: what counts beside other records of the same boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mono_us: Option<u64>,
    /// How long it is to last, in microseconds; absent for what is over at once, or lasts to the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_us: Option<u64>,
    /// What it did, when it is over: names and numbers, such as `processes`, `cpu_us`, `connections`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Why it could not be applied or taken back, or what taking it back found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
