//! Ends a fault: what held it is lifted, and what it did is written down.

use super::Director;
use super::applied::{Applied, Lifted};
use super::moment::Moment;
use crate::plan::kind::Lasts;
use crate::plan::timing::time;
use crate::process::restart::BACK_WITHIN;
use crate::stream::seen::Seen;
use record::kind::Warning;
use std::collections::BTreeMap;

impl Director {
    /// Ends a fault now, early where there is a text that says so.
    pub(super) fn finish(&mut self, id: &str, early: Option<&str>) {
        self.finish_at(id, early, None);
    }

    pub(super) fn finish_at(&mut self, id: &str, early: Option<&str>, moment: Option<Moment>) {
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
}
