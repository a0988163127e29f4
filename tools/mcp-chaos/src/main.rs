//! The program: reads the command line, runs, and turns what came of it into an exit status.

use std::io::Write as _;
use std::process::ExitCode;

use std::sync::Arc;

use clap::Parser;
use record::{Ending, Say, filter};

use mcp_chaos::cli::{Cli, Command, RunArgs, TOOL};
use mcp_chaos::plan::{Plan, describe};
use mcp_chaos::process::beside;
use mcp_chaos::{director, heal, relay_stdio, status};

fn main() -> ExitCode {
    // Keepers, launchers and what runs beside a target are this same binary, and must not see the command line's parser.
    if let Some(code) = undo::hidden().or_else(beside::hidden) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    let say = Arc::new(Say::new(TOOL, cli.quiet));
    let ending = match cli.command {
        Some(Command::Kinds { kinds }) => describe::kinds(&kinds).and_then(|text| show(&text)),
        Some(Command::Heal { run }) => heal::run(run.as_deref(), &say),
        Some(Command::Status) => status::run(&say),
        Some(Command::RelayStdio(args)) => relay_stdio::run(&args),
        None => run(&cli.run, &say),
    };
    ending
        .unwrap_or_else(|error| {
            say.error(&error);
            Ending::Exit(2)
        })
        .leave()
}

fn run(args: &RunArgs, say: &Arc<Say>) -> Result<Ending, String> {
    let mut plan = Plan::of(args.plan.as_deref(), &args.faults)?;
    plan.steady = args.steady.clone().or(plan.steady);
    director::check(&plan)?;
    let seed = args
        .seed
        .or(plan.seed)
        .unwrap_or_else(|| record::random() >> 11);
    if args.dry_run {
        return show(&describe::plan(&plan, seed));
    }
    if plan.faults.is_empty() && plan.steady.is_none() {
        return Ok(filter::run(TOOL, env!("CARGO_PKG_VERSION"), say));
    }
    director::run(plan, seed, args, say)
}

/// Prints what a person asked for; a reader that leaves early has seen enough.
fn show(text: &str) -> Result<Ending, String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("stdout can't be written: {e}"))
        }
        _ => Ok(Ending::Exit(0)),
    }
}

/// Says what was wrong with the command line, with the tool's name in front, or prints what was asked for.
fn usage(e: &clap::Error) -> ExitCode {
    if !e.use_stderr() {
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    let text = e.to_string();
    Say::new(TOOL, false).error(text.trim_start_matches("error: ").trim_end());
    ExitCode::from(2)
}
