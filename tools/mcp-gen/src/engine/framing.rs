//! How messages lie on a connection: all that differs between transports once bytes flow.

use super::conn::Codec;
use protocol::http::{self, Reply};
use protocol::lines::{LineReader, write_line};
use protocol::transport::Transport;
use protocol::ws::{self, FrameReader};

/// How messages lie on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A WebSocket text frame for each; many calls at a time, and the session lives and dies with the connection.
    Frames {
        /// LF at the end of each message, inside the frame.
        line_feed: bool,
    },
    /// A line for each; many calls at a time, and the session lives and dies with the connection.
    Lines,
    /// An event for each, all of them in the one answer to a GET; what the client says goes elsewhere, by POST.
    Events,
    /// An HTTP request and its answer; one call at a time, and sessions outlive connections.
    Exchange,
}

impl Framing {
    /// That of a client's first connection over a transport; `line_feed` is `--ws-append-newline`.
    pub fn of(transport: Transport, line_feed: bool) -> Self {
        match transport {
            Transport::Ws => Self::Frames { line_feed },
            Transport::Http => Self::Exchange,
            Transport::Sse => Self::Events,
            Transport::Tcp | Transport::Stdio => Self::Lines,
        }
    }

    /// Whether answers find their calls by id, so that many may be in flight on one connection.
    pub fn is_multiplexed(self) -> bool {
        self != Self::Exchange
    }

    /// What reads the server's side from the first message on.
    pub fn codec(self) -> Codec {
        match self {
            Self::Frames { .. } => Codec::Frames(FrameReader::new(ws::Limits::default())),
            Self::Lines => Codec::Lines(LineReader::default()),
            Self::Exchange | Self::Events => Codec::Http(Reply::new(http::Limits::default())),
        }
    }

    /// How many bytes a message of `n` bytes is when it comes from the server; that of an exchange is not told by it.
    pub fn received_bytes(self, n: usize) -> u64 {
        let around = match (self, n) {
            (Self::Exchange, _) => 0,
            // "data: " and the blank line; what else stands around it, each server decides.
            (Self::Events, _) => 8,
            (Self::Lines, _) => 1,
            (Self::Frames { .. }, 0..126) => 2,
            (Self::Frames { .. }, 126..65_536) => 4,
            (Self::Frames { .. }, _) => 10,
        };
        n as u64 + around
    }

    /// Appends a message in three pieces. That of an exchange is its body: a head belongs before it.
    #[inline]
    pub fn write(self, out: &mut Vec<u8>, mask: u32, [a, b, c]: [&[u8]; 3]) {
        match self {
            Self::Frames { line_feed } => {
                let end: &[u8] = if line_feed { b"\n" } else { b"" };
                ws::write_text(out, mask.to_ne_bytes(), &[a, b, c, end]);
            }
            Self::Lines => write_line(out, &[a, b, c]),
            Self::Exchange | Self::Events => {
                for part in [a, b, c] {
                    out.extend_from_slice(part);
                }
            }
        }
    }
}
