//! Events and faults, in brief.

use record::kind::{Event, Fault};
use std::collections::BTreeMap;

const MAX_KINDS: usize = 1_024;

/// A fault's window, from its records.
pub struct FaultSeen {
    /// What the last record of it said.
    pub fault: Fault,
    /// When it began, in Unix microseconds.
    pub began_us: Option<u64>,
    /// When it ended, in Unix microseconds.
    pub ended_us: Option<u64>,
}

/// What happened besides calls.
#[derive(Default)]
pub struct Happenings {
    /// (event, target) → (how often, when first, last one's sentence).
    pub events: BTreeMap<(String, String), (u64, u64, Option<String>)>,
    /// By id.
    pub faults: BTreeMap<String, FaultSeen>,
}

impl Happenings {
    /// Takes in an event that was written at `ts_us`.
    pub fn event(&mut self, ts_us: u64, event: Event) {
        let key = (event.event, event.target.unwrap_or_default());
        if self.events.len() < MAX_KINDS || self.events.contains_key(&key) {
            let seen = self.events.entry(key).or_insert((0, ts_us, None));
            seen.0 += 1;
            seen.2 = event.text.or(seen.2.take());
        }
    }

    /// Takes in a fault's begin, end or failure.
    pub fn fault(&mut self, fault: Fault) {
        if self.faults.len() >= MAX_KINDS && !self.faults.contains_key(&fault.id) {
            return;
        }
        let seen = self.faults.entry(fault.id.clone()).or_insert(FaultSeen {
            fault: Fault::default(),
            began_us: None,
            ended_us: None,
        });
        match fault.state.as_str() {
            "began" => seen.began_us = Some(fault.at_us),
            "ended" => seen.ended_us = Some(fault.at_us),
            _ => {}
        }
        seen.fault = fault;
    }
}
