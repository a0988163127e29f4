//! The flags of `mcp-deploy serve`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use record::units::share;
use server::{Contention, Latency, Stall};

use super::values::{bytes, cookie_name, idle, leak, listen_address, resource_size, some_time};

/// Of `serve`.
#[derive(Args)]
#[command(after_help = "Examples:
  mcp-deploy serve
  mcp-deploy serve --listen 127.0.0.1:0 --latency lognormal:median=5ms,sigma=0.5 --seed 7
  mcp-deploy serve --latency 5ms --workers 4              # a knee at 800 calls/s
  mcp-deploy serve --stall 1s/10s --truth truth.jsonl     # p99 near 0.9 s, and the proof
  mcp-deploy serve --listen 0.0.0.0:5555 --allow-host mcp # reached by its service name
  mcp-deploy serve --listen-tcp 127.0.0.1:0               # lines over TCP
  mcp-deploy serve --stdio                                # as the child of a client

  mcp-deploy serve --change-every 1s --cut-streams 5s     # updates, on streams that must be resumed
  mcp-deploy serve --session-ttl 10s --cookie sticky      # sessions that end, clients that are known again

It speaks WebSocket and Streamable HTTP on /mcp, in both eras of MCP, and HTTP+SSE of 2024-11-05 on /sse;
beside it are /health and /metrics. The tools echo and add are cheap and say readOnlyHint; slow, fail,
payload, progress and touch (which changes a text resource) don't.")]
pub struct ServeArgs {
    /// Address and port of WebSocket and HTTP; port 0 takes a free one and tells which; `:5555` is
    /// 127.0.0.1:5555 [default: 127.0.0.1:5555, or none with --listen-tcp or --stdio].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address)]
    pub listen: Option<SocketAddr>,

    /// Also speak JSON-RPC over plain TCP here, one message a line.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address)]
    pub listen_tcp: Option<SocketAddr>,

    /// Serve one session on stdin and stdout, one message a line, and end with it. stdout then belongs
    /// to MCP, so that this is no stage of a pipe of records.
    #[arg(long)]
    pub stdio: bool,

    /// Threads that serve. One is exact and enough for most measurements; with more, seeded latencies
    /// come in another order each time.
    #[arg(long, default_value = "1", value_name = "N")]
    pub threads: NonZeroUsize,

    /// How HTTP requests are answered where the client takes both forms.
    #[arg(long, value_enum, default_value_t = Form::Json, value_name = "FORM")]
    pub answers: Form,

    /// Which eras of MCP are spoken: up to 2025-11-25 is legacy, 2026-07-28 is modern.
    #[arg(long, value_enum, default_value_t = Spoken::Both, value_name = "ERAS")]
    pub eras: Spoken,

    /// Keep no legacy sessions: any replica then answers any request.
    #[arg(long)]
    pub stateless: bool,

    /// Items on a page of a list.
    #[arg(long, default_value = "50", value_name = "N")]
    pub page_size: NonZeroUsize,

    /// Text resources, mcpipe://text/1 and on.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub resources: u64,

    /// Length of each text resource, at most 1MiB.
    #[arg(long, default_value = "512", value_name = "SIZE", value_parser = resource_size)]
    pub resource_size: usize,

    /// Also answer to this name in the Host header, with or without a port; `*` for any. Repeatable.
    /// Loopback and the address connected to are always fine.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,

    /// Also trust this Origin, for instance `https://app.example`; `*` for any. Repeatable.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,

    #[command(flatten)]
    pub(super) events: EventArgs,

    #[command(flatten)]
    pub(super) truth: TruthArgs,

    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

/// Sessions, streams, and what happens on them by itself.
#[derive(Args)]
#[command(next_help_heading = "Sessions and streams")]
pub(super) struct EventArgs {
    /// All text resources change this often, and whoever subscribed is told; the notification says when,
    /// in its _meta: mcpipe/changed_us (Unix) and mcpipe/changed_mono_us.
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub(super) change_every: Option<Duration>,

    /// End each legacy session over HTTP so long after its initialize, used or not.
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub(super) session_ttl: Option<Duration>,

    /// The status for a session that is gone: 404 as the specification wants, or 400 as TypeScript
    /// servers say it.
    #[arg(long, value_enum, default_value = "404", value_name = "STATUS")]
    pub(super) session_gone: GoneArg,

