//! `call`: one call, from due to done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One call, where `--calls` asks for them. Instants are Unix microseconds, all from one monotonic clock.
///
#[doc = concat!("```json\n", include_str!("examples/call.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The stage in which it was due.
    pub stage: String,
    /// The profile.
    pub profile: String,
    /// The home target's name.
    pub target: String,
    /// The JSON-RPC method.
    pub method: String,
    /// The tool, of `tools/call`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The client, from 0.
    pub client: u64,
    /// The target that it was sent to, where that was not its home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// The index of the call on its client's schedule, from 0.
    pub index: u64,
    /// The JSON-RPC id; absent where it was never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The generator's TCP port of the connection that carried it: port and id find the call in a server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_port: Option<u16>,
    /// Its instant on the schedule.
    pub due_us: u64,
    /// When write() had taken its last byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_us: Option<u64>,
    /// When the first byte of the answer came (of its head, on HTTP).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_us: Option<u64>,
    /// When the read() that held the answer's last byte returned, or when it was given up.
    pub done_us: u64,
    /// Bytes of the request.
    #[serde(default)]
    pub sent_bytes: u64,
    /// Bytes of the answer.
    #[serde(default)]
    pub received_bytes: u64,
    /// `ok`, or the class of error.
    pub outcome: String,
    /// The JSON-RPC error code or the HTTP status behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
}
