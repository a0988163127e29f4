//! Whether HTTP/2 is spoken with a server (`--http2`).

use std::str::FromStr;

/// When HTTP/2 is spoken. WebSocket and HTTP+SSE of 2024-11-05 always go over HTTP/1.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2 {
    /// Over TLS where the server takes it (ALPN, RFC 7301); else HTTP/1.1.
    #[default]
    Auto,
    /// Over TLS the server must take it; without TLS it is spoken at once (prior knowledge, RFC 9113, 3.3).
    Always,
    /// HTTP/1.1 only.
    Never,
}

impl Http2 {
    /// The names on the command line.
    pub const NAMES: [&str; 3] = ["auto", "always", "never"];

    /// What is offered to TLS servers, the preferred first.
    pub fn alpn(self) -> &'static [&'static [u8]] {
        match self {
            Self::Auto => &[b"h2", b"http/1.1"],
            Self::Always => &[b"h2"],
            Self::Never => &[b"http/1.1"],
        }
    }

    /// Whether it is spoken on a connection that stands; `alpn` is what TLS agreed on, where there is TLS.
    ///
    /// # Errors
    /// When it must be, and the server did not take it.
    pub fn settle(self, is_tls: bool, alpn: Option<&[u8]>) -> Result<bool, NotOffered> {
        match (self, is_tls, alpn) {
            (Self::Always, true, Some(b"h2")) | (Self::Always, false, _) => Ok(true),
            (Self::Always, true, _) => Err(NotOffered),
            (Self::Auto, _, alpn) => Ok(alpn == Some(b"h2")),
            (Self::Never, ..) => Ok(false),
        }
    }
}

/// The server does not take HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server does not offer HTTP/2 (ALPN h2)")]
pub struct NotOffered;

impl FromStr for Http2 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("{text:?} is none of {}", Self::NAMES.join(", "))),
        }
    }
}
