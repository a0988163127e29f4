//! mcp-scrape: adds what servers and machines say to the stream; so far it only keeps the pipe's contract.

use clap::Parser;
use record::{Say, filter};
use std::process::ExitCode;

/// Stands behind mcp-gen, and copies every line of the stream.
///
/// This version takes no samples.
#[derive(Parser)]
#[command(
    name = "mcp-scrape",
    version,
    after_help = "Example:\n  mcp-deploy local | mcp-gen --for 10s | mcp-scrape | mcp-report"
)]
struct Cli {
    /// Say nothing but errors.
    #[arg(long, short)]
    quiet: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let say = Say::new("mcp-scrape", cli.quiet);
    filter::run("mcp-scrape", env!("CARGO_PKG_VERSION"), &say).leave()
}
