//! `cpu`: busy processes beside the target, on the CPUs that it may use.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "cpu",
    level: Level::Process,
    lasts: Lasts::Window,
    usual: Usual::One,
    ramps: true,
    params: PARAMS,
    help: "keeps the CPUs busy that the target may use",
    applies: "a process beside the target, with {workers} busy threads (0: one for each CPU), {load} of the time",
    undone_by: "its end",
    build: |params| Cpu::from_params(params).map(|cpu| Action::Process(Act::Cpu(cpu))),
};

const PARAMS: &[Param] = &[
    Param {
        name: "load",
        unit: Unit::Share,
        default: Some("100%"),
        help: "how much of the time each is busy",
    },
    Param {
        name: "workers",
        unit: Unit::Count { min: 0, max: 1_024 },
        default: Some("0"),
        help: "how many threads; 0 for one on each CPU that the target may use",
    },
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cpu {
    /// The share of the time in which each is busy.
    pub load: f64,
    /// Threads; 0 for one on each CPU of the target.
    pub workers: u64,
}

impl Cpu {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            load: params.share("load")?,
            workers: params.count("workers")?,
        })
    }
}
