//! A fault from its begin to its end: whom it hits, what holds it, and what is written down.

use super::Director;
use super::applied::{Applied, Lifted};
use super::dues::Due;
use super::moment::Moment;
use crate::action::Action;
use crate::dice;
use crate::plan::kind::Lasts;
use crate::plan::timing::time;
use crate::process::beside::Beside;
use crate::process::restart::{BACK_WITHIN, Restarting};
use crate::process::{Act, busy, filler, kill};
use crate::proxy::{self, What};
use crate::stream::seen::Seen;
use record::kind::{Fault, Warning};
use std::collections::BTreeMap;
use std::time::Duration;
use undo::{Effect, Held, Within};

/// Beyond the end of a fault, the time until the keeper ends it in our place.
const SPARE: Duration = Duration::from_secs(5);

/// A fault that is applied.
pub(super) struct Running {
    /// Its place in the plan.
    fault: usize,
    /// By target.
    applied: Vec<(String, Applied)>,
    /// What `status` sees of it, where it lives in this process.
    seen: Option<Held>,
}

impl Director {
    /// The `nth` coming of a fault.
    pub(super) fn begin(&mut self, fault: usize, nth: u64, length_us: u64) {
        self.push_next(fault);
        self.begun[fault] += 1;
        let id = self.id(fault, nth);
        let (mut applied, mut missed) = (Vec::new(), Vec::new());
        for seen in self.chosen(fault, nth) {
            let name = seen.target.key().to_owned();
            match self.apply(fault, &id, &seen, Duration::from_micros(length_us)) {
                Ok(what) => applied.push((name, what)),
                Err(why) => missed.push((name, why)),
            }
        }
        let moment = Moment::now();
        if applied.is_empty() {
            return self.miss_all(fault, &id, missed, moment);
        }
        let lasts = self.plan.faults[fault].kind.lasts;
        let mut record = self.record(fault, &id, "began", moment);
        record.targets = applied.iter().map(|(name, _)| name.clone()).collect();
        record.for_us = (lasts == Lasts::Window).then_some(length_us);
        record.text = (!missed.is_empty()).then(|| {
            let missed: Vec<String> = missed
                .iter()
                .map(|(n, why)| format!("not {n}: {why}"))
                .collect();
            record::cut(missed.join("; "))
        });
        self.note_begin(&record);
        self.write(record.clone());
        for (name, why) in missed {
            self.warn_missed(fault, &id, Some(name), &why);
        }
        let is_over = applied.iter().all(|(_, a)| matches!(a, Applied::Over));
        let in_path = self.plan.faults[fault].kind.level.in_path();
        let seen = self.show(in_path, &record, length_us);
        let running = Running {
            fault,
            applied,
            seen,
        };
        self.running.insert(id.clone(), running);
        match self.plan.faults[fault].action {
            // What is over at once has the same instant twice.
            _ if is_over => self.finish_at(&id, None, Some(moment)),
            Action::Process(Act::Restart(restart)) => {
                let now_us = moment.mono_us;
                let grace_us = restart.grace.as_micros() as u64;
                self.dues.push(now_us + grace_us, Due::Harder(id.clone()));
                let back_us = BACK_WITHIN.as_micros() as u64;
                self.dues.push(now_us + back_us, Due::GiveUp(id));
            }
            Action::Process(_) | Action::Network(_) | Action::Message(_) => {
                self.dues.push(moment.mono_us + length_us, Due::End(id))
            }
        }
    }

    /// Writes what is in the path into the journal, so that `status` shows it.
    fn show(&self, in_path: bool, record: &Fault, length_us: u64) -> Option<Held> {
        let undo = self.undo.as_deref().filter(|_| in_path)?;
        let what = format!("{} of {}", record.kind, record.targets.join(", "));
        let within = Effect::Within(Within {
            what: record::cut(what),
        });
        let deadline = Duration::from_micros(length_us) + SPARE;
        // It is applied all the same where it cannot be shown.
        undo.hold(&record.id, within, deadline).ok()
    }

    /// `f1`; what may come again has a number each time.
    fn id(&self, fault: usize, nth: u64) -> String {
        match self.plan.faults[fault].timing.is_repeated() {
            true => format!("f{}.{nth}", fault + 1),
            false => format!("f{}", fault + 1),
        }
    }

    /// Whom it hits: among those that are there now.
    fn chosen(&self, fault: usize, nth: u64) -> Vec<Seen> {
        let live = self.roster.live();
        let names: Vec<&str> = live.iter().map(|seen| seen.target.key()).collect();
        let wanted = &self.plan.faults[fault];
        let places = wanted
            .choice
            .of(&names, wanted.kind.usual, self.seed, fault as u64 + 1, nth);
        places
            .into_iter()
            .map(|place| live[place].clone())
            .collect()
    }

