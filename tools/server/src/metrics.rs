//! What the server counts about itself, and how `/metrics` shows it (Prometheus text format 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use protocol::revision::Era;

use crate::method::Method;

/// How a client reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    WebSocket,
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
    }
}

const OUTCOMES: [&str; 4] = ["ok", "tool_error", "rpc_error", "cancelled"];
const TRANSPORTS: [&str; 2] = ["http", "websocket"];
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
    requests: [[[[AtomicU64; 4]; 2]; 2]; METHODS],
    durations: [Durations; METHODS],
    errors: [AtomicU64; Class::LABELS.len()],
    connections: [AtomicI64; 2],
    sessions: [AtomicI64; 2],
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
        let era = usize::from(era == Era::Modern);
        self.requests[method as usize][transport as usize][era][outcome as usize]
            .fetch_add(1, Ordering::Relaxed);
        if outcome != Outcome::Cancelled {
            let durations = &self.durations[method as usize];
            let at = BOUNDS_US.partition_point(|bound_us| *bound_us < took_us);
            durations.buckets[at].fetch_add(1, Ordering::Relaxed);
            durations.sum_us.fetch_add(took_us, Ordering::Relaxed);
        }
    }

    pub(crate) fn error(&self, class: Class) {
        self.errors[class as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connection(&self, transport: Transport) -> Active<'_> {
        one_more(&self.connections[transport as usize])
    }

    /// A session over WebSocket lives as long as its connection.
    pub(crate) fn session(&self, transport: Transport) -> Active<'_> {
        one_more(&self.sessions[transport as usize])
    }

    /// Sessions over HTTP are kept in a table that knows how many there are.
    pub(crate) fn set_http_sessions(&self, count: usize) {
        self.sessions[Transport::Http as usize].store(count as i64, Ordering::Relaxed);
    }

    /// Connections of both kinds.
    pub(crate) fn connections_active(&self) -> i64 {
        self.connections
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    /// The page for `/metrics`; series that never counted are left out.
    pub(crate) fn render(&self) -> String {
        let mut page = String::with_capacity(8 << 10);
        self.render_requests(&mut page);
        self.render_durations(&mut page);
        for (name, help, counts) in [
            (
                "connections",
                "Connections that are open.",
                &self.connections,
            ),
            ("sessions", "Legacy sessions that are open.", &self.sessions),
        ] {
            head(
                &mut page,
                &format!("mcp_server_{name}_active"),
                "gauge",
                help,
            );
            for (transport, count) in TRANSPORTS.iter().zip(counts) {
                let count = count.load(Ordering::Relaxed);
                let _ = writeln!(
                    page,
                    "mcp_server_{name}_active{{transport=\"{transport}\"}} {count}"
                );
            }
        }
        head(
            &mut page,
            "mcp_server_errors_total",
            "counter",
            "What was refused or failed, by class.",
        );
        for (class, count) in Class::LABELS.iter().zip(&self.errors) {
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(page, "mcp_server_errors_total{{class=\"{class}\"}} {count}");
        }
        page
    }

    fn render_requests(&self, page: &mut String) {
        head(
            page,
            "mcp_server_requests_total",
            "counter",
            "Calls answered or given up.",
        );
        for (method, by_transport) in Method::ALL.iter().zip(&self.requests) {
            for (transport, by_era) in TRANSPORTS.iter().zip(by_transport) {
                for (era, by_outcome) in ERAS.iter().zip(by_era) {
                    for (outcome, count) in OUTCOMES.iter().zip(by_outcome) {
                        let count = count.load(Ordering::Relaxed);
                        if count > 0 {
                            let _ = writeln!(
                                page,
                                "mcp_server_requests_total{{method=\"{}\",transport=\"{transport}\",era=\"{era}\",outcome=\"{outcome}\"}} {count}",
                                method.label()
                            );
                        }
                    }
                }
            }
        }
    }

    fn render_durations(&self, page: &mut String) {
        const NAME: &str = "mcp_server_request_duration_ms";
        head(
            page,
            NAME,
            "histogram",
            "From a request read to its answer handed to the transport.",
        );
        for (method, durations) in Method::ALL.iter().zip(&self.durations) {
            let method = method.label();
            let counts: Vec<u64> = durations
                .buckets
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect();
            // Prometheus wants the count and the last bucket equal, so both come from one reading.
            let total: u64 = counts.iter().sum();
            if total == 0 {
                continue;
            }
            let mut so_far = 0;
            for (bound_us, count) in BOUNDS_US.iter().zip(&counts) {
                so_far += count;
                let le = *bound_us as f64 / 1_000.0;
                let _ = writeln!(
                    page,
                    "{NAME}_bucket{{method=\"{method}\",le=\"{le}\"}} {so_far}"
                );
            }
            let sum_ms = durations.sum_us.load(Ordering::Relaxed) as f64 / 1_000.0;
            let _ = writeln!(
                page,
                "{NAME}_bucket{{method=\"{method}\",le=\"+Inf\"}} {total}"
            );
            let _ = writeln!(page, "{NAME}_sum{{method=\"{method}\"}} {sum_ms}");
            let _ = writeln!(page, "{NAME}_count{{method=\"{method}\"}} {total}");
        }
    }
}

fn one_more(count: &AtomicI64) -> Active<'_> {
    count.fetch_add(1, Ordering::Relaxed);
    Active(count)
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
