//! The command line.

use crate::relay_stdio::RelayArgs;
use clap::{Args, Parser, Subcommand};
use record::units::duration;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The tool's name.
pub const TOOL: &str = "mcp-chaos";

// Lines are broken here, so that clap need not: what it breaks cannot be pasted into a shell.
const EXAMPLES: &str = r#"Examples:
  # one server killed; two of them frozen, and one killed again and again
  mcp-deploy local | mcp-chaos kill@20s | mcp-gen --for 60s | mcp-report
  mcp-deploy local |
    mcp-chaos pause:count=2@10s+5s 'kill:every=8s..12s@20s' --seed 7 |
    mcp-gen --for 60s --failover | mcp-report --fail-if 'recovery_time > 10s'

  # the network, and the answers
  mcp-deploy local |
    mcp-chaos latency:latency=50ms,jitter=10ms@10s+20s partition:share=half@40s+5s |
    mcp-gen --for 60s | mcp-report
  mcp-deploy local | mcp-chaos drop_answer:rate=10%@10s+10s     http_error:status=503,method=resources/read@25s+10s |
    mcp-gen --for 40s --timeout 2s | mcp-report

  # behind the load: times from a stage, and a steady state first
  mcp-deploy local | mcp-gen --for 60s |
    mcp-chaos kill:replica=2@steady+10s --steady 'error_rate < 1% for 5s' |
    mcp-report

  # Toxiproxy's API, for the targets of a pipeline and alone
  mcp-deploy local | mcp-chaos --api :8474 | mcp-gen --for 60s | mcp-report
  mcp-chaos --api :8474

  mcp-chaos --dry-run --plan faults.toml
  mcp-chaos kinds
  mcp-chaos heal"#;

/// Breaks MCP servers and networks, and mends them.
///
/// Stands in the pipe between mcp-deploy and mcp-gen, or behind mcp-gen, and copies every line of the stream.
#[derive(Parser)]
#[command(
    name = "mcp-chaos",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// What to do besides standing in the pipe.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Faults and how they are applied.
    #[command(flatten)]
    pub run: RunArgs,
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// Of a run in the pipe.
#[derive(Args)]
pub struct RunArgs {
    /// Faults, as KIND[:key=value,…]@START[+DURATION]: kill@20s, pause:count=2@40s+10s. Times count from t0, the instant of
    /// `ready`, or, behind mcp-gen, from a stage: kill@steady+10s. See `mcp-chaos kinds`.
    #[arg(value_name = "FAULT")]
    pub faults: Vec<String>,

    /// Read faults from this TOML file, too; they come first.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// The seed of all that is drawn: targets, times, messages. Below 2^53 [default: drawn, and told in the `start` record].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub seed: Option<u64>,

    /// What must be there before anything is broken: 'error_rate < 1% for 5s', 'p99 < 200ms and rate > 50/s for 10s'. Behind
    /// mcp-gen it is read from the load, in front of it from calls of our own. The times of faults count from the instant
    /// at which it has held; without it nothing is applied, and the exit status is 2.
    #[arg(long, value_name = "CONDITION")]
    pub steady: Option<String>,

    /// So long after t0 the steady state may take to come.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub steady_within: Duration,

    /// Serve Toxiproxy's HTTP API here (127.0.0.1:8474, :8474, port 0 for any), so that its clients make proxies and put
    /// toxics on them, and on the targets that come by. Needs no pipe: stays until a signal. See docs/TOXIPROXY.md.
    #[arg(long, value_name = "ADDRESS", value_parser = crate::api::parse)]
    pub api: Option<SocketAddr>,

    /// Let only those use the API who send the token in this file ('Authorization: Bearer …'); needed elsewhere than on
    /// loopback. 16 characters at least.
    #[arg(long, value_name = "FILE", requires = "api")]
    pub api_token_file: Option<PathBuf>,

    /// Exit with 2 where a fault could not be applied, or never came.
    #[arg(long)]
    pub strict: bool,

    /// Only say what would be applied, when, and what would undo it.
    #[arg(long)]
    pub dry_run: bool,
}

/// What to do besides standing in the pipe.
#[derive(Subcommand)]
pub enum Command {
    /// List the kinds of fault with their parameters.
    Kinds {
        /// Only these.
        #[arg(value_name = "KIND")]
        kinds: Vec<String>,
    },
    /// Take back what tools left behind that were killed together with their keepers.
    Heal {
        /// Only what belongs to this run.
        #[arg(long, value_name = "ID")]
        run: Option<String>,
    },
    /// Show which faults are applied now, by whom, and until when.
    Status,
    /// Stand between a client and a server over stdin and stdout, and let them speak through a proxy.
    #[command(hide = true)]
    RelayStdio(RelayArgs),
}
