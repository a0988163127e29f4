//! A process that was started: it is ended with its group and with all that carries its mark.

use serde::{Deserialize, Serialize};

use crate::Identity;

/// What is needed to end a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProcessPlan {
    /// The process, which leads its session and group: the launcher at first, later the command.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its process group.
    pub pgid: i32,
    /// What is run, for people; secrets in arguments are the caller's to leave out.
    pub command: String,
}

impl ProcessPlan {
    pub(crate) const KIND: &str = "process";

    pub(crate) fn phrase(&self) -> String {
        format!("process {} ({})", self.identity.pid, self.command)
    }
}
