//! Something that lives in its tool and ends with it: nothing is to be taken back, but people ask what is applied.

use serde::{Deserialize, Serialize};

/// What is said of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Within {
    /// What it is, for people: `latency of local-1, local-2`.
    pub what: String,
}

impl Within {
    pub(crate) const KIND: &str = "within";
}
