//! `term`: SIGTERM, as a deployment sends it: the process may finish what it has begun.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use rustix::process::Signal;

/// The kind.
pub const KIND: Kind = Kind {
    name: "term",
    level: Level::Process,
    lasts: Lasts::Instant,
    usual: Usual::One,
    ramps: false,
    params: &[],
    help: "asks the target's process to end, as a deployment does",
    applies: "SIGTERM to the target's process",
    undone_by: "whoever supervises it (mcp-deploy local starts it again)",
    build: |_| Ok(Action::Process(Act::End(Signal::TERM))),
};
