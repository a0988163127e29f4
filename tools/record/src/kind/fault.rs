//! `fault`: a fault began, ended, or could not be applied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A fault's window.
///
#[doc = concat!("```json\n", include_str!("examples/fault.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Its id within the run: `f1`.
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
    /// Why it could not be applied, or what undoing it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
