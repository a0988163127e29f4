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
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    let say = Say::new("mcp-scrape", cli.quiet);
    filter::run("mcp-scrape", env!("CARGO_PKG_VERSION"), &say).leave()
}

/// Says what was wrong with the command line, with the tool's name in front, or prints what was asked for.
fn usage(e: &clap::Error) -> ExitCode {
    if !e.use_stderr() {
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    let text = e.to_string();
    Say::new("mcp-scrape", false).error(text.trim_start_matches("error: ").trim_end());
    ExitCode::from(2)
}
