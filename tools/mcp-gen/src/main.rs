//! mcp-gen: makes load on MCP servers, on a schedule that does not wait for them.

mod cli;
mod collect;
mod dice;
mod discover;
mod engine;
mod env;
mod generator;
mod intake;
mod load;
mod menu;
mod plan;
mod prepare;
mod profile;
mod progress;
mod rows;
mod run;
mod schedule;
mod slow;
mod stages;
mod tally;
mod targets;

use clap::Parser;
use record::Say;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut cli = cli::Cli::parse();
    let say = Say::new("mcp-gen", cli.quiet);
    if let Err(e) = env::fill(&mut cli) {
        say.error(&format!("{e:#}"));
        return ExitCode::from(2);
    }
    run::run(&cli, &say).leave()
}
