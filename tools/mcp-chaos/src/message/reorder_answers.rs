//! `reorder_answers`: an answer waits until the next one has passed.

use super::act::Act;
use super::answer::{Answer, Applied, Place};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use super::look::Kind as Message;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "reorder_answers",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "answers let the next one on their connection go first; not in an answer of HTTP of their own (counted as single)",
    applies: "{rate} of the answers to {method} wait for the next one, {hold} at most",
    undone_by: "answers pass in their order; one that waits goes as it would have",
    build: |params| Fault::action(params, Act::Reorder(ReorderAnswers::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "hold",
        unit: Unit::Time { max_s: 3_600 },
        default: Some("100ms"),
        help: "how long an answer waits for the next one",
    },
    METHOD,
    TOOL,
    SESSION,
    NTH,
    RATE,
    AFTER,
    FIRST,
];

/// Its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReorderAnswers {
    hold_us: u64,
}

impl ReorderAnswers {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            hold_us: params.time("hold")?.as_micros() as u64,
        })
    }

    pub(super) fn apply(&self, answer: &mut Answer<'_>) -> Applied {
        match answer.place {
            _ if answer.kind != Message::Answer => Err("not_an_answer"),
            Place::Alone | Place::Batch => Err("single"),
            // One at a time: of two that wait for the next, neither would be overtaken by the other.
            Place::Free if answer.others_wait => Err("others_wait"),
            Place::Free => {
                answer.verdict.hold_us = Some(self.hold_us);
                Ok(())
            }
        }
    }
}
