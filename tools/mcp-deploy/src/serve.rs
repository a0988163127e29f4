//! `mcp-deploy serve`: one reference server in the foreground, until a signal.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use record::units::{duration, share, size};
use record::{Ending, Say, signal};
use server::{AnswerForm, Contention, Door, Eras, Latency, Limits, Lists, Options, Stall};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

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

It speaks WebSocket and Streamable HTTP on /mcp, in both eras of MCP; beside it are /health and /metrics.
The tools echo and add are cheap and say readOnlyHint; slow, fail, payload and progress don't.")]
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
    truth: TruthArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

/// What is known about the server's answers.
#[derive(Args)]
#[command(next_help_heading = "Known truth")]
struct TruthArgs {
    /// Service time of each call but initialize and server/discover: 5ms,
    /// lognormal:median=5ms,sigma=0.5, exp:mean=5ms or uniform:min=1ms,max=9ms.
    #[arg(long, value_name = "TIME")]
    latency: Option<Latency>,

    /// Hold all answers for a while in every period: 1s/10s holds them in the last second of every ten,
    /// counted from the start.
    #[arg(long, value_name = "HELD/EVERY")]
    stall: Option<Stall>,

    /// Serve so many calls at a time, the others FIFO behind them: capacity = workers / latency.
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,

    /// Calls slow each other down: with n in service, each takes 1 + SIGMA(n-1) + KAPPA n(n-1) times as
    /// long. Example: 0.02,0.0005.
    #[arg(long, value_name = "SIGMA,KAPPA")]
    contention: Option<Contention>,

    /// Memory kept for good for each legacy session: 1kB/session.
    #[arg(long, value_name = "SIZE/session", value_parser = leak)]
    leak: Option<usize>,

    /// Share of calls that fail with -32603: 1%.
    #[arg(long, default_value = "0%", value_name = "SHARE", value_parser = share)]
    error_rate: f64,

    /// Seed of latencies and errors.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,

    /// Log the id of each call and the instant of its answer (CLOCK_MONOTONIC) into this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
}

/// What clients may use.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Largest body of a request (413).
    #[arg(long, default_value = "4MiB", value_name = "SIZE", value_parser = bytes)]
    max_body: usize,

    /// Largest WebSocket message (close 1009).
    #[arg(long, default_value = "4MiB", value_name = "SIZE", value_parser = bytes)]
    max_frame: usize,

    /// Largest head of an HTTP request, at least 8KiB (431).
    #[arg(long, default_value = "64KiB", value_name = "SIZE", value_parser = bytes)]
    max_header: usize,

    /// Most legacy sessions over HTTP (503).
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    max_sessions: usize,

    /// Most connections (503).
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    max_connections: usize,

    /// Most calls that one WebSocket may have waiting; beyond, it is not read from.
    #[arg(long, default_value_t = 16_384, value_name = "N")]
    max_in_flight: usize,

    /// Drop sessions without a request, and connections without a byte, after this long.
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = idle)]
    idle: Duration,
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

/// Serves until SIGINT, SIGTERM or SIGHUP; running calls then have a second to finish.
///
/// # Errors
/// Where the address is taken, or the truth file cannot be written.
pub fn run(args: ServeArgs) -> anyhow::Result<Ending> {
    let say = Say::new("mcp-deploy serve", false);
    allow_many_descriptors();
    let (stdio, listen_tcp) = (args.stdio, args.listen_tcp);
    let listen = args.listen.or_else(|| {
        (!stdio && listen_tcp.is_none()).then_some(SocketAddr::from(([127, 0, 0, 1], 5555)))
    });
    let runtime = runtime(args.threads.get())?;
    let options = args.into_options();
    let stop = Arc::new(Notify::new());
    let by = Arc::new(AtomicI32::new(0));
    let (stopping, caught) = (Arc::clone(&stop), Arc::clone(&by));
    signal::watch(move |signal, n| {
        caught.store(signal, Ordering::Relaxed);
        stopping.notify_one();
        if n > 1 {
            signal::die_of(signal);
        }
    })
    .context("cannot watch for signals")?;
    runtime.block_on(async {
        let mut doors = Vec::new();
        let mut at = Vec::new();
        if let Some(address) = listen {
            let listener = open(address)?;
            let address = listener.local_addr()?;
            at.push(format!("http://{address}/mcp and ws://{address}/mcp"));
            doors.push(Door::Http(listener));
        }
        if let Some(address) = listen_tcp {
            let listener = open(address)?;
            at.push(format!("tcp://{}", listener.local_addr()?));
            doors.push(Door::Lines(listener));
        }
        if stdio {
            doors.push(Door::Stdio);
        }
        if !at.is_empty() {
            say.note(&format!("listening on {}", at.join(" and ")));
        }
        server::serve(doors, options, stop.notified()).await?;
        anyhow::Ok(())
    })?;
    Ok(match by.load(Ordering::Relaxed) {
        0 => Ending::Exit(0),
        signal => Ending::Signal(signal),
    })
}