    /// Applies it to one target.
    fn apply(
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

    /// Ends a fault now, early where there is a text that says so.
    pub(super) fn finish(&mut self, id: &str, early: Option<&str>) {
        self.finish_at(id, early, None);
    }

    fn finish_at(&mut self, id: &str, early: Option<&str>, moment: Option<Moment>) {
        let Some(running) = self.running.remove(id) else {
            return;
        };
        if let Some(seen) = running.seen {
            // Where that cannot be written, the keeper does at the deadline.
            let _ = seen.forget();
        }
        let mut counts = BTreeMap::new();
        let mut odd: Vec<String> = early.map(str::to_owned).into_iter().collect();
        let (mut lifted, mut kept) = (Vec::new(), Vec::new());
        for (name, applied) in running.applied {
            let is_lost = matches!(&applied, Applied::Restarting(r) if !r.is_back);
            match applied.lift(&mut self.pauses) {
                Ok(Lifted {
                    counts: own,
                    odd: text,
                }) => {
                    for (what, n) in own {
                        *counts.entry(what.to_owned()).or_insert(0) += n;
                    }
                    odd.extend(text.map(|text| format!("{name}: {text}")));
                    match is_lost {
                        true => kept.push((name, "it is not back".to_owned())),
                        false => lifted.push(name),
                    }
                }
                Err(why) => {
                    self.fail_loudly(format!("{id} on {name}: {why}"));
                    kept.push((name, why));
                }
            }
        }
        let moment = moment.unwrap_or_else(Moment::now);
        let text = |parts: Vec<String>| (!parts.is_empty()).then(|| record::cut(parts.join("; ")));
        if !lifted.is_empty() {
            let mut record = self.record(running.fault, id, "ended", moment);
            record.targets = lifted;
            record.counts = counts;
            record.text = text(odd.clone());
            if !matches!(self.plan.faults[running.fault].kind.lasts, Lasts::Instant) {
                self.say.note(&format!("{id} ended: {}", record.kind));
            }
            self.write(record);
        }
        if !kept.is_empty() {
            let mut record = self.record(running.fault, id, "failed", moment);
            record.targets = kept.iter().map(|(name, _)| name.clone()).collect();
            odd.extend(kept.iter().map(|(name, why)| format!("{name}: {why}")));
            record.text = text(odd);
            self.write(record);
            for (name, why) in kept {
                self.warn_missed(running.fault, id, Some(name), &why);
            }
        }
    }

    /// The grace time of a restart is over.
    pub(super) fn harder(&mut self, id: &str) {
        let Some(running) = self.running.get_mut(id) else {
            return;
        };
        let mut refused = Vec::new();
        for (name, applied) in &mut running.applied {
            if let Applied::Restarting(restarting) = applied
                && let Err(error) = restarting.harder()
            {
                refused.push(format!("{id}: SIGKILL to {name}: {error}"));
            }
        }
        for text in refused {
            self.warn(Warning::new("fault_failed", text));
        }
    }

    /// A target came by: perhaps one that a restart waits for.
    pub(super) fn see_restarted(&mut self, seen: &Seen) {
        let mut all_back = Vec::new();
        for (id, running) in &mut self.running {
            let mut waits = false;
            for (name, applied) in &mut running.applied {
                if let Applied::Restarting(restarting) = applied {
                    if name == seen.target.key() && !seen.target.is_gone() {
                        restarting.see(&seen.process);
                    }
                    waits |= !restarting.is_back;
                }
            }
            let is_restart = matches!(running.applied.first(), Some((_, Applied::Restarting(_))));
            if is_restart && !waits {
                all_back.push(id.clone());
            }
        }
        for id in all_back {
            self.finish(&id, None);
        }
    }

    /// Whoever is not back after a restart is given up.
    pub(super) fn give_up(&mut self, id: &str) {
        let text = format!("waited {}", time(BACK_WITHIN));
        self.finish(id, Some(&text));
    }

    fn miss_all(&mut self, fault: usize, id: &str, missed: Vec<(String, String)>, moment: Moment) {
        let mut record = self.record(fault, id, "failed", moment);
        record.targets = missed.iter().map(|(name, _)| name.clone()).collect();
        if missed.is_empty() {
            let live = self.roster.live();
            let names: Vec<&str> = live.iter().take(8).map(|s| s.target.key()).collect();
            let there = match names.is_empty() {
                true => "no target is there".to_owned(),
                false => format!("no target fits; there are {}", names.join(", ")),
            };
            record.text = Some(record::cut(there.clone()));
            self.write(record);
            return self.warn_missed(fault, id, None, &there);
        }
        let whys: Vec<String> = missed
            .iter()
            .map(|(n, why)| format!("{n}: {why}"))
            .collect();
        record.text = Some(record::cut(whys.join("; ")));
        self.write(record);
        for (name, why) in missed {
            self.warn_missed(fault, id, Some(name), &why);
        }
    }

    fn warn_missed(&mut self, fault: usize, id: &str, target: Option<String>, why: &str) {
        self.has_failed |= self.is_strict;
        let kind = self.plan.faults[fault].kind.name;
        let on = target
            .as_ref()
            .map_or_else(String::new, |name| format!(" on {name}"));
        let text = record::cut(format!("{id} ({kind}) failed{on}: {why}"));
        self.warn(Warning {
            target,
            ..Warning::new("fault_failed", text)
        });
    }

    pub(super) fn note_begin(&self, record: &Fault) {
        let length = record.for_us.map_or_else(String::new, |us| {
            format!(" for {}", time(Duration::from_micros(us)))
        });
        let targets = record.targets.join(", ");
        self.say.note(&format!(
            "{}: {} of {targets}{length}",
            record.id, record.kind
        ));
    }

    fn record(&self, fault: usize, id: &str, state: &str, moment: Moment) -> Fault {
        let wanted = &self.plan.faults[fault];
        let mut parameters = wanted.params.in_record();
        if !wanted.timing.ramp.is_zero() {
            let ramp_us = wanted.timing.ramp.as_micros() as u64;
            parameters.insert("ramp_us".to_owned(), ramp_us.into());
        }
        Fault {
            id: id.to_owned(),
            state: state.to_owned(),
            kind: wanted.kind.name.to_owned(),
            parameters,
            seed: Some(self.seed),
            ..moment.record(self.instants.t0_us())
        }
    }
}
