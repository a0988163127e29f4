//! `cut_stream`: a stream of events ends too early, and its connection with it.

use super::act::Act;
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "cut_stream",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "streams of events end after some events; method=* cuts those that a GET opens, too; an answer that is no stream is counted as no_stream",
    applies: "{rate} of the streams that answer {method} end after {events} events, and their connection by {by}",
    undone_by: "streams pass",
    build: |params| Fault::action(params, Act::CutStream(CutStream::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "events",
        unit: Unit::Count {
            min: 0,
            max: 1_000_000,
        },
        default: Some("0"),
        help: "so many events with data pass",
    },
    Param {
        name: "by",
        unit: Unit::Choice(&["fin", "rst"]),
        default: Some("fin"),
        help: "how the connection ends",
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CutStream {
    /// Events that are still to pass.
    pub(super) events: u64,
    pub(super) reset: bool,
}

impl CutStream {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            events: params.count("events")?,
            reset: params.text("by")? == "rst",
        })
    }
}
