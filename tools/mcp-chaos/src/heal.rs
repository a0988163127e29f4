//! `heal`: takes back what tools left behind that died together with their keepers.

use std::time::Duration;

use record::{Ending, Say};
use undo::State;

/// Their tools are dead, so nobody uses them any more.
const GRACE: Duration = Duration::from_secs(5);

/// Takes it back, says what, and exits with 2 when something had to be left. What living tools hold is theirs: they
/// take it back by themselves, at a signal at the latest.
///
/// # Errors
/// The journals can't be read.
pub fn run(run: Option<&str>, say: &Say) -> Result<Ending, String> {
    let told = |e: undo::Error| e.to_string();
    let state = State::of_user().map_err(told)?;
    let swept = undo::sweep(&state, run, GRACE).map_err(told)?;
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
    let is_healthy = |found: &undo::Swept| found.undone.is_empty() && found.kept.is_empty();
    if swept.iter().all(is_healthy) {
        say.note("nothing was left behind");
    }
    for living in undo::list(&state).map_err(told)? {
        let header = &living.header;
        if living.alive && run.is_none_or(|run| run == header.run) && !living.open.is_empty() {
            say.note(&format!(
                "{} still runs and holds {}: it takes that back when it ends (kill -INT {})",
                header.from,
                living.open.len(),
                header.owner.pid
            ));
        }
    }
    Ok(Ending::Exit(if left { 2 } else { 0 }))
}
