//! Takes back all that a tool put into the system: it is written down before it is applied, and undone even after `kill -9`.
//!
//! A tool serves [`hidden`] first in its `main`, opens one [`Undo`], starts processes with
//! [`Undo::launch`], writes down with [`Undo::hold`] what else it is about to apply, and calls [`Undo::close`] at its end:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! fn main() -> std::process::ExitCode {
//!     if let Some(code) = undo::hidden() {
//!         return code; // this process was a launcher or a keeper
//!     }
//!     let work = || -> Result<(), undo::Error> {
//!         let undo = undo::Undo::open("run-1", "mcp-deploy", "mcp-deploy#3f2a", |_said| {})?;
//!         let child = undo.launch(&undo::CommandSpec::new("server", ["sleep", "60"]))?;
//!         child.stop(Duration::from_secs(5))?;
//!         undo.close(Duration::from_secs(5))
//!     };
//!     if work().is_ok() { std::process::ExitCode::SUCCESS } else { 2.into() }
//! }
//! ```
//!
//! Who takes back when the tool could not: its keeper, a process of its own session that watches the
//! tool by pidfd; and where both died at once, the next start of any tool ([`sweep`]).

mod census;
mod child;
mod command;
mod effect;
mod entry;
mod error;
mod gate;
mod guard;
mod held;
mod identity;
mod journal;
mod keeper;
mod last_words;
mod launch;
mod launcher;
mod log;
mod mark;
mod owner;
mod read;
mod settle;
mod state;
mod stop;
mod sweep;

pub use child::{Child, Exit};
pub use command::{CommandSpec, words};
pub use effect::{Effect, Paused, ProcessPlan, Within};
pub use entry::{Header, Plan};
pub use error::Error;
pub use held::Held;
pub use identity::Identity;
pub use journal::Journal;
pub use last_words::{ended, last_words};
pub use launch::own_executable;
pub use mark::Mark;
pub use owner::Undo;
pub use read::Contents;
pub use state::State;
pub use stop::{Stopped, Target, stop};
pub use sweep::{Deployment, Swept, list, sweep};

use std::process::ExitCode;

/// Serves the hidden subcommands `launch` and `keeper`; `None` means that this process is the tool itself.
///
/// Call it first in `main`, before any thread exists and before the command line is parsed.
pub fn hidden() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        launcher::SUBCOMMAND => Some(launcher::run(arguments.collect())),
        keeper::SUBCOMMAND => Some(keeper::run(arguments.collect())),
        _ => None,
    }
}
