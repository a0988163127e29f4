//! The command line.

use crate::abuse;
use crate::knee::Condition;
use crate::manners::Manners;
use crate::metrics;
use crate::pacer::Arrivals;
use crate::profile::{self, Leave};
use crate::shape::Shape;
use crate::source;
use crate::think::Think;
use crate::wish::MAX_CLIENTS;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use protocol::h2::Http2;
use protocol::revision::Wanted;
use record::units;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

// Lines are broken here, so that clap need not: what it breaks cannot be pasted into a shell.
const EXAMPLES: &str = r#"Examples:
  mcp-deploy local | mcp-gen --for 60s | mcp-report
  mcp-gen --url http://127.0.0.1:8000/mcp --clients 10 --rate 50/s --for 30s |
    mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp --closed --in-flight 8 \
    --think exp:200ms --for 10s | mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp \
    --stages '0..500 clients in 5m, hold 3m, ..25 in 2m' | mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp --arrivals poisson \
    --stages 'rate 100..10k/s in 60s, hold 30s' | mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp --find-knee 'p99 < 200ms' | mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp --profile message-bomber --clients 2 \
    --for 10s | mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp --profile normal=25 \
    --profile message-bomber=5 --for 10s | mcp-report
  mcp-gen --url tcp://127.0.0.1:5556 --for 10s | mcp-report
  mcp-gen profiles show normal > mine.toml
  echo '{"type":"target","url":"ws://127.0.0.1:5555/mcp"}' |
    mcp-gen --for 5s | mcp-report

  # on several machines at once
  mcp-gen --url ws://10.0.0.7:5555/mcp --for 60s \
    --start-at $(date -d '+1 min' +%s) > here.jsonl

  # a session for each call; a load beside a crowd that only stays; a storm
  mcp-gen --url http://127.0.0.1:8000/mcp --clients 50 --rate 2/s --churn \
    --leave mixed --for 10s | mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp --clients 5 --idle 10000 --for 60s |
    mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp \
    --stages '10 clients for 5s, storm 500 for 10s' | mcp-report

  # a server over stdio, a process for each client, or one for all
  mcp-gen --stdio 'npx -y @modelcontextprotocol/server-everything stdio' \
    --clients 2 --for 10s | mcp-report
  mcp-gen --stdio 'npx -y @modelcontextprotocol/server-everything stdio' \
    --shared-connections 1 --for 10s | mcp-report

  # HTTP/2 is spoken where it is offered, unless told not to
  mcp-gen --url https://mcp.example/mcp --http2 never --for 10s | mcp-report

  # a line in the file headers: Authorization: Bearer …
  mcp-gen --url https://mcp.example/mcp -H @headers --for 10s | mcp-report
  mcp-gen --url https://mcp.example/mcp --oauth-client-id load \
    --oauth-token-url https://login.example/token --for 1h | mcp-report

  # when a replica goes down, its clients call the others until it is back
  mcp-deploy local | mcp-gen --failover --for 60s | mcp-report

  # bad clients beside the load; which calls were executed twice
  mcp-gen --url http://127.0.0.1:8000/mcp --abuse all=0.1% \
    --abuse malformed_json=1% --for 30s |
    mcp-report --fail-if 'abuse_wrong > 0'
  mcp-deploy local --audit seen | mcp-gen --audit seen --for 60s |
    mcp-report --fail-if 'executed_twice > 0'

  # clients that listen, and calls that are cancelled; batches
  mcp-gen --url http://127.0.0.1:5555/mcp --subscribe 'mcpipe://text/*' \
    --progress 100% --cancel 5% --for 10s | mcp-report
  mcp-gen --url ws://127.0.0.1:5555/mcp --protocol 2025-03-26 --batch 16 \
    --closed --for 10s | mcp-report

  # metrics, and control while it runs
  mcp-gen --url ws://127.0.0.1:5555/mcp --for 1h --metrics-addr :8888 |
    mcp-report
  curl -s localhost:8888/metrics
  curl -X PUT -d '{"rate":"500/s"}' localhost:8888/api/v1/rate

Environment (flags win; an empty variable changes nothing):
  CLIENT_TYPE         profile
  CLIENT_COUNT        clients
  MESSAGE_RATE        calls per second of each client
  DURATION_SECONDS    --for
  TARGET_SERVERS      host:port or URL, comma between
  METRICS_PORT        port of --metrics-addr, on loopback
  METRICS_ENABLED     true without a port means 8888, false none
  METRICS_TOKEN       instead of --metrics-token-file
  OAUTH_CLIENT_SECRET instead of --oauth-client-secret-file"#;