    /// Cut off each stream of events that a client holds open, or that an answer is to come on, so long
    /// after it began; those of a session can be resumed with Last-Event-ID.
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub(super) cut_streams: Option<Duration>,

    /// Give the events of answers ids, so that a session can have an answer whose stream broke again with
    /// Last-Event-ID (the last 64, 1 MiB at most); --cut-streams does so too. See --answers sse.
    #[arg(long)]
    pub(super) resumable_answers: bool,

    /// Give each client over HTTP a cookie of this name, and count in /metrics who sends it.
    #[arg(long, value_name = "NAME", value_parser = cookie_name)]
    pub(super) cookie: Option<String>,

    /// Log each executed call that carries a token, `_meta: {"mcpipe/token": ...}`, into this file, as JSON
    /// lines. The file is appended to, so that it can outlive a server.
    #[arg(long, value_name = "FILE")]
    pub(super) audit: Option<PathBuf>,
}

/// The status for a session that is gone.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum GoneArg {
    #[value(name = "404")]
    NotFound,
    #[value(name = "400")]
    BadRequest,
}

/// What is known about the server's answers.
#[derive(Args)]
#[command(next_help_heading = "Known truth")]
pub(super) struct TruthArgs {
    /// Service time of each call but initialize and server/discover: 5ms,
    /// lognormal:median=5ms,sigma=0.5, exp:mean=5ms or uniform:min=1ms,max=9ms.
    #[arg(long, value_name = "TIME")]
    pub(super) latency: Option<Latency>,

    /// Hold all answers for a while in every period: 1s/10s holds them in the last second of every ten,
    /// counted from the start.
    #[arg(long, value_name = "HELD/EVERY")]
    pub(super) stall: Option<Stall>,

    /// Serve so many calls at a time, the others FIFO behind them: capacity = workers / latency.
    #[arg(long, value_name = "N")]
    pub(super) workers: Option<NonZeroUsize>,

    /// Calls slow each other down: with n in service, each takes 1 + SIGMA(n-1) + KAPPA n(n-1) times as
    /// long. Example: 0.02,0.0005.
    #[arg(long, value_name = "SIGMA,KAPPA")]
    pub(super) contention: Option<Contention>,

    /// Memory kept for good for each legacy session: 1kB/session.
    #[arg(long, value_name = "SIZE/session", value_parser = leak)]
    pub(super) leak: Option<usize>,

    /// Share of calls that fail with -32603: 1%.
    #[arg(long, default_value = "0%", value_name = "SHARE", value_parser = share)]
    pub(super) error_rate: f64,

    /// Seed of latencies and errors.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) seed: u64,

    /// Log the id of each call and the instant of its answer (CLOCK_MONOTONIC) into this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub(super) truth: Option<PathBuf>,
}

/// What clients may use.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Largest body of a request (413).
    #[arg(long, default_value = "4MiB", value_name = "SIZE", value_parser = bytes)]
    pub(super) max_body: usize,

    /// Largest WebSocket message (close 1009).
    #[arg(long, default_value = "4MiB", value_name = "SIZE", value_parser = bytes)]
    pub(super) max_frame: usize,

    /// Largest head of an HTTP request, at least 8KiB (431).
    #[arg(long, default_value = "64KiB", value_name = "SIZE", value_parser = bytes)]
    pub(super) max_header: usize,

    /// Most legacy sessions over HTTP (503).
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(super) max_sessions: usize,

    /// Most connections (503).
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    pub(super) max_connections: usize,

    /// Most calls that one WebSocket may have waiting; beyond, it is not read from.
    #[arg(long, default_value_t = 16_384, value_name = "N")]
    pub(super) max_in_flight: usize,

    /// Drop sessions without a request, and connections without a byte, after this long.
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = idle)]
    pub(super) idle: Duration,

    /// How long a request may take from its first byte to its last: beyond, it is answered 408 or its
    /// connection closed. The same for a WebSocket's message (close 1008) and a line.
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = some_time)]
    pub(super) request_timeout: Duration,
}

/// How HTTP requests are answered.
#[derive(Clone, Copy, ValueEnum)]
pub enum Form {
    /// One JSON object; only a call with a progress token gets a stream.
    Json,
    /// A stream of events for each request.
    Sse,
}

/// Which eras are spoken.
#[derive(Clone, Copy, ValueEnum)]
pub enum Spoken {
    /// Side by side.
    Both,
    /// initialize and sessions only.
    Legacy,
    /// 2026-07-28 only.
    Modern,
}
