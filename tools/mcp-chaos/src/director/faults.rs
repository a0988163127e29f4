//! The begin of a fault: whom it hits, and when it is to end.

use super::Director;
use super::applied::Applied;
use super::applying::SPARE;
use super::dues::Due;
use super::moment::Moment;
use crate::action::Action;
use crate::plan::kind::Lasts;
use crate::process::Act;
use crate::process::restart::BACK_WITHIN;
use crate::stream::seen::Seen;
use record::kind::Fault;
use std::time::Duration;
use undo::{Effect, Held, Within};

/// A fault that is applied.
pub(super) struct Running {
    /// Its place in the plan.
    pub(super) fault: usize,
    /// By target.
    pub(super) applied: Vec<(String, Applied)>,
    /// What `status` sees of it, where it lives in this process.
    pub(super) seen: Option<Held>,
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
}
