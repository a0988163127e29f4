//! A blocking client for set-up work: finds out how a server speaks and what it offers, within a
//! deadline, and says in one sentence what is wrong where it can't.

mod connect;
mod dial;
mod error;
mod exchange;
mod feed;
mod http;
mod lines;
mod link;
mod lists;
mod meet;
mod oauth;
mod server_info;
mod sse;
mod talk;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::catalogue::Catalogue;
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::h2::Http2;
use crate::revision::Wanted;
use crate::transport::Transport;
use connect::Deadline;
pub use dial::Dial;
pub use error::DiscoveryError;
pub use oauth::{AccessToken, ClientCredentials, TokenError};
pub use server_info::{Capabilities, ServerInfo};

/// How to go about it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which protocol is asked for (`--protocol`).
    pub wanted: Wanted,
    /// Headers for each HTTP request and for the WebSocket upgrade (`--header`).
    pub headers: Vec<(String, String)>,
    /// `Host`, where it is not that of the URL (`--host-header`).
    pub host_header: Option<String>,
    /// Offer the WebSocket subprotocol `mcp`.
    pub ws_subprotocol: bool,
    /// End each WebSocket message with a line feed (`--ws-append-newline`).
    pub ws_append_newline: bool,
    /// For everything together.
    pub timeout: Duration,
    /// Whom to trust; by default whom the system trusts.
    pub tls: Option<Arc<ClientConfig>>,
    /// The name in the server's certificate, where it is not that of the URL.
    pub tls_server_name: Option<String>,
    /// Who we say we are.
    pub client_name: String,
    /// Where to connect, where that is not what the URL's host resolves to.
    pub connect_to: Option<SocketAddr>,
    /// Speak HTTP+SSE (2024-11-05) at once; otherwise only where nothing newer is spoken.
    pub old_transport: bool,
    /// Whether HTTP/2 is spoken (`--http2`).
    pub http2: Http2,
    /// How to reach a server that has no address: `stdio` needs it.
    pub dial: Option<Dial>,
}

impl Default for Options {
    /// Any protocol, 10 s, the subprotocol offered, HTTP/1.1.
    fn default() -> Self {
        Self {
            wanted: Wanted::Auto,
            headers: Vec::new(),
            host_header: None,
            ws_subprotocol: true,
            ws_append_newline: false,
            timeout: Duration::from_secs(10),
            tls: None,
            tls_server_name: None,
            client_name: "mcp-gen".to_owned(),
            connect_to: None,
            old_transport: false,
            http2: Http2::Never,
            dial: None,
        }
    }
}

/// How a server speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its dialect.
    pub dialect: Dialect,
    /// How messages travel: what the URL says, or `Sse` where an HTTP server has only that.
    pub transport: Transport,
    /// What it says about itself.
    pub server: ServerInfo,
    /// Whole sentences about what was odd on the way, for people.
    pub notes: Vec<String>,
}

/// How a server speaks, and what it offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Discovery {
    /// Its dialect.
    pub dialect: Dialect,
    /// How messages travel: what the URL says, or `Sse` where an HTTP server has only that.
    pub transport: Transport,
    /// Whether it was met over HTTP/2.
    pub http2: bool,
    /// What it says about itself.
    pub server: ServerInfo,
    /// What it offers; lists whose capability it does not announce are not asked for.
    pub catalogue: Catalogue,
    /// Whole sentences about what was odd on the way, for people.
    pub notes: Vec<String>,
}

/// Finds out only how the server speaks: a health check that no HTTP status can fool.
///
/// # Errors
/// [`DiscoveryError`], each a sentence with the way out. Never later than `options.timeout`, but for
/// about a second in which a session is ended.
pub fn probe(endpoint: &Endpoint, options: &Options) -> Result<Probe, DiscoveryError> {
    let deadline = Deadline::after(options.timeout);
    let met = meet::meet(endpoint, options, deadline)?;
    let transport = met.link.transport(endpoint);
    met.link.end();
    Ok(Probe {
        dialect: met.dialect,
        transport,
        server: met.server,
        notes: met.notes,
    })
}

/// Finds out how the server speaks and asks for all its lists.
///
/// # Errors
/// As [`probe`]. A list that the server announces and has no method for is no error but a note; one that fails otherwise
/// is asked for twice more, and then is one. For `resources/templates/list` that stays a note.
pub fn discover(endpoint: &Endpoint, options: &Options) -> Result<Discovery, DiscoveryError> {
    let deadline = Deadline::after(options.timeout);
    let mut met = meet::meet(endpoint, options, deadline)?;
    let catalogue = lists::fetch(&mut met, endpoint, options, deadline);
    let (transport, http2) = (met.link.transport(endpoint), met.link.is_http2());
    met.link.end();
    Ok(Discovery {
        dialect: met.dialect,
        transport,
        http2,
        server: met.server,
        catalogue: catalogue?,
        notes: met.notes,
    })
}