/// What can be told apart by the hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// All targets that are named before the load, and 64 that come later
    Target,
    /// 1,000 tools of a profile
    Tool,
}

/// What a search for a knee decides itself. What belongs to it names these too: clap does not ask for an option that is
/// required where another stands that excludes it.
const NO_KNEE: [&str; 5] = ["for_", "stages", "rate", "total_rate", "closed"];

/// Makes load on MCP servers, on a schedule that does not wait for them.
///
/// Each client has a schedule; a call is due at its instant, and its response time counts from there, however late the
/// server lets it leave (open model, no coordinated omission). Targets come on stdin, or with --url.
#[derive(Parser, Debug)]
#[command(name = "mcp-gen", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do besides making load
    #[command(subcommand)]
    pub command: Option<Command>,

    /// `-` reads targets from stdin besides --url
    #[arg(value_name = "-", value_parser = ["-"])]
    pub stdin: Option<String>,

    /// A server to call: ws://, wss://, http://, https://, tcp:// or tcps:// (lines); may be repeated, clients are spread over all
    #[arg(long, value_name = "URL")]
    pub url: Vec<String>,

    /// A server to start as a child and to call over its stdin and stdout, one process for each client: 'npx -y some-server'; may be repeated
    #[arg(long, value_name = "CMD")]
    pub stdio: Vec<String>,

    /// Also run commands that come in target records (stdio:CMD)
    #[arg(long)]
    pub allow_exec: bool,

    /// What the clients do: a profile of `mcp-gen profiles list`, or a TOML file of your own; may be repeated, with the
    /// number of clients of each: --profile normal=25 --profile message-bomber=5 [default: normal]
    #[arg(long, value_name = "NAME|FILE.toml[=CLIENTS]")]
    pub profile: Vec<String>,

    /// How many clients [default: the profile's]
    #[arg(long, value_name = "N")]
    pub clients: Option<u32>,

    /// Calls per second of each client: 100/s, 6000/m [default: the profile's]
    #[arg(long, value_name = "RATE", value_parser = units::rate, conflicts_with = "closed")]
    pub rate: Option<f64>,

    /// Calls per second of all clients together, instead of each one's
    #[arg(long, value_name = "RATE", value_parser = units::rate, conflicts_with_all = ["rate", "closed"])]
    pub total_rate: Option<f64>,

    /// How calls follow each other
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        conflicts_with = "closed"
    )]
    pub arrivals: Arrivals,

    /// Let the load change: '0..500 clients in 5m, hold 3m, ..25 in 2m' or 'rate 100..10000/s in 60s, hold 30s,
    /// spike 5000/s for 5s, step 200/s for 10s'; 'storm 500 for 10s' is a step whose clients all connect at one instant. Rates are of all clients together; each stage has figures of its own,
    /// under names such as ramp-1 and hold-2
    #[arg(long, value_name = "STAGES", conflicts_with = "for_")]
    pub stages: Option<Shape>,

    /// Search the highest total rate at which this still is so: 'p99 < 200ms', 'p99 < 1s and error_rate < 1%'. Doubles the
    /// rate until it is not, then halves the bracket; each step is a stage (knee-1, knee-2, …) after a time to settle
    #[arg(long, value_name = "CONDITION", conflicts_with_all = NO_KNEE)]
    pub find_knee: Option<Condition>,

    /// The rate of the first step [default: one that makes enough calls for the percentile, 50/s at least]
    #[arg(long, value_name = "RATE", value_parser = units::rate, requires = "find_knee", conflicts_with_all = NO_KNEE)]
    pub knee_from: Option<f64>,

    /// How long a step is judged for; longer where a low rate makes too few calls
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = knee_step, requires = "find_knee", conflicts_with_all = NO_KNEE)]
    pub knee_step: Duration,

    /// When to start, so that several generators do so together: seconds since 1970, or 2026-11-23T18:00:00Z. It is t0:
    /// connecting begins then, and each has asked its servers by then what they offer. mcp-report adds up streams of one
    /// run: the "run" in the first line on stdin, which may be a target
    #[arg(long, value_name = "WHEN", value_parser = units::instant)]
    pub start_at: Option<u64>,

    /// How long to measure, after connecting and warming up [default: 30s]
    #[arg(long = "for", value_name = "TIME", value_parser = units::duration)]
    pub for_: Option<Duration>,

    /// How long to warm up before; its calls are reported apart [default: a tenth of --for, at most 30s; none with --stages]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub warmup: Option<Duration>,

    /// How long connecting may take before the warm-up begins; 0s: all connect at one instant [default: 2s and 1ms a client]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub connect_for: Option<Duration>,

    /// Closed model: a client's next call waits for its last one, as a user's would
    #[arg(long)]
    pub closed: bool,

    /// How long a user of the closed model thinks between an answer and the next call: 200ms, exp:200ms (the mean) or
    /// uniform:100ms..300ms [default: not at all]
    #[arg(long, value_name = "TIME", requires = "closed", conflicts_with_all = ["rate", "total_rate", "arrivals", "find_knee"])]
    pub think: Option<Think>,

    /// Calls in flight on a connection at most: WebSocket, lines, stdio and HTTP+SSE 1024, or 1 with --closed; HTTP/2 the same,
    /// and never more than the server allows; HTTP/1.1 has 1 a connection anyway
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub in_flight: Option<u32>,

    /// Send calls of a client that are due at once as JSON-RPC batches, arrays of up to N; a call alone goes as it is, and
    /// none waits for another. Only MCP 2025-03-26 has them: give --protocol 2025-03-26. With --closed, N is also the
    /// default of --in-flight [default: the profile's, mostly none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(crate::profile::MAX_BATCH)))]
    pub batch: Option<u32>,

    /// Whether Streamable HTTP goes over HTTP/2, many calls at a time on one connection of a client: auto (over TLS where the
    /// server offers it), always (without TLS by prior knowledge), never
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = PossibleValuesParser::new(Http2::NAMES).try_map(|s| s.parse::<Http2>()))]
    pub http2: Http2,

    /// Let all clients share N connections to each target, as behind a gateway, instead of having one each: WebSocket, TCP,
    /// and stdio (N processes). Each connection is one session; schedules and outcomes stay each client's. Of the open
    /// model, --in-flight then holds for all clients of a connection together, of the closed one for each client
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub shared_connections: Option<u32>,

    /// HTTP connections of a client at most [default: 6; with --closed: --in-flight]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_connections: Option<u32>,

    /// Which MCP to speak: auto, legacy, modern or a revision such as 2025-11-25
    #[arg(long, value_name = "ERA", default_value = "auto")]
    pub protocol: Wanted,

    /// A header for every request: 'Name: value', or @FILE with such lines, which keeps a secret off the command line; may
    /// be repeated
    #[arg(long, short = 'H', value_name = "HEADER|@FILE")]
    pub header: Vec<String>,

    /// A header whose value is that of a variable of the environment: Authorization=MY_TOKEN, with MY_TOKEN='Bearer …'
    #[arg(long, value_name = "NAME=VARIABLE")]
    pub header_env: Vec<String>,

    /// Fetch a token here before the load (OAuth 2 client credentials), send it as Authorization: Bearer, and renew it before
    /// it ends; the secret is in --oauth-client-secret-file or the environment
    #[arg(long, value_name = "URL", requires = "oauth_client_id")]
    pub oauth_token_url: Option<String>,

    /// Who asks for the token
    #[arg(long, value_name = "ID", requires = "oauth_token_url")]
    pub oauth_client_id: Option<String>,

    /// Where the client's secret is [default: OAUTH_CLIENT_SECRET in the environment]
    #[arg(long, value_name = "FILE", requires = "oauth_token_url")]
    pub oauth_client_secret_file: Option<PathBuf>,

    /// What the token is to be good for: names with spaces between
    #[arg(long, value_name = "SCOPE", requires = "oauth_token_url")]
    pub oauth_scope: Option<String>,

    /// The URL of the MCP server that the token is for, where the token endpoint wants to know (RFC 8707)
    #[arg(long, value_name = "URL", requires = "oauth_token_url")]
    pub oauth_resource: Option<String>,

    /// The Host header to send instead of the URL's
    #[arg(long, value_name = "HOST")]
    pub host_header: Option<String>,

    /// Connect from these addresses of this machine in turn, when ports run out: 10.0.0.5,10.0.0.6 or 127.0.1.0/28
    /// [default: the kernel's choice; on loopback 127.0.1.1, 127.0.2.1 … beyond 8,000 connections]
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = source::addresses)]
    pub source_address: Vec<Vec<IpAddr>>,

    /// End each WebSocket message with LF inside the frame, for servers that want it (erlmcp)
    #[arg(long)]
    pub ws_append_newline: bool,

    /// Don't offer the WebSocket subprotocol `mcp`
    #[arg(long)]
    pub no_ws_subprotocol: bool,

    /// Trust the certificates in this PEM file besides the system's
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca_file: Option<PathBuf>,

    /// Accept any TLS certificate
    #[arg(long)]
    pub insecure: bool,

    /// Of the profile's methods call only this one, for instance tools/call; may be repeated. ping (or server/discover, as
    /// the era has it) may always be named
    #[arg(long, value_name = "NAME")]
    pub method: Vec<String>,

    /// Call this tool, also where it does not say readOnlyHint; may be repeated
    #[arg(long, value_name = "NAME")]
    pub tool: Vec<String>,

    /// Don't call this tool, for instance one that takes too long; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with = "tool")]
    pub skip_tool: Vec<String>,

    /// Call all tools, also those that may change something
    #[arg(long, conflicts_with = "tool")]
    pub all_tools: bool,

    /// Arguments for a tool instead of those built from its schema: 'echo={"message":"hello"}'
    #[arg(long, value_name = "TOOL=JSON", value_parser = tool_arguments)]
    pub args: Vec<(String, serde_json::Value)>,

    /// About how many bytes of arguments a call carries, where the schema leaves room; 1MiB at most [default: the profile's]
    #[arg(long, value_name = "SIZE", value_parser = profile::payload)]
    pub payload: Option<u64>,

    /// How long to wait for an answer once the call was sent [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub timeout: Option<Duration>,

    /// After this long a client finishes its calls, says goodbye and connects anew; 0s: never [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub connection_lifetime: Option<Duration>,

    /// So many clients besides, who connect, stay and make no calls, whatever the others do; in records they are the
    /// profile idle, and its counts of sessions say how many were lost. Over Streamable HTTP each has a session and a
    /// connection, and opens no GET stream: a server may close that connection, and the session stands all the same
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_CLIENTS)))]
    pub idle: u32,

    /// Churn: a client connects when a call is due, makes so many (1 where it is not said), and leaves, so that sessions
    /// arrive on the schedule; connecting is part of the first call's response time [default: the profile's]
    #[arg(long, value_name = "CALLS", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    pub churn: Option<NonZeroU32>,

    /// How clients leave, with --churn, after --connection-lifetime and at the end [default: the profile's]
    #[arg(long, value_name = "HOW", value_enum)]
    pub leave: Option<Leave>,

    /// Call once more on each legacy session over HTTP that was deleted: a server must refuse that, and counts of
    /// sessions say whether it did (dead_refused, dead_served)
    #[arg(long)]
    pub call_deleted: bool,

    /// How long a client stays away after its connection has ended [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub reconnect_delay: Option<Duration>,

    /// Failover: a client who cannot connect so many times in a row (3 where it is not said), or whose calls run into
    /// --timeout so often without an answer between, calls another target where the same can be called, and goes home
    /// once a call of one of them was answered there. Calls count on their home all the same, and those that went
    /// elsewhere as moved; none is sent twice. Without it clients stay with a target that is down until a record says
    /// that it is gone
    #[arg(long, value_name = "FAILURES", num_args = 0..=1, require_equals = true, default_missing_value = "3")]
    pub failover: Option<NonZeroU32>,

    /// How clients behave besides calling.
    #[command(flatten)]
    pub manners: Manners,

    /// How long a call that is due may wait to be sent
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    pub max_backlog: Duration,

    /// How long calls in flight may finish after Ctrl-C
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    pub grace: Duration,

    /// Behave badly beside the load, so often for each call that is due, and count whether the server takes it as it
    /// should: malformed_json=1%, or all=0.1%; may be repeated. `mcp-gen abuse` lists the kinds
    #[arg(long, value_name = "KIND=SHARE", value_parser = abuse::parse)]
    pub abuse: Vec<(String, f64)>,

    /// How long a server may take to be rid of a client that only stands there, sends a byte at a time, or never reads
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = hold)]
    pub abuse_hold: Duration,

    /// The length of an oversized request: more than the server takes
    #[arg(long, value_name = "SIZE", default_value = "5MiB", value_parser = units::size)]
    pub abuse_body: u64,

    /// Bad clients at a time at most; what is due beyond is not tried, and counted so
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub abuse_at_once: u32,

    /// Seed of all dice: the same seed gives the same calls at the same offsets [default: random]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub seed: Option<u64>,

    /// Worker threads [default: half of the CPUs: the other half is for servers on the same machine]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub threads: Option<u32>,

    /// Leave workers at normal priority; otherwise they ask the kernel to be woken in time (real-time, else nice)
    #[arg(long)]
    pub normal_scheduling: bool,

    /// How often to write intervals
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    pub interval: Duration,

    /// Tell more targets or tools apart than the 64 and 32 (of a profile) that have rows of their own; what is beyond
    /// stands together as `other`
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    pub by: Vec<By>,

    /// Write a record for calls: none, errors, all, or a share such as 1%
    #[arg(long, value_name = "WHICH", default_value = "none", value_parser = calls)]
    pub calls: Calls,

    /// Find out after the load which calls were executed twice or never: each carries a token (_meta: mcpipe/token), and the
    /// reference server writes down what it executes (mcp-deploy serve --audit FILE, local --audit FOLDER). Name its files
    /// here, one for each server, or their folder
    #[arg(long, value_name = "FILE|FOLDER", value_delimiter = ',')]
    pub audit: Vec<PathBuf>,

    /// Serve metrics for Prometheus over HTTP as long as the run goes on (/metrics, /health), and control of it on loopback,
    /// or for who knows the token: GET /api/v1/status, POST /api/v1/pause, resume and stop, PUT /api/v1/rate with
    /// {"rate": "500/s"} (docs/METRICS.md). :8888 means 127.0.0.1:8888; port 0 is one that is free, and a record with
    /// "event":"metrics_served" says which
    #[arg(long, value_name = "ADDRESS", value_parser = metrics::parse)]
    pub metrics_addr: Option<SocketAddr>,

    /// Let only those control the run who send the token in this file ('Authorization: Bearer …'), on loopback too; 16
    /// characters at least [default: METRICS_TOKEN in the environment; without, control is on loopback only]
    #[arg(long, value_name = "FILE")]
    pub metrics_token_file: Option<PathBuf>,

    /// Say nothing but errors, and show no progress bar
    #[arg(long, short)]
    pub quiet: bool,
}

