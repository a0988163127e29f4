//! `restart`: SIGTERM, SIGKILL where that does not help, and the wait until the target is back.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};
use rustix::process::Signal;
use std::time::Duration;
use undo::Identity;

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

/// So long a process that was ended may take to be back.
pub const BACK_WITHIN: Duration = Duration::from_secs(30);

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

/// A target that was asked to end, and is to come back.
#[derive(Debug)]
pub struct Restarting {
    /// As it was.
    pub old: Identity,
    /// SIGTERM was not enough.
    pub was_killed: bool,
    /// Another process has its name.
    pub is_back: bool,
}

impl Restarting {
    /// Asks a process to end.
    ///
    /// # Errors
    /// A sentence: it is gone, or the kernel refused.
    pub fn begin(old: &Identity) -> Result<Self, String> {
        super::kill::send(old, Signal::TERM)?;
        Ok(Self {
            old: old.clone(),
            was_killed: false,
            is_back: false,
        })
    }

    /// The grace time is over.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn harder(&mut self) -> std::io::Result<()> {
        if self.old.is_alive() {
            self.was_killed = self.old.signal(Signal::KILL)?;
        }
        Ok(())
    }

    /// The target came by again; with another process it is back.
    pub fn see(&mut self, process: &Result<Identity, String>) {
        self.is_back |= process.as_ref().is_ok_and(|now| *now != self.old);
    }
}
