//! The audit: which calls the servers say that they executed, held against what the clients saw of them (`--audit`).
//!
//! Each call carries a token of its own; workers note in a ledger how it ended; after the load the servers' files are read,
//! and each line is counted at its call.

mod ledger;
mod lines;
mod reading;

pub use ledger::{Ledger, Noted};
pub use reading::{Auditor, Standing};

use record::Identity;
use record::kind::{self, Warning};
use std::path::PathBuf;

/// What all workers may note together: a billion calls.
const MAX_LEDGER_BYTES: usize = 512 * 1024 * 1024;
/// A folder of more files is not one of ours.
const MAX_FILES: usize = 10_000;

/// What of a run is audited.
#[derive(Clone, Debug)]
pub struct Order {
    /// Files, and folders of files.
    pub paths: Vec<PathBuf>,
    /// What the tokens of this generator begin with; no other run and no other generator of this one has it.
    pub head: String,
}

impl Order {
    /// The order that `--audit` gives; `None` without.
    #[must_use]
    pub fn new(paths: &[PathBuf], identity: &Identity) -> Option<Self> {
        let instance = identity.from.rsplit('#').next().unwrap_or_default();
        (!paths.is_empty()).then(|| Self {
            paths: paths.to_vec(),
            head: format!("{}/{instance}/", identity.run),
        })
    }

    /// A ledger for the clients of one of so many workers.
    #[must_use]
    pub fn ledger(&self, clients: usize, workers: u32) -> Ledger {
        Ledger::new(clients, MAX_LEDGER_BYTES / workers.max(1) as usize)
    }

    /// Says which files are not there, though the servers that are to write them have answered.
    #[must_use]
    pub fn absent(&self) -> Option<Warning> {
        let absent = self.paths.iter().find(|path| !path.exists())?;
        let text = format!(
            "{} is not there, though the servers have answered: without it nobody can tell which calls were executed",
            absent.display()
        );
        Some(Warning::new("audit", text).remedy(
            "start the servers with mcp-deploy serve --audit FILE, or mcp-deploy local --audit FOLDER, and name the same here",
        ))
    }
}

/// The audit in a sentence.
#[must_use]
pub fn sentence(audit: &kind::Audit) -> String {
    if let Some(why) = &audit.incomplete {
        return format!("the audit can't be judged: {why}");
    }
    format!(
        "audit: of {} calls {} were executed once, {} twice or more often, {} never; {} though the client saw no answer, and {} not, though it saw one",
        audit.calls,
        audit.executed_once,
        audit.executed_twice,
        audit.never_executed,
        audit.failed_executed,
        audit.ok_never_executed
    )
}

/// What is not as it should be.
#[must_use]
pub fn warnings(audit: &kind::Audit) -> Vec<Warning> {
    let mut all = Vec::new();
    if audit.incomplete.is_some() {
        all.push(Warning::new("audit_incomplete", sentence(audit)));
        return all;
    }
    let first = |calls: &[kind::AuditedCall]| {
        let tokens = calls.iter().take(3).map(|call| call.token.as_str());
        tokens.collect::<Vec<_>>().join(", ")
    };
    if audit.executed_twice > 0 {
        let text = format!(
            "{} calls were executed twice or more often, such as {}: somebody on the way sends calls again",
            audit.executed_twice,
            first(&audit.twice)
        );
        all.push(Warning::new("executed_twice", text));
    }
    if audit.ok_never_executed > 0 {
        let text = format!(
            "{} calls were answered, and no server says that it executed them, such as {}: somebody on the way answers in a server's place, or lines are missing",
            audit.ok_never_executed,
            first(&audit.missing)
        );
        all.push(Warning::new("ok_never_executed", text));
    }
    if audit.unknown_lines > 0 {
        let text = format!(
            "{} lines have tokens of calls that were never sent: somebody has made them up",
            audit.unknown_lines
        );
        all.push(Warning::new("audit", text));
    }
    all
}
