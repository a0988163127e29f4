//! `sample`: one value that a server or a machine gave.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One value at one instant.
///
#[doc = concat!("```json\n", include_str!("examples/sample.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The value; absent where the source said NaN or infinity, which JSON cannot.
    pub value: Option<f64>,
    /// Its unit: `bytes`, `seconds`, `1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where it comes from: `metrics`, `process`, `container`, `host`, `prometheus`.
    pub source: String,
    /// The target's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// When it was taken, in Unix microseconds.
    pub at_us: u64,
}
