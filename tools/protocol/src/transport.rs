//! The transports, by the names that records give them.

use std::fmt;

/// How messages travel between client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One message a text frame, many calls at a time on a connection (RFC 6455; in no revision of MCP).
    Ws,
    /// Streamable HTTP: a POST for each message, one call at a time on a connection.
    Http,
    /// HTTP+SSE of 2024-11-05: messages by POST, all answers as events on the stream of one GET.
    Sse,
    /// One message a line over a TCP connection, framed as stdio is (in no revision; 2026-07-28 recommends the framing).
    Tcp,
    /// One message a line over stdin and stdout of a child (all revisions).
    Stdio,
}

impl Transport {
    /// The name in records: `ws`, `http`, `sse`, `tcp` or `stdio`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Http => "http",
            Self::Sse => "sse",
            Self::Tcp => "tcp",
            Self::Stdio => "stdio",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
