//! `warning`: a code, a sentence and the remedy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a person should know. With the code `fatal` it is why a tool gave up.
///
#[doc = concat!("```json\n", include_str!("examples/warning.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// A short name in snake_case: `not_json`, `late_client`, `fatal`.
    pub code: String,
    /// What happened, in one sentence.
    pub text: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The line of stdin it is about, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The target's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl Warning {
    /// A warning without remedy, line or target.
    #[must_use]
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            text: text.into(),
            ..Self::default()
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// The same, about a target.
    #[must_use]
    pub fn target(self, target: impl Into<String>) -> Self {
        Self {
            target: Some(target.into()),
            ..self
        }
    }
}
