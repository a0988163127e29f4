//! Why something is not done, as Toxiproxy says it: `{"error": …, "status": …}`.

use control::Answer;
use serde_json::json;

/// A status and a sentence. Sentences begin as Toxiproxy's, which clients look at, and go on with what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The sentence.
    pub text: String,
    /// The methods that the path has, where it was another.
    pub allow: Option<&'static str>,
}

impl Refusal {
    /// With this status.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            allow: None,
        }
    }

    /// What was sent cannot be used.
    pub fn bad_body(text: &str) -> Self {
        Self::new(400, format!("bad request body: {text}"))
    }

    /// A field is missing.
    pub fn missing(name: &str) -> Self {
        Self::new(400, format!("missing required field: {name}"))
    }

    /// Nobody has this name.
    pub fn no_proxy(name: &str) -> Self {
        Self::new(404, format!("proxy not found: {name:?}"))
    }

    /// Likewise.
    pub fn no_toxic(name: &str) -> Self {
        Self::new(404, format!("toxic not found: {name:?}"))
    }

    /// The answer.
    pub fn answer(&self) -> Answer {
        let body = json!({"error": record::cut(self.text.clone()), "status": self.status});
        Answer {
            allow: self.allow,
            ..Answer::json(self.status, body.to_string())
        }
    }
}
