//! mcp-report: reads a stream to its end, and says how the server did and whether that is to be believed.

mod cli;
mod conclude;
mod gate;
mod health;
mod intake;
mod json;
mod life;
mod markdown;
mod objective;
mod outcome;
mod output;
mod page;
mod progress;
mod recovery;
mod report;
mod run;
mod show;
mod terminal;
mod verdict;

use clap::Parser;
use record::Say;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::try_parse() {
        Ok(cli) => life::live(&cli).leave(),
        Err(e) => usage(&e),
    }
}

/// Says what was wrong with the command line, with the tool's name in front, or prints what was asked for.
fn usage(e: &clap::Error) -> ExitCode {
    if !e.use_stderr() {
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    let text = e.to_string();
    Say::new("mcp-report", false).error(text.trim_start_matches("error: ").trim_end());
    ExitCode::from(2)
}
