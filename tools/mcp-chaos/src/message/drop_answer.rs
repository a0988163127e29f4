//! `drop_answer`: the answer never comes, as from a server that has forgotten its client.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};

/// The kind.
pub const KIND: Kind = Kind {
    name: "drop_answer",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: &[METHOD, TOOL, SESSION, NTH, RATE, AFTER, FIRST],
    help: "answers never come; over HTTP nothing more comes on the connection, since the next answer would be taken for this one",
    applies: "{rate} of the answers to {method} are left away",
    undone_by: "answers pass; what was left away does not come any more",
    build: |params| Fault::action(params, Act::Drop),
};

pub(super) fn apply(answer: &mut Answer<'_>) -> Applied {
    answer.verdict.dropped = true;
    Ok(())
}