/// What mcp-gen does besides making load.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show the profiles that are built in
    #[command(subcommand)]
    Profiles(Profiles),
    /// List the kinds of --abuse: what is sent, and which answers count as right
    Abuse,
}

/// Of `profiles`.
#[derive(Subcommand, Debug)]
pub enum Profiles {
    /// List all, a line each
    List,
    /// Print the TOML of one, to start your own from; or check a file of your own
    Show {
        /// The profile, or a file whose name ends in .toml
        #[arg(value_name = "NAME|FILE.toml")]
        name: String,
    },
}

/// Which calls get a record of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Calls {
    /// None.
    None,
    /// Those that were not ok.
    Errors,
    /// This share of them (1 is all), drawn by the seed.
    Share(f64),
}

/// Words for `--calls` besides a share.
#[derive(Clone, Copy, ValueEnum)]
enum CallsWord {
    None,
    Errors,
    All,
}

fn calls(text: &str) -> Result<Calls, String> {
    match CallsWord::from_str(text, false) {
        Ok(CallsWord::None) => Ok(Calls::None),
        Ok(CallsWord::Errors) => Ok(Calls::Errors),
        Ok(CallsWord::All) => Ok(Calls::Share(1.0)),
        Err(_) => units::share(text)
            .map(Calls::Share)
            .map_err(|e| format!("{e}; or none, errors, all")),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let d = units::duration(text).map_err(|e| e.to_string())?;
    let allowed = Duration::from_millis(100)..=Duration::from_secs(3_600);
    if allowed.contains(&d) {
        Ok(d)
    } else {
        Err("an interval is 100ms to 1h".to_owned())
    }
}

fn hold(text: &str) -> Result<Duration, String> {
    let d = units::duration(text).map_err(|e| e.to_string())?;
    let allowed = Duration::from_millis(200)..=Duration::from_secs(600);
    if allowed.contains(&d) {
        Ok(d)
    } else {
        Err("a server is given 200ms to 10m".to_owned())
    }
}

fn knee_step(text: &str) -> Result<Duration, String> {
    let d = units::duration(text).map_err(|e| e.to_string())?;
    let allowed = Duration::from_millis(500)..=Duration::from_secs(3_600);
    if allowed.contains(&d) {
        Ok(d)
    } else {
        Err("a step is 500ms to 1h".to_owned())
    }
}

fn tool_arguments(text: &str) -> Result<(String, serde_json::Value), String> {
    let (tool, json) = text
        .split_once('=')
        .ok_or("write it as 'tool={\"name\":\"value\"}'")?;
    let value: serde_json::Value = serde_json::from_str(json)
        .map_err(|e| format!("the arguments of {tool} are no JSON: {e}"))?;
    if value.is_object() {
        Ok((tool.to_owned(), value))
    } else {
        Err(format!("the arguments of {tool} must be a JSON object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// What clap breaks is no command any more: it knows nothing of quotes and comments.
    #[test]
    fn examples_stand_in_the_help_as_they_are_pasted() {
        for line in EXAMPLES.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains(EXAMPLES), "{help}");
    }
}
