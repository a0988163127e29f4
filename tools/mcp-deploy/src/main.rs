//! mcp-deploy: gives targets to the pipe: starts MCP servers and keeps them up, or names some that already run.

mod attach;
mod cli;
mod down;
mod health;
mod hold;
mod local;
mod port;
mod recipe;
mod replica;
mod serve;
mod status;
mod stream;
mod upkeep;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use record::{Ending, Say};

use cli::{Cli, Command};

fn main() -> ExitCode {
    // Children and keepers are this same binary, and must not see the command line's parser.
    if let Some(code) = undo::hidden() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    let say = Arc::new(Say::new(cli::TOOL, cli.quiet));
    let ending = match cli.command {
        Command::Local(args) => local::run(args, &say),
        Command::Attach(args) => attach::run(args, &say),
        Command::Serve(args) => serve::run(*args),
        Command::Status => status::run(&say),
        Command::Down => down::run(&say),
    };
    ending
        .unwrap_or_else(|error| {
            say.error(&format!("{error:#}"));
            Ending::Exit(2)
        })
        .leave()
}

/// Says what was wrong with the command line, with the tool's name in front, or prints what was asked for.
fn usage(e: &clap::Error) -> ExitCode {
    if !e.use_stderr() {
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    let text = e.to_string();
    Say::new("mcp-deploy", false).error(text.trim_start_matches("error: ").trim_end());
    ExitCode::from(2)
}
