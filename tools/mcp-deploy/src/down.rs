//! `down`: ends what tools left behind that died together with their keepers.

use std::time::Duration;

use record::{Ending, Say};
use undo::State;

/// Their tools are dead, so nobody uses them any more.
const GRACE: Duration = Duration::from_secs(5);

/// Undoes, says what, and exits with 2 when something had to be left.
///
/// # Errors
/// The journals can't be read.
pub fn run(say: &Say) -> anyhow::Result<Ending> {
    let state = State::of_user()?;
    let swept = undo::sweep(&state, None, GRACE)?;
    let mut left = false;
    for found in &swept {
        for undone in &found.undone {
            say.note(&format!(
                "ended {undone}, which {} of run {} left behind",
                found.from, found.run
            ));
        }
        for kept in &found.kept {
            left = true;
            say.error(&format!(
                "left alone: {kept}; its journal is {}",
                found.path.display()
            ));
        }
    }
    if swept
        .iter()
        .all(|found| found.undone.is_empty() && found.kept.is_empty())
    {
        say.note("nothing was left behind");
    }
    for alive in undo::list(&state)?
        .iter()
        .filter(|deployment| deployment.alive)
    {
        let header = &alive.header;
        say.note(&format!(
            "{} still runs (pid {}) and undoes by itself when it ends",
            header.from, header.owner.pid
        ));
    }
    Ok(Ending::Exit(if left { 2 } else { 0 }))
}
