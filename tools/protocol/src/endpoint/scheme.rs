//! The seven schemes: which protocol is spoken, and whether TLS lies underneath.

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
    /// Lines over TCP.
    Tcp,
    /// Lines over TLS.
    Tcps,
    /// Lines over stdin and stdout of a command.
    Stdio,
}

impl Scheme {
    /// How messages travel there.
    pub fn transport(self) -> Transport {
        match self {
            Scheme::Ws | Scheme::Wss => Transport::Ws,
            Scheme::Http | Scheme::Https => Transport::Http,
            Scheme::Tcp | Scheme::Tcps => Transport::Tcp,
            Scheme::Stdio => Transport::Stdio,
        }
    }

    /// Whether TLS lies underneath.
    pub fn is_tls(self) -> bool {
        matches!(self, Scheme::Wss | Scheme::Https | Scheme::Tcps)
    }

    /// The port of a URL that names none; lines have no port of their own.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Scheme::Ws | Scheme::Http => Some(80),
            Scheme::Wss | Scheme::Https => Some(443),
            Scheme::Tcp | Scheme::Tcps | Scheme::Stdio => None,
        }
    }

    /// The scheme as a URL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Tcp => "tcp",
            Scheme::Tcps => "tcps",
            Scheme::Stdio => "stdio",
        }
    }

    /// The scheme that a URL with an authority begins with.
    pub(super) fn parse(text: &str) -> Option<Scheme> {
        use Scheme::{Http, Https, Tcp, Tcps, Ws, Wss};
        [Ws, Wss, Http, Https, Tcp, Tcps]
            .into_iter()
            .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }
}
