//! What the server counts about itself, in plain atomics.

mod page;
mod tally;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use protocol::revision::Era;

use crate::method::Method;

pub(crate) use tally::Tally;

/// How a client reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    WebSocket,
    Tcp,
    Stdio,
    /// HTTP+SSE of 2024-11-05.
    Sse,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    ToolError,
    RpcError,
    /// Given up before its answer: cancelled, or its connection went away.
    Cancelled,
}

macro_rules! labelled {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $label:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),+ }

        impl $name {
            const LABELS: &[&str] = &[$($label),+];
        }
    };
}

labelled! {
    /// Why something was refused, told by `mcp_server_errors_total`.
    Class {
        ParseError => "parse_error",
        InvalidRequest => "invalid_request",
        MethodNotFound => "method_not_found",
        InvalidParams => "invalid_params",
        ResourceNotFound => "resource_not_found",
        InternalError => "internal_error",
        HeaderMismatch => "header_mismatch",
        UnsupportedVersion => "unsupported_version",
        ToolError => "tool_error",
        SessionMissing => "session_missing",
        SessionUnknown => "session_unknown",
        TooManySessions => "too_many_sessions",
        TooManyConnections => "too_many_connections",
        TooLarge => "too_large",
        ForeignHost => "foreign_host",
        ForeignOrigin => "foreign_origin",
        NotAcceptable => "not_acceptable",
        UnsupportedMediaType => "unsupported_media_type",
        MethodNotAllowed => "method_not_allowed",
        NotFound => "not_found",
        BadHandshake => "bad_handshake",
        BadFrame => "bad_frame",
        BadHttp => "bad_http",
        Idle => "idle",
        RequestTimeout => "request_timeout",
        NotificationLost => "notification_lost",
    }
}

const OUTCOMES: [&str; 4] = ["ok", "tool_error", "rpc_error", "cancelled"];
const TRANSPORTS: [&str; 5] = ["http", "websocket", "tcp", "stdio", "sse"];
const ERAS: [&str; 2] = ["legacy", "modern"];

/// Upper bounds in microseconds: from what a call costs here to what a stall does to it.
const BOUNDS_US: [u64; 20] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

const METHODS: usize = Method::ALL.len();

/// All counters: plain atomics, so that counting takes no lock.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: [[[[AtomicU64; OUTCOMES.len()]; ERAS.len()]; TRANSPORTS.len()]; METHODS],
    durations: [Durations; METHODS],
    errors: [AtomicU64; Class::LABELS.len()],
    connections: [AtomicI64; TRANSPORTS.len()],
    sessions: [AtomicI64; TRANSPORTS.len()],
    /// Requests without and with the cookie that clients are given.
    cookies: [AtomicU64; 2],
}

#[derive(Default)]
struct Durations {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// One more of something that is active, until it is dropped.
pub(crate) struct Active<'a>(&'a AtomicI64);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counts a call that was answered (its time counts) or given up (it does not).
    pub(crate) fn call(
        &self,
        method: Method,
        transport: Transport,
        era: Era,
        outcome: Outcome,
        took_us: u64,
    ) {
        self.calls(method, transport, era, outcome, took_us, 1);
    }

    /// Counts calls that are alike.
    fn calls(
        &self,
        method: Method,
        transport: Transport,
        era: Era,
        outcome: Outcome,
        took_us: u64,
        count: u64,
    ) {
        let era = usize::from(era == Era::Modern);
        self.requests[method as usize][transport as usize][era][outcome as usize]
            .fetch_add(count, Ordering::Relaxed);
        if outcome != Outcome::Cancelled {
            let durations = &self.durations[method as usize];
            let at = BOUNDS_US.partition_point(|bound_us| *bound_us < took_us);
            durations.buckets[at].fetch_add(count, Ordering::Relaxed);
            durations
                .sum_us
                .fetch_add(took_us * count, Ordering::Relaxed);
        }
    }

    pub(crate) fn error(&self, class: Class) {
        self.errors(class, 1);
    }

    /// Counts many of a class.
    pub(crate) fn errors(&self, class: Class, count: u64) {
        self.errors[class as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// A request that should bring the server's cookie.
    pub(crate) fn cookie(&self, sent: bool) {
        self.cookies[usize::from(sent)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connection(&self, transport: Transport) -> Active<'_> {
        one_more(&self.connections[transport as usize])
    }

    /// A session beside HTTP lives as long as its connection.
    pub(crate) fn session(&self, transport: Transport) -> Active<'_> {
        one_more(&self.sessions[transport as usize])
    }

    /// Sessions over HTTP are kept in tables that know how many there are.
    pub(crate) fn set_sessions(&self, transport: Transport, count: usize) {
        self.sessions[transport as usize].store(count as i64, Ordering::Relaxed);
    }

    /// Connections of all kinds.
    pub(crate) fn connections_active(&self) -> i64 {
        self.connections
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

fn one_more(count: &AtomicI64) -> Active<'_> {
    count.fetch_add(1, Ordering::Relaxed);
    Active(count)
}
