//! Applies a fault to one target: to its process, or to what is on the way to it.

use super::Director;
use super::applied::Applied;
use crate::action::Action;
use crate::dice;
use crate::process::beside::Beside;
use crate::process::restart::Restarting;
use crate::process::{Act, busy, filler, kill};
use crate::proxy::{self, What};
use crate::stream::seen::Seen;
use std::time::Duration;

/// Beyond the end of a fault, the time until the keeper ends it in our place.
pub(super) const SPARE: Duration = Duration::from_secs(5);

impl Director {
    /// Applies it to one target.
    pub(super) fn apply(
        &mut self,
        fault: usize,
        id: &str,
        seen: &Seen,
        length: Duration,
    ) -> Result<Applied, String> {
        match &self.plan.faults[fault].action {
            Action::Process(act) => self.apply_to_process(&act.clone(), fault, id, seen, length),
            Action::Network(toxic) => {
                let what = What::Toxic(*toxic);
                self.apply_in_path(what, toxic.toxicity, fault, id, seen)
            }
            Action::Message(message) => {
                let what = What::Message(message.clone());
                self.apply_in_path(what, 1.0, fault, id, seen)
            }
        }
    }

    fn apply_in_path(
        &self,
        what: What,
        toxicity: f64,
        fault: usize,
        id: &str,
        seen: &Seen,
    ) -> Result<Applied, String> {
        let path = self.path.as_ref().ok_or("there is no proxy")?;
        let name = seen.target.key();
        path.leads_to(name)?;
        if matches!(what, What::Message(_)) {
            path.reads(name)?;
        }
        let applied = proxy::Applied {
            id: id.to_owned(),
            what,
            toxicity,
            // Its own dice for each fault and target, whatever else there is.
            seed: dice::throw(self.seed, fault as u64 + 1, dice::named(name)),
            ramp: self.plan.faults[fault].timing.ramp,
        };
        path.proxies().apply(name, applied)?;
        Ok(Applied::InPath {
            proxies: path.proxies().clone(),
            name: name.to_owned(),
            id: id.to_owned(),
        })
    }

    fn apply_to_process(
        &mut self,
        act: &Act,
        fault: usize,
        id: &str,
        seen: &Seen,
        length: Duration,
    ) -> Result<Applied, String> {
        let ramp = self.plan.faults[fault].timing.ramp;
        let process = seen.process.as_ref().map_err(Clone::clone)?;
        self.guard.allows(process)?;
        let label = format!("{id}-{}", seen.target.key());
        let deadline = length + SPARE;
        let undo = || {
            self.undo
                .as_deref()
                .ok_or_else(|| "there is no journal".to_owned())
        };
        Ok(match act {
            Act::End(signal) => {
                kill::send(process, *signal)?;
                Applied::Over
            }
            Act::Restart(_) => Applied::Restarting(Restarting::begin(process)?),
            Act::Pause => {
                let undo = self.undo.as_deref().ok_or("there is no journal")?;
                Applied::Paused(self.pauses.begin(undo, &label, process, deadline)?)
            }
            Act::Cpu(cpu) => {
                let arguments = busy::arguments(cpu, ramp, process)?;
                let workers = busy::workers(&arguments);
                Applied::Busy(
                    Beside::begin(undo()?, &label, arguments, deadline)?,
                    workers,
                )
            }
            Act::Memory(memory) => {
                let arguments = filler::arguments(memory, ramp);
                Applied::Filled(Beside::begin(undo()?, &label, arguments, deadline)?)
            }
        })
    }
}
