//! mcp-report: reads a stream to its end, and says how the server did and whether that is to be believed.

mod cli;
mod conclude;
mod gate;
mod health;
mod intake;
mod json;
mod life;
mod markdown;
mod outcome;
mod output;
mod page;
mod progress;
mod quantile;
mod report;
mod run;
mod show;
mod terminal;
mod verdict;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    life::live(&cli::Cli::parse()).leave()
}
