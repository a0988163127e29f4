//! `target`: an endpoint that load may go to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server's endpoint. Only `type` and `url` are needed: `{"type":"target","url":"ws://127.0.0.1:5555/mcp"}`.
///
/// Everyone keys targets by `name`: a later record with the same name replaces the earlier one.
///
#[doc = concat!("```json\n", include_str!("examples/target.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The name it is known by; the URL where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where to connect, always; behind a proxy the proxy's address.
    pub url: String,
    /// `ws`, `http`, `sse`, `stdio` or `tcp`; from the URL's scheme where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// The server's own URL, where `url` is a proxy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_url: Option<String>,
    /// The Host header to send instead of the URL's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_header: Option<String>,
    /// The TLS server name to ask for instead of the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// Whose proxy `url` is, where it is one: `mcp-chaos#3f2a9c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The server's process id, where it runs on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The Swarm service it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The Swarm task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The node it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The region it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Where its Prometheus metrics are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_url: Option<String>,
    /// Where its health check is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_url: Option<String>,
    /// `up`, or `gone` when nobody should call it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl Target {
    /// The name it is known by: its `name`, or else its URL.
    #[must_use]
    pub fn key(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.url)
    }

    /// Whether it was taken out of service.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.state.as_deref() == Some("gone")
    }
}
