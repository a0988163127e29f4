//! What tells one row of figures from another.

use record::kind::{Interval, Summary};

/// The combination that a row of figures is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The stage in which the calls were due.
    pub stage: String,
    /// The profile.
    pub profile: String,
    /// The JSON-RPC method.
    pub method: String,
    /// The tool, of `tools/call`.
    pub tool: Option<String>,
}

impl Key {
    /// Whether the row is about calls, and not about connections.
    pub fn is_calls(&self) -> bool {
        self.method != super::CONNECT
    }
}

impl From<&Interval> for Key {
    fn from(i: &Interval) -> Self {
        Self {
            stage: i.stage.clone(),
            profile: i.profile.clone(),
            method: i.method.clone(),
            tool: i.tool.clone(),
        }
    }
}

impl From<&Summary> for Key {
    fn from(s: &Summary) -> Self {
        Self {
            stage: s.stage.clone().unwrap_or_default(),
            profile: s.profile.clone().unwrap_or_default(),
            method: s.method.clone().unwrap_or_default(),
            tool: s.tool.clone(),
        }
    }
}

/// A combination at one target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetKey {
    /// The target's name.
    pub target: String,
    /// The rest.
    pub key: Key,
}

impl TargetKey {
    /// What an interval is about.
    pub fn of(interval: &Interval) -> Self {
        Self {
            target: interval.target.clone(),
            key: Key::from(interval),
        }
    }
}
