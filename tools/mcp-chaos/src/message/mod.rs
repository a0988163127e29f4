//! Faults of messages: a connection is split into the messages on it, and those that a rule hits come out changed,
//! late, more than once, or not at all.
//!
//! Nothing here reads, writes or looks at a clock. A [`Conversation`] is one connection of a client with all that is
//! remembered of it; [`Rules`] are the faults that are active on one target, shared by its connections. The relay gives
//! in what it has read, and sends what comes out as [`Pass`]es.
//!
//! Where no rule is active, bytes come out as they went in, in the same call. Where one is, a message waits until it is
//! whole, and comes out byte for byte as it was unless a rule hits it. The splitter runs from the first byte on, since a
//! rule may begin at any moment and must know by then what was asked.
//!
//! What is no HTTP/1.1, WebSocket or line (TLS, HTTP/2, a bad frame, an agreed compression) passes untouched from there
//! to the end of its connection, and each fault counts it as `unsplit`.

mod act;
mod answer;
mod call;
mod conversation;
mod deliver;
mod edit;
mod events;
mod exchange;
mod fault;
mod filter;
mod giving_up;
mod http;
mod in_flight;
mod judge;
mod lines;
mod links;
mod look;
mod names;
mod outlet;
mod replies;
mod requests;
mod rules;
mod split;
mod streams;
mod unit;
mod way;
mod ws;

pub mod cut_stream;
pub mod delay_answer;
pub mod drip;
pub mod drop_answer;
pub mod duplicate_answer;
pub mod header_mismatch;
pub mod http_error;
pub mod oversize;
pub mod reorder_answers;
pub mod rpc_error;
pub mod session_gone;
pub mod swap_ids;
pub mod tool_error;
pub mod truncate_json;
pub mod wrong_result_type;

pub use conversation::Conversation;
pub use fault::Fault;
pub use rules::{Counts, Rules};

/// An end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who asks.
    Client,
    /// Who answers.
    Server,
}

impl Side {
    /// The one at the other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How messages lie on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// HTTP/1.1, answers as JSON or as server-sent events, and WebSocket after an upgrade.
    Http,
    /// JSON with an LF behind each message, as over TCP and stdio.
    Lines,
}

/// What the relay is to do. It sends in the order of (instant, order of passing), whole passes at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// Bytes to be sent.
    Bytes {
        /// Where they go.
        to: Side,
        /// Not before this instant (CLOCK_MONOTONIC, µs).
        at_us: u64,
        /// They themselves, never empty.
        bytes: Vec<u8>,
    },
    /// A FIN, behind all that was passed with the same or an earlier instant.
    End {
        /// Where it goes.
        to: Side,
        /// Not before this instant.
        at_us: u64,
    },
    /// Both connections end. Nothing is passed after it.
    Close {
        /// Not before this instant.
        at_us: u64,
        /// By RST.
        reset: bool,
    },
}

/// The longest message, in bytes, that is looked at; a longer one streams through.
const MAX_MESSAGE_BYTES: u64 = 1024 * 1024;
/// The longest head of HTTP, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The most requests that are remembered at a time, of one connection or one stream.
const MAX_IN_FLIGHT: usize = 10_000;

/// The bytes are no valid protocol: from here on they pass as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unsplit;
