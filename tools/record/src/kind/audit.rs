//! `audit` in a final `summary`: which calls the servers executed, held against what the client saw of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the audit files of the servers said of the calls of one generator (`mcp-gen --audit`).
///
/// Each call has a token, `RUN/INSTANCE/CLIENT/INDEX`; a server writes a line for each time that it executes one. A call was
/// answered if its outcome was `ok` or `tool_error`. Of the others that were sent nobody knows whether they were executed
/// until this is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Files that were read.
    pub files: u64,
    /// Lines in them with a token of this generator.
    pub lines: u64,
    /// Calls that were handed to a connection, and so may have been executed.
    pub calls: u64,
    /// Calls that were executed exactly once.
    pub executed_once: u64,
    /// Calls that were executed twice or more often.
    pub executed_twice: u64,
    /// Calls that were never executed, whatever the client saw.
    pub never_executed: u64,
    /// Calls that were answered, and never executed: 0, unless an answer was made up or a line is missing.
    pub ok_never_executed: u64,
    /// Calls that were executed, though the client saw no answer: a timeout, a connection that was closed.
    pub failed_executed: u64,
    /// The first of those that were executed twice or more often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twice: Vec<AuditedCall>,
    /// The first of those that were answered and never executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<AuditedCall>,
    /// Lines with a token of this generator that belongs to no call that it sent.
    #[serde(default)]
    pub unknown_lines: u64,
    /// Lines of other runs and generators.
    #[serde(default)]
    pub foreign_lines: u64,
    /// Lines that are not what an audit file holds, as a server leaves one that is killed while it writes.
    #[serde(default)]
    pub unreadable_lines: u64,
    /// Why the figures can't be judged by, where that is so: a file is missing, or could not be read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// A call that the audit names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditedCall {
    /// Its token, as it stands in the audit file.
    pub token: String,
    /// The client, from 0, as in `call` records.
    pub client: u64,
    /// The index of the call on its client's schedule, from 0, as in `call` records.
    pub index: u64,
    /// How often it was executed; 3 stands for more, too.
    pub times: u64,
}
