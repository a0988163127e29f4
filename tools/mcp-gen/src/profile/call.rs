//! Calls that a profile spells out, alone or as the steps of a sequence.

use super::Method;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A call, as `[[call]]` or as `[[sequence.step]]`. Its strings are templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its JSON-RPC method, any one that has an answer.
    pub method: String,
    /// The tool, for `tools/call`.
    pub tool: Option<String>,
    /// The tool's arguments; without them they are made up from its schema.
    pub arguments: Option<Value>,
    /// The parameters, for other methods.
    pub params: Option<Value>,
    /// How often it is called beside the profile's other calls; of a `[[call]]` only. 1 where it is not said.
    pub weight: Option<u32>,
    /// Values to take from the answer: a name for later steps, and a JSON pointer into the result; of a step only.
    #[serde(default)]
    pub take: BTreeMap<String, String>,
}

/// Calls that belong together: each waits for the answer of the one before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// How often it is begun beside the profile's other calls.
    #[serde(default = "one")]
    pub weight: u32,
    /// Its calls in turn.
    #[serde(rename = "step")]
    pub steps: Vec<Call>,
}

fn one() -> u32 {
    1
}

/// More would be a program.
const MAX_STEPS: usize = 100;

impl Call {
    /// What cannot be, whether it is a step or stands alone.
    fn wrong(&self) -> Option<String> {
        let is_call = self.method == Method::ToolsCall.name();
        let is_object = |v: &Option<Value>| v.as_ref().is_none_or(Value::is_object);
        let control = ["initialize", "notifications/"];
        if self.method.is_empty()
            || self.method.len() > 128
            || !self.method.chars().all(|c| c.is_ascii_graphic())
        {
            Some("the method of a call is 1 to 128 characters without blanks".to_owned())
        } else if control.iter().any(|c| self.method.starts_with(c)) {
            Some(format!(
                "{} is no call of the load: mcp-gen opens sessions by itself, and notifications have no answer",
                self.method
            ))
        } else if is_call != self.tool.is_some() {
            Some("tool = \"NAME\" belongs to the method tools/call, and only there".to_owned())
        } else if is_call && self.params.is_some() {
            Some("a call of a tool has arguments, not params".to_owned())
        } else if !is_call && self.arguments.is_some() {
            Some("arguments belong to tools/call; other methods have params".to_owned())
        } else if !is_object(&self.arguments) || !is_object(&self.params) {
            Some("arguments and params are tables: { name = \"value\" }".to_owned())
        } else {
            None
        }
    }

    /// What cannot be in a `[[call]]`.
    #[must_use]
    pub fn wrong_alone(&self) -> Option<String> {
        let text =
            "take belongs to the steps of a sequence, since nothing comes after a single call";
        self.wrong()
            .or_else(|| (!self.take.is_empty()).then(|| text.to_owned()))
    }
}

impl Sequence {
    /// What cannot be.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Some(format!("a sequence has 1 to {MAX_STEPS} steps"));
        }
        for step in &self.steps {
            if step.weight.is_some() {
                return Some("the weight is the sequence's: all its steps are called".to_owned());
            }
            if let Some(pointer) = step
                .take
                .values()
                .find(|p| !p.is_empty() && !p.starts_with('/'))
            {
                return Some(format!(
                    "{pointer:?} is no JSON pointer into the result: write for instance \"/resources/0/uri\""
                ));
            }
            if let Some(why) = step.wrong() {
                return Some(why);
            }
        }
        None
    }
}
