//! `delay_answer`: the answer comes late, though the server was in time.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "delay_answer",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "answers come late; others overtake them but over HTTP, where they hold their connection",
    applies: "{rate} of the answers to {method} wait for {delay} ± {jitter}",
    undone_by: "answers pass at once; those that wait come at their time",
    build: |params| Fault::action(params, Act::Delay(DelayAnswer::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "delay",
        unit: Unit::Time { max_s: 3_600 },
        default: Some("1s"),
        help: "how late",
    },
    Param {
        name: "jitter",
        unit: Unit::Time { max_s: 3_600 },
        default: Some("0s"),
        help: "up to so much earlier or later, evenly",
    },
    METHOD,
    TOOL,
    SESSION,
    NTH,
    RATE,
    AFTER,
    FIRST,
];

/// Its parameters, in microseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DelayAnswer {
    delay_us: u64,
    jitter_us: u64,
}

impl DelayAnswer {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            delay_us: params.time("delay")?.as_micros() as u64,
            jitter_us: params.time("jitter")?.as_micros() as u64,
        })
    }

    pub(super) fn apply(&self, answer: &mut Answer<'_>, chance: f64) -> Applied {
        let span = 2.0 * self.jitter_us as f64 * chance;
        let late = (self.delay_us + span as u64).saturating_sub(self.jitter_us);
        answer.verdict.delay_us += late;
        Ok(())
    }
}
