//! `start`: a tool introduces itself, before it forwards anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who joined the pipe, on which machine, and how it was called.
///
#[doc = concat!("```json\n", include_str!("examples/start.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Start {
    /// The tool's name: `mcp-gen`.
    pub tool: String,
    /// Its version, as in `--version`.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// The machine's host name.
    pub host: String,
    /// The kernel's id of this boot; monotonic instants compare only within it.
    pub boot_id: String,
    /// The kernel's release: `6.18.44`.
    pub kernel: String,
    /// CPUs that this process may use.
    pub cpus: u32,
    /// The cgroup's CPU limit, in CPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_cpus: Option<f64>,
    /// The cgroup's memory limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_memory_bytes: Option<u64>,
    /// The region the tool was told it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The seed of all its dice, below 2^53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The command line; header values, tokens and userinfo are replaced by `[redacted]`.
    pub args: Vec<String>,
}
