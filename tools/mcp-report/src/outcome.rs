//! How a call can end, and which of these count as errors.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// The classes besides `ok`, as mcp-gen settles them.
pub const CLASSES: [&str; 13] = [
    "tool_error",
    "rpc_error",
    "http_error",
    "connect_failed",
    "connection_closed",
    "stream_ended",
    "timeout",
    "abandoned",
    "protocol_error",
    "session_lost",
    "input_required",
    "cancelled",
    "shed",
];

/// The generator was too late to make these: they say nothing about the server.
pub const SHED: &str = "shed";

/// No error of the server's: it asked back, or we took the call back.
const NO_ERRORS: [&str; 2] = ["cancelled", "input_required"];

/// These never came back, so whatever the limit, they were slower.
const NEVER: [&str; 4] = ["timeout", "abandoned", "connection_closed", "stream_ended"];

/// A class named on the command line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(pub String);

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if CLASSES.contains(&text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "no such class: write one of {}",
                CLASSES.join(", ")
            ))
        }
    }
}

/// Which classes were expected, and so count as ok.
#[derive(Clone, Debug, Default)]
pub struct Expected(pub BTreeSet<String>);

impl Expected {
    /// Those that `--expect` names.
    pub fn new(classes: &[Class]) -> Self {
        Self(classes.iter().map(|c| c.0.clone()).collect())
    }

    /// Whether calls of this class are errors.
    pub fn is_error(&self, class: &str) -> bool {
        class != SHED && !NO_ERRORS.contains(&class) && !self.0.contains(class)
    }

    /// Whether calls of this class were expected, and count as ok.
    pub fn has(&self, class: &str) -> bool {
        self.0.contains(class)
    }

    /// How many of these outcomes are errors.
    pub fn errors(&self, by_class: &BTreeMap<String, u64>) -> u64 {
        sum(by_class, |class| self.is_error(class))
    }

    /// How many of these were expected, and count as ok.
    pub fn expected(&self, by_class: &BTreeMap<String, u64>) -> u64 {
        sum(by_class, |class| self.has(class))
    }
}

/// Whether calls of this class never came back.
pub fn is_never(class: &str) -> bool {
    NEVER.contains(&class)
}

/// How many of these were slower than any limit. A call that was never sent has no service time, so `abandoned` counts
/// for the response only.
pub fn never_came(by_class: &BTreeMap<String, u64>, sent_only: bool) -> u64 {
    sum(by_class, |class| {
        is_never(class) && !(sent_only && class == "abandoned")
    })
}

fn sum(by_class: &BTreeMap<String, u64>, counts: impl Fn(&str) -> bool) -> u64 {
    by_class
        .iter()
        .filter(|(class, _)| counts(class))
        .fold(0, |sum, (_, n)| sum.saturating_add(*n))
}
