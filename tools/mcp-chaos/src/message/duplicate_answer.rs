//! `duplicate_answer`: the answer comes twice, as after a retry that nobody has told apart.

use super::act::Act;
use super::answer::{Answer, Applied, Place};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};

/// The kind.
pub const KIND: Kind = Kind {
    name: "duplicate_answer",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: &[METHOD, TOOL, SESSION, NTH, RATE, AFTER, FIRST],
    help: "answers come twice; not in a JSON body, which holds one (counted as single)",
    applies: "{rate} of the answers to {method} come twice",
    undone_by: "answers come once",
    build: |params| Fault::action(params, Act::Duplicate),
};

pub(super) fn apply(answer: &mut Answer<'_>) -> Applied {
    if answer.place == Place::Alone && !answer.in_events {
        return Err("single");
    }
    answer.verdict.twice = true;
    Ok(())
}
