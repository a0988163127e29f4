//! mcp-gen: makes load on MCP servers, on a schedule that does not wait for them.

mod abuse;
mod anatomy;
mod audit;
mod authorization;
mod batches;
mod children;
mod cli;
mod collect;
mod course;
mod crowd;
mod dice;
mod discover;
mod engine;
mod env;
mod gaps;
mod generator;
mod groups;
mod heard;
mod home;
mod idle;
mod intake;
mod knee;
mod lateness;
mod load;
mod manners;
mod menu;
mod metrics;
mod no_effect;
mod open_files;
mod pacer;
mod plan;
mod prepare;
mod profile;
mod progress;
mod rows;
mod run;
mod schedule;
mod seats;
mod shape;
mod sharing;
mod slow;
mod source;
mod stages;
mod start;
mod steer;
mod tally;
mod targets;
mod think;
mod wish;

use clap::Parser;
use record::Say;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Launchers and keepers of children are this same binary, and must not see the command line's parser.
    if let Some(code) = undo::hidden() {
        return code;
    }
    let mut cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    let say = Say::new("mcp-gen", cli.quiet);
    let listed = match &cli.command {
        Some(cli::Command::Profiles(what)) => Some(profile::command(what)),
        Some(cli::Command::Abuse) => Some(abuse::command()),
        None => None,
    };
    if let Some(listed) = listed {
        return match listed {
            Ok(()) => ExitCode::SUCCESS,
            Err(text) => {
                say.error(&text);
                ExitCode::from(2)
            }
        };
    }
    cli.url
        .extend(cli.stdio.drain(..).map(|c| format!("stdio:{c}")));
    if let Err(e) = env::fill(&mut cli) {
        say.error(&format!("{e:#}"));
        return ExitCode::from(2);
    }
    if let Err(text) = profile::choose_model(&mut cli) {
        say.error(&text);
        return ExitCode::from(2);
    }
    run::run(&cli, &say).leave()
}

/// Says what was wrong with the command line, with the tool's name in front, or prints what was asked for.
fn usage(e: &clap::Error) -> ExitCode {
    if !e.use_stderr() {
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    let text = e.to_string();
    Say::new("mcp-gen", false).error(text.trim_start_matches("error: ").trim_end());
    ExitCode::from(2)
}
