//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use record::units::duration;

use crate::serve::ServeArgs;

/// The tool's name.
pub const TOOL: &str = "mcp-deploy";

/// Gives targets to the pipe: starts MCP servers and keeps them up, or names some that already run.
///
/// Writes records to stdout, for mcp-gen to read, and holds the servers up until its reader leaves.
#[derive(Parser)]
#[command(
    name = "mcp-deploy",
    version,
    after_help = "Examples:
  mcp-deploy local | mcp-gen --for 30s | mcp-report
  mcp-deploy local --replicas 2 -- --latency 5ms | mcp-gen --for 30s | mcp-report
  mcp-deploy local --audit seen | mcp-gen --audit seen --for 30s | mcp-report --fail-if 'executed_twice > 0'
  mcp-deploy local --command 'uvx some-server --port {port}' | mcp-gen --for 30s | mcp-report
  mcp-deploy attach ws://127.0.0.1:5555/mcp | mcp-gen --for 30s | mcp-report"
)]
pub struct Cli {
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Start servers on this machine, keep them running, and end them with the run.
    Local(LocalArgs),
    /// Name servers that already run.
    Attach(AttachArgs),
    /// Run one reference server in the foreground.
    Serve(Box<ServeArgs>),
    /// Show what the mcpipe tools of this user have running.
    Status,
    /// End what tools left behind that were killed together with their keepers.
    Down,
}

/// Of `local`.
#[derive(Args)]
pub struct LocalArgs {
    /// How many servers to start.
    #[arg(long, short = 'n', default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub replicas: u16,

    /// Start this instead of the reference server; {port} stands for its port (also in the variable PORT).
    ///
    /// Split into words like a shell does; goes through /bin/sh only where it needs one (|, $X, *, A=b, …).
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["serve_args", "transport"])]
    pub command: Option<String>,

    /// Where the servers of --command answer [default: http://127.0.0.1:{port}/mcp].
    #[arg(long, value_name = "URL", requires = "command")]
    pub url: Option<String>,

    /// Where the servers of --command show their Prometheus metrics; goes into the target records.
    #[arg(long, value_name = "URL", requires = "command")]
    pub metrics_url: Option<String>,

    /// Where the servers of --command answer a GET with 2xx when they are well. Without it they are asked over MCP.
    #[arg(long, value_name = "URL", requires = "command")]
    pub health_url: Option<String>,

    /// The transport by which the reference servers are named; they speak both on one port.
    #[arg(long, value_enum, default_value_t = Transport::Http)]
    pub transport: Transport,

    /// Have each reference server write down which calls it executes (`serve --audit`), in a file of its own in this folder:
    /// local-1.jsonl, …. Made if it is not there. mcp-gen --audit reads it.
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub audit: Option<PathBuf>,

    /// The first server's port, the others count up [default: free ports outside the ephemeral range].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// How long a server may take until it first answers MCP.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub health_timeout: Duration,

    /// How often each server is asked whether it is well; 0 for never. What is unwell is reported, not ended.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub health_every: Duration,

    /// Give up when one server had to be started again more often than this within a minute.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub max_restarts: usize,

    /// How long servers may take to end after SIGTERM, before SIGKILL.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub grace: Duration,

    /// End after this time, counted from when all servers are up, also when the reader is still there.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub hold_for: Option<Duration>,

    /// Options for the reference servers, as of `mcp-deploy serve`, after `--`.
    #[arg(last = true, value_name = "SERVE_OPTIONS")]
    pub serve_args: Vec<OsString>,
}

/// Of `attach`.
#[derive(Args)]
pub struct AttachArgs {
    /// Where the servers answer: http://…, https://…, ws://… or wss://….
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,

    /// The servers' names, one for each URL in its order [default: attached-1, attached-2, …].
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,

    /// Do not ask the servers first whether they answer MCP.
    #[arg(long)]
    pub no_check: bool,

    /// A header to ask with: 'Authorization: Bearer …'. It goes into no record; give it to mcp-gen, too.
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,

    /// The Host to send instead of the URL's; goes into the target records.
    #[arg(long, value_name = "HOST")]
    pub host_header: Option<String>,

    /// Trust the certificates in this PEM file besides the system's; give it to mcp-gen, too.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca_file: Option<PathBuf>,

    /// Accept any TLS certificate; give it to mcp-gen, too.
    #[arg(long)]
    pub insecure: bool,

    /// How long a server may take to answer that.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,

    /// End after this time, also when the reader is still there.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub hold_for: Option<Duration>,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write it as 'Name: value'".to_owned()),
    }
}

/// How a reference server is named.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// Streamable HTTP.
    Http,
    /// WebSocket.
    Ws,
}

impl Transport {
    /// As URL scheme and in the target record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Ws => "ws",
        }
    }
}
