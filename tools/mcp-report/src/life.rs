//! The life of mcp-report: reads to the end, whatever a first signal says, gives the report, and leaves with the verdict.

use crate::cli::Cli;
use crate::conclude::conclude;
use crate::intake::{self, IntakeError};
use crate::output;
use crate::run::Run;
use record::{Ending, Say, signal};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::mpsc;

enum Happening {
    Read(Box<Result<Run, IntakeError>>),
    Signal(i32),
}

/// Lives it; main turns the ending into the exit.
pub fn live(cli: &Cli) -> Ending {
    let say = Say::new("mcp-report", cli.quiet);
    if reads_terminal(&cli.files) {
        say.error("stdin is a terminal: pipe a stream into me, as in mcp-gen --url … | mcp-report, or name a file");
        return Ending::Exit(2);
    }
    let (tell, told) = mpsc::channel();
    let on_signal = tell.clone();
    let on_each = move |signal, n| {
        let _ = on_signal.send(Happening::Signal(signal));
        if n > 1 {
            // At once, also out of a write that nobody takes.
            signal::die_of(signal);
        }
    };
    if let Err(e) = signal::watch(on_each) {
        say.error(&format!("cannot watch signals: {e}"));
        return Ending::Exit(2);
    }
    let (files, quiet) = (cli.files.clone(), cli.quiet);
    std::thread::spawn(move || {
        let _ = tell.send(Happening::Read(Box::new(intake::read(&files, quiet))));
    });

    // At the first signal the tools upstream write their last words: those are waited for.
    let mut signalled = None;
    let read = loop {
        match told.recv() {
            Ok(Happening::Read(read)) => break *read,
            Ok(Happening::Signal(signal)) => signalled = Some(signal),
            Err(_) => return Ending::Exit(2),
        }
    };
    let run = match read {
        Ok(run) => run,
        Err(e) => {
            say.error(&e.to_string());
            return signalled.map_or(Ending::Exit(2), Ending::Signal);
        }
    };
    signalled = signalled.or_else(signal::arrived);
    let conclusion = conclude(&run, cli, signalled.is_some());
    let given = output::give(&conclusion, cli, &say);
    if let Err(e) = &given {
        say.error(&format!("{e:#}"));
    }
    // One that came while the report was written still ends the script.
    if let Some(signal) = signal::arrived() {
        signalled = Some(signal);
    }
    match (signalled, given) {
        (Some(signal), _) => Ending::Signal(signal),
        (None, Err(_)) => Ending::Exit(2),
        (None, Ok(())) => Ending::Exit(conclusion.verdict.exit),
    }
}

fn reads_terminal(files: &[PathBuf]) -> bool {
    let wanted = files.is_empty() || files.iter().any(|f| f.as_os_str() == "-");
    wanted && std::io::stdin().is_terminal()
}
