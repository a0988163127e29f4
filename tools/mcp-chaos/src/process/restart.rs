//! `restart`: SIGTERM, SIGKILL where that does not help, and the wait until the target is back.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};
use std::time::Duration;

/// The kind.
pub const KIND: Kind = Kind {
    name: "restart",
    level: Level::Process,
    lasts: Lasts::Instant,
    usual: Usual::One,
    ramps: false,
    params: PARAMS,
    help: "ends the target's process politely and waits, 30 s at most, until it is back under its name",
    applies: "SIGTERM to the target's process, and SIGKILL after {grace}",
    undone_by: "whoever supervises it (mcp-deploy local starts it again); failed where it is not back",
    build: |params| Restart::from_params(params).map(|r| Action::Process(Act::Restart(r))),
};

const PARAMS: &[Param] = &[Param {
    name: "grace",
    unit: Unit::Time { max_s: 30 },
    default: Some("5s"),
    help: "how long it may take to end by itself",
}];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
}

impl Restart {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            grace: params.time("grace")?,
        })
    }
}
