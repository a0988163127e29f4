//! A tool that starts what it is told to and waits: shows the library's use, and is what its tests kill.
//!
//! `owner RUN FROM COMMAND…` starts COMMAND, prints one JSON line (own pid, keeper, child), and undoes at the end of stdin.
//! With OWNER_PAUSE=PID it stops that process before it prints, for 60 s or OWNER_DEADLINE_S.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use undo::{CommandSpec, Effect, Identity, Paused, Undo};

fn main() -> ExitCode {
    if let Some(code) = undo::hidden() {
        return code;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "owner: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let run = arguments.next().ok_or("give a run")?;
    let from = arguments.next().ok_or("give a tool instance")?;
    let undo = Undo::open(&run, "owner", &from, |said| {
        let _ = writeln!(std::io::stderr(), "owner: {said}");
    })?;
    let deadline = std::env::var("OWNER_DEADLINE_S")
        .ok()
        .map(|seconds| seconds.parse().map(Duration::from_secs))
        .transpose()?;
    if let Ok(pid) = std::env::var("OWNER_PAUSE") {
        let paused = Paused::plan(&Identity::of(pid.parse()?)?)?;
        let until = deadline.unwrap_or(Duration::from_secs(60));
        undo.hold("pause", Effect::Paused(paused.clone()), until)?;
        paused.apply()?;
    }
    let mut spec = CommandSpec::new("child", arguments);
    spec.deadline = deadline;
    let child = undo.launch(&spec)?;
    let mut stdout = std::io::stdout();
    writeln!(
        stdout,
        "{{\"owner\":{},\"keeper\":{},\"child\":{},\"log\":{:?}}}",
        std::process::id(),
        undo.keeper_pid(),
        child.pid(),
        child.log_path()
    )?;
    stdout.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    child.stop(Duration::from_secs(5))?;
    undo.close(Duration::from_secs(5))?;
    Ok(())
}
