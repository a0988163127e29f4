//! What the director writes: records of faults, warnings, and what it says to people.

use super::moment::Moment;
use super::{Director, MAX_UNWRITTEN};
use crate::plan::timing::time;
use record::Body;
use record::kind::{Fault, Warning};
use std::time::Duration;

/// A fault that comes a hundred times a second, and fails each time, is not to be all that people read.
const MAX_WARNED: u64 = 100;

impl Director {
    pub(super) fn write(&mut self, body: impl Into<Body>) {
        self.unwritten.push_back(body.into());
        self.write_waiting();
    }

    pub(super) fn write_waiting(&mut self) {
        let Some(pen) = &self.pen else {
            return;
        };
        while let Some(body) = self.unwritten.pop_front() {
            if let Err(body) = pen.offer(body) {
                self.unwritten.push_front(body);
                break;
            }
        }
        while self.unwritten.len() > MAX_UNWRITTEN {
            self.unwritten.pop_back();
            pen.count_dropped(1);
        }
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        let remedy = warning.remedy.as_ref();
        let remedy = remedy.map_or_else(String::new, |remedy| format!(" ({remedy})"));
        self.say.note(&format!("{}{remedy}", warning.text));
        self.write(warning);
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

    pub(super) fn record(&self, fault: usize, id: &str, state: &str, moment: Moment) -> Fault {
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

    pub(super) fn miss_all(
        &mut self,
        fault: usize,
        id: &str,
        missed: Vec<(String, String)>,
        moment: Moment,
    ) {
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

    pub(super) fn warn_missed(
        &mut self,
        fault: usize,
        id: &str,
        target: Option<String>,
        why: &str,
    ) {
        self.has_failed |= self.is_strict;
        self.warned += 1;
        match self.warned {
            0..MAX_WARNED => {}
            MAX_WARNED => {
                let text = format!(
                    "{MAX_WARNED} faults failed; further ones are told by their records alone"
                );
                return self.warn(Warning::new("fault_failed", text));
            }
            _ => return,
        }
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
}
