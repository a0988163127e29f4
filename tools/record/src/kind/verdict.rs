//! `verdict`: PASS, FAIL or INVALID, with each gate's value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What mcp-report concludes, and the figures behind it.
///
#[doc = concat!("```json\n", include_str!("examples/verdict.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// `PASS`, `FAIL`, `INVALID`, or `NONE` where the run was interrupted and is not judged.
    pub verdict: String,
    /// Why, a sentence each; empty for a plain PASS.
    pub reasons: Vec<String>,
    /// Each gate.
    pub gates: Vec<Gate>,
    /// The report behind it: what ran, the figures of each stage, profile, method and tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
}

/// A condition under which the run fails, and its value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// The expression, as given: `p99 > 200ms`.
    pub gate: String,
    /// `pass`, `fail`, `too few samples`, or `not judged`.
    pub state: String,
    /// The figure found: microseconds, a fraction or calls per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The unit of `value`: `us`, `1` or `per_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// A sentence where the value alone does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
