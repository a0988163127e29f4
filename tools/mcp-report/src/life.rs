//! The life of mcp-report: reads to the end, whatever a first signal says, gives the report, and leaves with the verdict.

use crate::cli::Cli;
use crate::conclude::conclude;
use crate::intake;
use crate::output;
use record::{Ending, Say, signal};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Lives it; main turns the ending into the exit.
pub fn live(cli: &Cli) -> Ending {
    let say = Say::new("mcp-report", cli.quiet);
    if reads_terminal(&cli.files) {
        say.error("stdin is a terminal: pipe a stream into me, as in mcp-gen --url … | mcp-report, or name a file");
        return Ending::Exit(2);
    }
    if let Err(e) = signal::watch_first(|_| {}) {
        say.error(&format!("cannot watch signals: {e}"));
        return Ending::Exit(2);
    }
    // At the first signal the tools upstream write their last words: those are waited for.
    let run = match intake::read(&cli.files, cli.quiet) {
        Ok(run) => run,
        Err(e) => {
            say.error(&e.to_string());
            return signal::arrived().map_or(Ending::Exit(2), Ending::Signal);
        }
    };
    let conclusion = conclude(&run, cli, signal::arrived().is_some());
    let given = output::give(&conclusion, cli, &say);
    if let Err(e) = &given {
        say.error(&format!("{e:#}"));
    }
    // One that came while the report was written still ends the script.
    match (signal::arrived(), given) {
        (Some(signal), _) => Ending::Signal(signal),
        (None, Err(_)) => Ending::Exit(2),
        (None, Ok(())) => Ending::Exit(conclusion.verdict.exit),
    }
}

fn reads_terminal(files: &[PathBuf]) -> bool {
    let wanted = files.is_empty() || files.iter().any(|f| f.as_os_str() == "-");
    wanted && std::io::stdin().is_terminal()
}
