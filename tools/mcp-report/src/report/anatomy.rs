//! How long the parts of connections and calls took.

use crate::run::{Anatomy, Part};
use record::{Histogram, Latency};
use schemars::JsonSchema;
use serde::Serialize;

/// The parts of connections, over the whole run, and those of the calls of the measured stages; what there was none of is
/// absent.
#[derive(Serialize, JsonSchema)]
pub struct AnatomyReport {
    /// Of a connection: until TCP was connected.
    pub tcp: Option<Latency>,
    /// Of a connection: the TLS handshake.
    pub tls: Option<Latency>,
    /// Of a connection: upgrade to WebSocket, `initialize`, the start of a child.
    pub handshake: Option<Latency>,
    /// Of an ok call over Streamable HTTP: sent to the first byte of the answer.
    pub first: Option<Latency>,
    /// Of an answer that is a stream: between two of its events.
    pub gap: Option<Latency>,
    /// Of an ok call over Streamable HTTP: from the first byte of the answer to its last.
    pub last: Option<Latency>,
}

impl AnatomyReport {
    /// From the sums of rows of connections and of rows of calls.
    pub fn of(connections: &Anatomy, calls: &Anatomy) -> Self {
        let latency = |part: Part| {
            let from = if part.is_of_connections() {
                connections
            } else {
                calls
            };
            from.get(part).map(Histogram::with_hdr)
        };
        Self {
            tcp: latency(Part::Tcp),
            tls: latency(Part::Tls),
            handshake: latency(Part::Handshake),
            first: latency(Part::First),
            gap: latency(Part::Gap),
            last: latency(Part::Last),
        }
    }
}
