//! `truncate_json`: the message is cut in its middle, in a frame, line or body that is whole.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "truncate_json",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "answers are cut off, in a frame, line, event or body that is whole",
    applies: "of {rate} of the answers to {method} only {keep} of the text comes",
    undone_by: "answers come whole",
    build: |params| Fault::action(params, Act::Truncate(TruncateJson::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "keep",
        unit: Unit::Share,
        default: Some("50%"),
        help: "how much of the text comes, at least one byte and never all of it",
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
pub(super) struct TruncateJson {
    keep: f64,
}

impl TruncateJson {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            keep: params.share("keep")?,
        })
    }

    pub(super) fn apply(&self, answer: &mut Answer<'_>) -> Applied {
        let text = std::str::from_utf8(&answer.text).map_err(|_| "broken")?;
        let keep = (text.len() as f64 * self.keep) as usize;
        // Not within a character: a frame of text must be UTF-8.
        let keep = text.floor_char_boundary(keep.min(text.len().saturating_sub(1)));
        let text = text.as_bytes()[..keep.max(1).min(text.len())].to_vec();
        answer.replace(text)
    }
}
