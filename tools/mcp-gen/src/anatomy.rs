//! The anatomy of connections and calls: how long each part of them took.

use record::Histogram;

/// Latencies of parts. The first three are of connections, the others of calls.
#[derive(Clone, Debug, Default)]
pub struct Anatomy {
    /// Until TCP was connected.
    pub tcp: Option<Box<Histogram>>,
    /// The TLS handshake.
    pub tls: Option<Box<Histogram>>,
    /// Upgrade to WebSocket and `initialize`, or the start of a child.
    pub handshake: Option<Box<Histogram>>,
    /// Sent to the first byte of the answer.
    pub first: Option<Box<Histogram>>,
    /// Between two events of one answer.
    pub gap: Option<Box<Histogram>>,
    /// The first byte of the answer to its last.
    pub last: Option<Box<Histogram>>,
}

impl Anatomy {
    /// Adds those of others.
    pub fn add(&mut self, other: &Self) {
        for (a, b) in [
            (&mut self.tcp, &other.tcp),
            (&mut self.tls, &other.tls),
            (&mut self.handshake, &other.handshake),
            (&mut self.first, &other.first),
            (&mut self.gap, &other.gap),
            (&mut self.last, &other.last),
        ] {
            if let Some(b) = b {
                a.get_or_insert_default().add(b);
            }
        }
    }
}
