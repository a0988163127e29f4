//! All that a server can be told: how it answers, whom it trusts, its limits, its known truth.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::timing::{Contention, Latency, Stall};

/// How requests over HTTP are answered where the client takes both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerForm {
    /// One JSON object; only a call with a progress token gets a stream.
    #[default]
    Json,
    /// A stream of events for every request.
    Sse,
}

/// Which eras the server speaks, so that a client's finding out can be tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eras {
    /// Both side by side, as a dual-era server.
    #[default]
    Both,
    /// Up to 2025-11-25 only: a modern request is refused as an old server would.
    Legacy,
    /// 2026-07-28 only: `initialize` is an unknown method.
    Modern,
}

/// How a session that is gone is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gone {
    /// 404, as the specification wants.
    #[default]
    NotFound,
    /// 400, as TypeScript servers do.
    BadRequest,
}

/// What one client, or all of them, may use. Each limit has its answer; none of them ends the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest body of a POST, in bytes (413).
    pub body_bytes: usize,
    /// Largest WebSocket message, in bytes (close 1009).
    pub frame_bytes: usize,
    /// Largest head of an HTTP request, in bytes, at least 8192 (431).
    pub header_bytes: usize,
    /// Most legacy sessions over HTTP at a time (503).
    pub sessions: usize,
    /// Most connections at a time (503, and closed).
    pub connections: usize,
    /// Most calls that one WebSocket may have waiting for their answers; beyond, it is not read from.
    pub in_flight: usize,
    /// Most bytes of answers that one WebSocket may have waiting; beyond, it is not read from.
    pub held_bytes: usize,
    /// Most messages in a batch, 2025-03-26 only (-32600).
    pub batch: usize,
    /// A session without a request, or a connection without a byte, is dropped after this long.
    pub idle: Duration,
    /// A request whose first byte has come must be whole after this long (408), or its connection is closed; the same
    /// goes for a message on a WebSocket (close 1008) and a line.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            frame_bytes: 4 << 20,
            header_bytes: 64 << 10,
            sessions: 10_000,
            connections: 20_000,
            in_flight: 16_384,
            held_bytes: 16 << 20,
            batch: 1_000,
            idle: Duration::from_secs(30 * 60),
            request: Duration::from_secs(30),
        }
    }
}

/// All knobs; the default is a fast, honest server on loopback.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// JSON or events.
    pub answers: AnswerForm,
    /// Which eras are spoken.
    pub eras: Eras,
    /// Legacy without sessions: any replica answers any request.
    pub stateless: bool,
    /// What the lists hold.
    pub lists: Lists,
    /// Host names trusted beside loopback and the address connected to; `*` trusts all.
    pub allow_hosts: Vec<String>,
    /// Origins trusted beside loopback, for instance `https://app.example`; `*` trusts all.
    pub allow_origins: Vec<String>,
    /// What clients may use.
    pub limits: Limits,
    /// The service time of each call but `initialize` and `server/discover`; none is as fast as can be.
    pub latency: Option<Latency>,
    /// Windows in which no answer leaves.
    pub stall: Option<Stall>,
    /// So many calls at a time, the others FIFO behind them: capacity = workers / latency.
    pub workers: Option<NonZeroUsize>,
    /// How calls in service slow each other down.
    pub contention: Option<Contention>,
    /// Memory kept for good for each legacy session, in bytes, so that a leak can be found.
    pub leak_bytes_per_session: usize,
    /// Share of calls that fail with -32603, 0 to 1.
    pub error_rate: f64,
    /// Seed of latencies and errors; the same seed and order of calls give the same ones.
    pub seed: u64,
    /// All text resources change this often, and whoever subscribed is told.
    pub change_every: Option<Duration>,
    /// A legacy session over HTTP ends so long after it began, used or not.
    pub session_ttl: Option<Duration>,
    /// The status for a session that is gone: 404, or 400 as some servers say it.
    pub gone: Gone,
    /// Every stream of events is cut off so long after it began, to be resumed where it can be.
    pub cut_streams: Option<Duration>,
    /// Answers to POSTs that come as events have ids, so that a legacy session can have them again; where streams are cut
    /// off they have anyway.
    pub resumable_answers: bool,
    /// Where each executed call that carries a token is logged, one JSON object a line; appended to.
    pub audit: Option<PathBuf>,
    /// The name of a cookie that clients over HTTP are given and are expected to send.
    pub cookie: Option<String>,
    /// Where each answer's instant is logged, one JSON object a line.
    pub truth: Option<PathBuf>,
}

impl Options {
    /// Whether an answer that comes as events can be had again.
    #[must_use]
    pub fn keeps_answers(&self) -> bool {
        self.resumable_answers || self.cut_streams.is_some()
    }
}

/// What the lists hold.
#[derive(Clone, Copy, Debug)]
pub struct Lists {
    /// Items on a page of a list.
    pub page_size: usize,
    /// Text resources, `mcpipe://text/1` up to this, at most 10,000.
    pub resources: usize,
    /// Length of each, in bytes, at most 1 MiB.
    pub resource_bytes: usize,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            page_size: 50,
            resources: 10,
            resource_bytes: 512,
        }
    }
}
