//! `pause`: the process stands still, its connections open, as in a long garbage collection or a frozen machine.

use super::Act;
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use std::collections::HashMap;
use std::time::Duration;
use undo::{Effect, Held, Identity, Paused, Undo};

/// The kind.
pub const KIND: Kind = Kind {
    name: "pause",
    level: Level::Process,
    lasts: Lasts::Window,
    usual: Usual::One,
    ramps: false,
    params: &[],
    help: "stops the target's process, its connections open, and lets it go on",
    applies: "SIGSTOP to the target's process, and to its group where it leads one",
    undone_by: "SIGCONT to the same",
    build: |_| Ok(Action::Process(Act::Pause)),
};

/// The processes that stand still at the moment, and how many faults want it so: it goes on with the last of them.
#[derive(Debug, Default)]
pub struct Pauses(HashMap<(i32, u64), (Paused, usize)>);

impl Pauses {
    /// Stops a process; `deadline`: when the keeper lets it go on at the latest.
    ///
    /// # Errors
    /// A sentence; nothing is stopped then.
    pub fn begin(
        &mut self,
        undo: &Undo,
        label: &str,
        identity: &Identity,
        deadline: Duration,
    ) -> Result<Held, String> {
        let key = (identity.pid, identity.start_ticks);
        let known = self.0.get(&key).map(|(paused, _)| paused.clone());
        let paused = match &known {
            Some(paused) => paused.clone(),
            None => Paused::plan(identity).map_err(|e| e.to_string())?,
        };
        let held = undo
            .hold(label, Effect::Paused(paused.clone()), deadline)
            .map_err(|e| e.to_string())?;
        if known.is_none()
            && let Err(error) = paused.apply()
        {
            // Half of a group may stand still.
            return Err(match held.release() {
                Ok(_) => error.to_string(),
                Err(left) => format!("{error}; and {left}"),
            });
        }
        self.0.entry(key).or_insert((paused, 0)).1 += 1;
        Ok(held)
    }

    /// Lets it go on, unless another fault wants it to stand still; whether it was there.
    ///
    /// # Errors
    /// A sentence: it stands still.
    pub fn end(&mut self, held: Held) -> Result<bool, String> {
        if let Effect::Paused(paused) = held.effect() {
            let key = (paused.identity.pid, paused.identity.start_ticks);
            if let Some((_, faults)) = self.0.get_mut(&key) {
                *faults -= 1;
                if *faults > 0 {
                    return held.forget().map(|()| true).map_err(|e| e.to_string());
                }
                self.0.remove(&key);
            }
        }
        held.release().map_err(|e| e.to_string())
    }
}
