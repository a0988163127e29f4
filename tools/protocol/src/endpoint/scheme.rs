//! The four schemes: which protocol is spoken, and whether TLS lies underneath.

use crate::transport::Transport;

/// What is spoken at an endpoint, and whether TLS lies underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// WebSocket over TCP.
    Ws,
    /// WebSocket over TLS.
    Wss,
    /// HTTP over TCP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// How messages travel there.
    pub fn transport(self) -> Transport {
        match self {
            Scheme::Ws | Scheme::Wss => Transport::Ws,
            Scheme::Http | Scheme::Https => Transport::Http,
        }
    }

    /// Whether TLS lies underneath.
    pub fn is_tls(self) -> bool {
        matches!(self, Scheme::Wss | Scheme::Https)
    }

    /// The port of a URL that names none.
    pub fn default_port(self) -> u16 {
        if self.is_tls() { 443 } else { 80 }
    }

    /// The scheme as a URL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Scheme> {
        [Scheme::Ws, Scheme::Wss, Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }
}
