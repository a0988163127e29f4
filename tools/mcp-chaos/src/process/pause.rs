//! `pause`: the process stands still, its connections open, as in a long garbage collection or a frozen machine.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};

/// The kind.
pub const KIND: Kind = Kind {
    name: "pause",
    level: Level::Process,
    lasts: Lasts::Window,
    usual: Usual::One,
    ramps: false,
    params: &[],
    help: "stops the target's process, its connections open, and lets it go on",
    applies: "SIGSTOP to the target's process, and to its group where it leads one",
    undone_by: "SIGCONT to the same",
    build: |_| Ok(Action::Process(Act::Pause)),
};
