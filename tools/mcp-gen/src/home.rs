//! A server that is called: where it is, how it speaks, what can be called there.

use crate::menu::Menu;
use protocol::dialect::Dialect;
use protocol::endpoint::Endpoint;
use protocol::transport::Transport;
use record::kind::Target;
use std::net::SocketAddr;
use std::sync::Arc;

/// Targets beyond this many share the last row, `other`, unless `--by target` says otherwise.
pub const MAX_HOMES: usize = 64;

/// A server as a worker needs to know it. Its index in the table never changes; what it says may.
#[derive(Debug)]
pub struct Home {
    /// The target's name.
    pub name: String,
    /// Its row in records; targets beyond the plan's `target_rows` share one.
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
    /// Whether it spoke HTTP/2 when it was asked; each connection finds out by itself.
    pub http2: bool,
}

/// How a server that was asked speaks, and what it offers.
pub struct Manners {
    /// How it speaks.
    pub dialect: Dialect,
    /// How messages travel there.
    pub transport: Transport,
    /// What can be called there.
    pub menu: Arc<Menu>,
    /// Whether the subprotocol `mcp` is offered to it.
    pub offer_subprotocol: bool,
    /// Whether it spoke HTTP/2.
    pub http2: bool,
}

impl Home {
    /// The server of the target at `place`, of which so many have `rows` of their own, with the manners of one that was
    /// asked; `host_header` is the user's.
    #[must_use]
    pub fn new(
        target: &Target,
        (place, rows): (usize, usize),
        endpoint: Endpoint,
        manners: Manners,
        host_header: Option<&String>,
    ) -> Self {
        let transport = match (endpoint.scheme.transport(), manners.transport) {
            // Only the URL of an HTTP server does not say it all.
            (Transport::Http, Transport::Sse) => Transport::Sse,
            (own, _) => own,
        };
        Self {
            name: target.key().to_owned(),
            row: place.min(rows) as u16,
            addresses: endpoint.resolve().unwrap_or_default(),
            transport,
            endpoint,
            host_header: host_header.or(target.host_header.as_ref()).cloned(),
            tls_name: target.tls_server_name.clone(),
            dialect: manners.dialect,
            menu: manners.menu,
            live: !target.is_gone(),
            offer_subprotocol: manners.offer_subprotocol,
            http2: manners.http2,
        }
    }

    /// Whether another server can be called in its stead, with the same calls in the same way. Children are their
    /// clients' own.
    #[must_use]
    pub fn can_stand_in(&self, other: &Self) -> bool {
        self.name != other.name
            && self.transport == other.transport
            && self.transport != Transport::Stdio
            && Arc::ptr_eq(&self.menu, &other.menu)
    }

    /// Its manners, for a server that is taken to be like it.
    #[must_use]
    pub fn manners(&self) -> Manners {
        Manners {
            dialect: self.dialect,
            transport: self.transport,
            menu: Arc::clone(&self.menu),
            offer_subprotocol: self.offer_subprotocol,
            http2: self.http2,
        }
    }
}

/// All servers, as they stand at one time.
pub type Homes = Arc<Vec<Arc<Home>>>;

/// The indices of the servers that are in service.
#[must_use]
pub fn live(homes: &Homes) -> Vec<u16> {
    homes
        .iter()
        .enumerate()
        .filter(|(_, h)| h.live)
        .map(|(i, _)| i as u16)
        .collect()
}
