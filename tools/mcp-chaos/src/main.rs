//! mcp-chaos: breaks servers and networks between mcp-deploy and mcp-gen, and mends them; so far it only keeps the pipe's contract.

use clap::Parser;
use record::{Say, filter};
use std::process::ExitCode;

/// Stands between mcp-deploy and mcp-gen, and copies every line of the stream.
///
/// This version injects no faults.
#[derive(Parser)]
#[command(
    name = "mcp-chaos",
    version,
    after_help = "Example:\n  mcp-deploy local | mcp-chaos | mcp-gen --for 10s | mcp-report"
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
    let say = Say::new("mcp-chaos", cli.quiet);
    filter::run("mcp-chaos", env!("CARGO_PKG_VERSION"), &say).leave()
}

/// Says what was wrong with the command line, with the tool's name in front, or prints what was asked for.
fn usage(e: &clap::Error) -> ExitCode {
    if !e.use_stderr() {
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    let text = e.to_string();
    Say::new("mcp-chaos", false).error(text.trim_start_matches("error: ").trim_end());
    ExitCode::from(2)
}
