//! `memory`: a process beside the target that fills memory, and is the first that the OOM killer takes.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "memory",
    level: Level::Process,
    lasts: Lasts::Window,
    usual: Usual::One,
    ramps: true,
    params: PARAMS,
    help: "fills memory beside the target",
    applies: "a process beside the target that writes to {size} of memory; the OOM killer takes it first",
    undone_by: "its end",
    build: |params| Memory::from_params(params).map(|memory| Action::Process(Act::Memory(memory))),
};

const PARAMS: &[Param] = &[Param {
    name: "size",
    unit: Unit::Size { max_bytes: 1 << 40 },
    default: Some("256MiB"),
    help: "how much is filled",
}];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes that are written to.
    pub bytes: u64,
}

impl Memory {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            bytes: params.size("size")?,
        })
    }
}
