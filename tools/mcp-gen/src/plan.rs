//! The plan: all that is decided before the first call, shared by all workers.

use crate::cli::Calls;
use crate::groups::Groups;
use crate::menu::{Labels, Menu};
use crate::stages::Stages;
use protocol::dialect::Dialect;
use protocol::endpoint::Endpoint;
use protocol::transport::Transport;
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;

/// Targets beyond this many share the last row, `other`.
pub const MAX_HOMES: usize = 64;

/// How arrivals come about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// By a schedule: each client makes so many calls per second, whatever becomes of them.
    Open {
        /// Calls per second of a client, on average over all.
        rate_per_s: f64,
    },
    /// By answers: a client's next call is due when one of its last ones is done.
    Closed,
}

/// All that is decided before the first call. Times are nanoseconds.
#[derive(Debug)]
pub struct Plan {
    /// The clients of each profile.
    pub groups: Groups,
    /// Open or closed.
    pub model: Model,
    /// Clients over all workers.
    pub clients: u32,
    /// Workers.
    pub threads: u32,
    /// Whether workers leave the kernel's scheduling as it is.
    pub normal_scheduling: bool,
    /// The stages on CLOCK_MONOTONIC.
    pub stages: Stages,
    /// Unix time minus CLOCK_MONOTONIC, in microseconds, fixed for the whole run.
    pub unix_offset_us: i64,
    /// How often intervals end.
    pub interval_ns: u64,
    /// Due to given up, for calls not sent.
    pub max_backlog_ns: u64,
    /// How long calls may finish after a signal.
    pub grace_ns: u64,
    /// The seed of all dice.
    pub seed: u64,
    /// Which calls get a record.
    pub calls: Calls,
    /// Calls in flight on a WebSocket connection.
    pub window: usize,
    /// HTTP connections of a client.
    pub max_connections: usize,
    /// LF at the end of each WebSocket message.
    pub append_newline: bool,
    /// The user's headers.
    pub headers: Vec<(String, String)>,
    /// How TLS servers are checked.
    pub tls: Option<Arc<ClientConfig>>,
    /// What the rows are named by.
    pub labels: Labels,
}

impl Plan {
    /// An instant of CLOCK_MONOTONIC (ns) as Unix microseconds.
    #[must_use]
    pub fn unix_us(&self, mono_ns: u64) -> u64 {
        ((mono_ns / 1_000) as i64 + self.unix_offset_us) as u64
    }

    /// The number of calls per second that all clients together make; `None` in the closed model.
    #[must_use]
    pub fn total_rate_per_s(&self) -> Option<f64> {
        match self.model {
            Model::Open { rate_per_s } => Some(rate_per_s * f64::from(self.clients)),
            Model::Closed => None,
        }
    }
}

/// A server as a worker needs to know it. Its index in the table never changes; what it says may.
#[derive(Debug)]
pub struct Home {
    /// The target's name.
    pub name: String,
    /// Its row in records; targets beyond [`MAX_HOMES`] share one.
    pub row: u16,
    /// Where it is.
    pub endpoint: Endpoint,
    /// How messages travel there.
    pub transport: Transport,
    /// The addresses to try in turn; empty where the name could not be resolved.
    pub addresses: Vec<SocketAddr>,
    /// The Host header, where not the URL's.
    pub host_header: Option<String>,
    /// The TLS server name, where not the URL's host.
    pub tls_name: Option<String>,
    /// How it speaks.
    pub dialect: Dialect,
    /// What can be called there.
    pub menu: Arc<Menu>,
    /// False once it was taken out of service.
    pub live: bool,
    /// Whether the subprotocol `mcp` is offered to it.
    pub offer_subprotocol: bool,
}

/// All servers, as they stand at one time.
pub type Homes = Arc<Vec<Arc<Home>>>;
