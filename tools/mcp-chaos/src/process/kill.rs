//! `kill`: a signal that ends the process at once; whoever supervises it starts it again.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};
use rustix::process::Signal;
use undo::Identity;

/// The kind.
pub const KIND: Kind = Kind {
    name: "kill",
    level: Level::Process,
    lasts: Lasts::Instant,
    usual: Usual::One,
    ramps: false,
    params: PARAMS,
    help: "ends the target's process without warning",
    applies: "SIG{signal} to the target's process",
    undone_by: "whoever supervises it (mcp-deploy local starts it again)",
    build: |params| signal(params).map(|signal| Action::Process(Act::End(signal))),
};

const PARAMS: &[Param] = &[Param {
    name: "signal",
    unit: Unit::Choice(&["KILL", "ABRT", "SEGV", "QUIT", "INT", "HUP"]),
    default: Some("KILL"),
    help: "the signal: KILL as the OOM killer sends it, ABRT and SEGV as a crash",
}];

fn signal(params: &Params) -> Result<Signal, String> {
    Ok(match params.text("signal")? {
        "ABRT" => Signal::ABORT,
        "SEGV" => Signal::SEGV,
        "QUIT" => Signal::QUIT,
        "INT" => Signal::INT,
        "HUP" => Signal::HUP,
        _ => Signal::KILL,
    })
}

/// Sends a process a signal.
///
/// # Errors
/// A sentence: it is gone, or the kernel refused.
pub fn send(identity: &Identity, signal: Signal) -> Result<(), String> {
    match identity.signal(signal) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("process {} is gone", identity.pid)),
        Err(error) => Err(format!("process {}: {error}", identity.pid)),
    }
}