impl ServeArgs {
    fn into_options(self) -> Options {
        let (truth, limits) = (self.truth, self.limits);
        Options {
            answers: match self.answers {
                Form::Json => AnswerForm::Json,
                Form::Sse => AnswerForm::Sse,
            },
            eras: match self.eras {
                Spoken::Both => Eras::Both,
                Spoken::Legacy => Eras::Legacy,
                Spoken::Modern => Eras::Modern,
            },
            stateless: self.stateless,
            lists: Lists {
                page_size: self.page_size.get(),
                resources: self.resources as usize,
                resource_bytes: self.resource_size,
            },
            allow_hosts: self.allow_host,
            allow_origins: self.allow_origin,
            limits: Limits {
                body_bytes: limits.max_body,
                frame_bytes: limits.max_frame,
                header_bytes: limits.max_header,
                sessions: limits.max_sessions,
                connections: limits.max_connections,
                in_flight: limits.max_in_flight,
                idle: limits.idle,
                ..Limits::default()
            },
            latency: truth.latency,
            stall: truth.stall,
            workers: truth.workers,
            contention: truth.contention,
            leak_bytes_per_session: truth.leak.unwrap_or(0),
            error_rate: truth.error_rate,
            seed: truth.seed,
            truth: truth.truth,
        }
    }
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = if threads == 1 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    // Under load tokio looks at its descriptors, the alarm among them, only every 61 tasks: that would
    // let answers leave half a millisecond late.
    builder
        .worker_threads(threads)
        .event_interval(16)
        .enable_all()
        .build()
}

fn open(address: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(address).with_context(|| {
        format!("cannot listen on {address}: is another server there? try port 0 for a free one")
    })
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // The usual 128 drops connections when thousands of clients start at once, and each then waits a second.
    socket.listen(4096)
}

/// A server for 10,000 clients needs as many descriptors as it may have, not the 1,024 of a shell.
fn allow_many_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, the limit that there is will be met at accept.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') {
        format!("127.0.0.1{text}")
    } else {
        text.replacen("localhost:", "127.0.0.1:", 1)
    };
    full.parse().map_err(|_| {
        String::from(
            "write an address and a port: 127.0.0.1:5555, 0.0.0.0:5555, [::1]:5555 or :5555",
        )
    })
}

fn leak(text: &str) -> Result<usize, String> {
    let bare = text.strip_suffix("/session").unwrap_or(text);
    bytes(bare).map_err(|_| String::from("write a size for each session: 1kB/session"))
}

fn bytes(text: &str) -> Result<usize, String> {
    size(text)
        .map_err(|error| error.to_string())
        .and_then(|bytes| usize::try_from(bytes).map_err(|error| error.to_string()))
}

fn idle(text: &str) -> Result<Duration, String> {
    let time = duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_secs(1) {
        return Err(String::from(
            "at least 1s; to keep what is idle for good, write 365d",
        ));
    }
    Ok(time)
}

fn resource_size(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        size @ 0..=1_048_576 => Ok(size),
        _ => Err(String::from("a text resource has at most 1MiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn options(line: &str) -> Result<Options, clap::Error> {
        let words = std::iter::once("serve").chain(line.split_whitespace());
        Alone::try_parse_from(words).map(|alone| alone.serve.into_options())
    }

    #[test]
    fn every_knob_of_the_known_truth_reaches_the_server() {
        let options = options(
            "--latency lognormal:median=5ms,sigma=0.5 --stall 1s/10s --workers 4 --contention 0.02,0.0005 \
             --leak 1kB/session --error-rate 1% --seed 7 --truth t.jsonl --max-body 1MiB --idle 5m --answers sse",
        )
        .unwrap();
        assert!(matches!(options.latency, Some(Latency::Lognormal { .. })));
        assert_eq!(
            options.stall.map(|stall| stall.every),
            Some(Duration::from_secs(10))
        );
        assert_eq!(options.workers, NonZeroUsize::new(4));
        assert_eq!(
            options.contention.map(|contention| contention.kappa),
            Some(0.0005)
        );
        assert_eq!(
            (
                options.leak_bytes_per_session,
                options.error_rate,
                options.seed
            ),
            (1_000, 0.01, 7)
        );
        assert_eq!(options.truth, Some(PathBuf::from("t.jsonl")));
        assert_eq!(
            (options.limits.body_bytes, options.limits.idle),
            (1 << 20, Duration::from_secs(300))
        );
        assert_eq!(options.answers, AnswerForm::Sse);
    }

    #[test]
    fn a_knob_that_is_turned_wrong_is_refused_with_a_way_to_turn_it() {
        for (line, hint) in [
            ("--listen 5555", "127.0.0.1:5555"),
            ("--latency quick", "lognormal:median=5ms"),
            ("--stall 10s/1s", "1s/10s"),
            ("--contention 2,0", "0.02,0.0005"),
            ("--leak some", "1kB/session"),
            ("--error-rate 200%", "1%"),
            ("--workers 0", "0"),
            ("--idle 0", "365d"),
            ("--resource-size 2MiB", "1MiB"),
        ] {
            let error = options(line).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains(hint)), "{line}");
        }
    }
}
