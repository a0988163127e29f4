//! What stands before the first fault: the relay, where faults are in the path, and journal and keeper.

use super::{Director, Happening, usage};
use crate::cli::{RunArgs, TOOL};
use crate::path::Path;
use crate::plan::Plan;
use crate::proxy::Proxies;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use undo::Undo;

/// Starts the relay, where the plan has faults in the path, or clients of the API may.
pub(super) fn open_path(
    plan: &Plan,
    args: &RunArgs,
    tell: &Sender<Happening>,
) -> Result<Option<Path>, String> {
    if !usage::needs_path(plan) && args.api.is_none() {
        return Ok(None);
    }
    let tell = tell.clone();
    let proxies = Proxies::start(move |said| drop(tell.send(Happening::Relay(said))))
        .map_err(|e| format!("can't start the proxy: {e}: raise `ulimit -n` or `ulimit -u`"))?;
    Ok(Some(Path::new(proxies, usage::splits(plan))))
}

impl Director {
    /// Opens journal and keeper, where the plan has something that they must know of.
    pub(super) fn open_undo(&mut self) -> Result<(), String> {
        let Some(pen) = self.pen.as_ref().filter(|_| usage::needs_undo(&self.plan)) else {
            return Ok(());
        };
        let (identity, say) = (pen.identity(), Arc::clone(&self.say));
        let undo = Undo::open(&identity.run, TOOL, &identity.from, move |text| {
            say.note(text);
        })
        .map_err(|e| e.to_string())?;
        let undo = Arc::new(undo);
        self.guard.spare(undo.keeper_pid());
        self.brake.covers(&undo);
        self.undo = Some(undo);
        Ok(())
    }
}
