//! Opens a wire to an endpoint by a deadline, and says what stood in the way.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rustls::{AlertDescription, ClientConfig};

use super::Options;
use super::error::DiscoveryError;
use crate::endpoint::Endpoint;
use crate::h2::Http2;
use crate::tls::{Roots, client_config, offering};
use crate::transport::Transport;
use crate::wire::Wire;

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(time: Duration) -> Self {
        // A timeout of centuries is a way to write "none".
        Self(Instant::now() + time.min(Duration::from_secs(86_400)))
    }

    /// This one, or `time` from now if that is sooner.
    pub(super) fn or_after(self, time: Duration) -> Self {
        Self(self.0.min(Self::after(time).0))
    }

    /// What is left; `None` when it is over.
    pub(super) fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        // Sockets take zero for "no timeout".
        (!left.is_zero()).then_some(left)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// The server closed the connection; what it said about it, in brackets, or nothing.
    Closed(String),
    /// The deadline passed.
    Silent,
    /// Nothing that another try would change.
    Fatal(DiscoveryError),
}

impl Lost {
    /// Sorts an error of a connection that had been made.
    pub(super) fn of_io(error: &io::Error, address: &str) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Silent,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::WriteZero => Self::Closed(String::new()),
            _ => Self::Fatal(of_tls(error, address).unwrap_or_else(|| {
                DiscoveryError::BrokenAnswer {
                    address: address.to_owned(),
                    reason: error.to_string(),
                }
            })),
        }
    }
}

impl From<DiscoveryError> for Lost {
    fn from(error: DiscoveryError) -> Self {
        Self::Fatal(error)
    }
}

/// Host and port for sentences.
pub(super) fn address(endpoint: &Endpoint) -> String {
    let origin = endpoint.origin();
    origin
        .split_once("://")
        .map_or(origin.clone(), |(_, rest)| rest.to_owned())
}

/// Connects, TLS included.
pub(super) fn open(
    endpoint: &Endpoint,
    options: &Options,
    deadline: Deadline,
) -> Result<Wire, Lost> {
    if let Some(dial) = &options.dial {
        return dial.open().map_err(|error| {
            Lost::Fatal(DiscoveryError::NotStarted {
                reason: error.to_string(),
            })
        });
    }
    let name = address(endpoint);
    let tls = tls(endpoint, options)?;
    let server_name = options.tls_server_name.as_deref().unwrap_or(&endpoint.host);
    let addresses = match options.connect_to {
        Some(address) => vec![address],
        None => resolve(endpoint, deadline)?,
    };
    let mut last = Lost::Silent;
    for (index, address) in addresses.iter().enumerate() {
        let Some(left) = deadline.left() else {
            return Err(Lost::Silent);
        };
        // An address that swallows packets must leave time for the others.
        let share = left / (addresses.len() - index) as u32;
        let tls = tls.as_ref().map(|config| (config, server_name));
        match Wire::connect(*address, tls, share.max(Duration::from_millis(1))) {
            Ok(wire) => return Ok(wire),
            Err(error) => last = not_connected(&error, &name),
        }
    }
    Err(last)
}

fn tls(endpoint: &Endpoint, options: &Options) -> Result<Option<Arc<ClientConfig>>, Lost> {
    if !endpoint.scheme.is_tls() {
        return Ok(None);
    }
    let is_http = endpoint.scheme.transport() == Transport::Http;
    let alpn = if is_http {
        options.http2.alpn()
    } else {
        Http2::Never.alpn()
    };
    if let Some(config) = &options.tls {
        return Ok(Some(match is_http {
            true => offering(config, alpn),
            false => Arc::clone(config),
        }));
    }
    let config = client_config(Roots::System, alpn).map_err(|error| DiscoveryError::Tls {
        address: address(endpoint),
        reason: error.to_string(),
    })?;
    Ok(Some(config))
}

/// Looks the name up in a thread of its own: the system's resolver knows no deadline.
fn resolve(endpoint: &Endpoint, deadline: Deadline) -> Result<Vec<SocketAddr>, Lost> {
    let (sender, receiver) = mpsc::channel();
    let asked = endpoint.clone();
    std::thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(asked.resolve());
    });
    let Some(left) = deadline.left() else {
        return Err(Lost::Silent);
    };
    let reason = match receiver.recv_timeout(left) {
        Ok(Ok(addresses)) => return Ok(addresses),
        // Its sentence names the host, as ours does, and ends with what the system says.
        Ok(Err(error)) => match error.to_string().rsplit_once(": ") {
            Some((_, system)) => system.to_owned(),
            None => error.to_string(),
        },
        Err(_) => "the resolver does not answer".to_owned(),
    };
    Err(Lost::Fatal(DiscoveryError::NameNotResolved {
        host: endpoint.host.clone(),
        reason,
    }))
}

fn not_connected(error: &io::Error, address: &str) -> Lost {
    if let Some(error) = of_tls(error, address) {
        return Lost::Fatal(error);
    }
    let address = address.to_owned();
    match error.kind() {
        io::ErrorKind::TimedOut => Lost::Silent,
        io::ErrorKind::ConnectionRefused => {
            Lost::Fatal(DiscoveryError::ConnectionRefused { address })
        }
        // Only a handshake reads while it connects.
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => Lost::Closed(" (while TLS was being set up)".to_owned()),
        _ => Lost::Fatal(DiscoveryError::Unreachable {
            address,
            reason: error.to_string(),
        }),
    }
}

fn of_tls(error: &io::Error, address: &str) -> Option<DiscoveryError> {
    let address = address.to_owned();
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match tls {
        rustls::Error::InvalidCertificate(_) => DiscoveryError::BadCertificate {
            address,
            reason: tls.to_string(),
        },
        // What a plain HTTP server answers to a ClientHello is no TLS record.
        rustls::Error::InvalidMessage(_) => DiscoveryError::NotTls { address },
        rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            DiscoveryError::NotHttp2 { address }
        }
        _ => DiscoveryError::Tls {
            address,
            reason: tls.to_string(),
        },
    })
}
