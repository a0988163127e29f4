//! Events and faults, in brief.

use record::kind::{Event, Fault};
use std::collections::BTreeMap;

const MAX_KINDS: usize = 1_024;

/// A fault's window, from its records.
pub struct FaultSeen {
    /// What its first record said.
    pub fault: Fault,
    /// `began`, `ended` or `failed`: the last that was heard of it.
    pub state: String,
    /// The last sentence that came with it.
    pub text: Option<String>,
    /// When it began.
    pub began: Option<Instant>,
    /// When it was taken back, or was over.
    pub ended: Option<Instant>,
}

/// An instant of a fault, on the clocks that its record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// In Unix microseconds.
    pub at_us: u64,
    /// In microseconds since t0.
    pub t_us: Option<i64>,
}

impl Instant {
    /// In microseconds since t0; what the record says of it counts, since seconds of the load begin at t0 too.
    pub fn since(self, t0_us: Option<u64>) -> Option<i64> {
        let by_clock = || t0_us.map(|t0| super::signed(self.at_us) - super::signed(t0));
        self.t_us.or_else(by_clock)
    }
}

/// What happened besides calls.
#[derive(Default)]
pub struct Happenings {
    /// (event, target) → (how often, when first, last one's sentence).
    pub events: BTreeMap<(String, String), (u64, u64, Option<String>)>,
    /// By tool and id: two instances of mcp-chaos in one pipe both begin with `f1`.
    pub faults: BTreeMap<(String, String), FaultSeen>,
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
    pub fn fault(&mut self, from: &str, fault: Fault) {
        let key = (from.to_owned(), fault.id.clone());
        if self.faults.len() >= MAX_KINDS && !self.faults.contains_key(&key) {
            return;
        }
        let seen = self.faults.entry(key).or_insert_with(|| FaultSeen {
            fault: fault.clone(),
            state: String::new(),
            text: None,
            began: None,
            ended: None,
        });
        let instant = Instant {
            at_us: fault.at_us,
            t_us: fault.t_us,
        };
        match fault.state.as_str() {
            "began" => seen.began = Some(instant),
            "ended" => seen.ended = Some(instant),
            _ => {}
        }
        seen.state = fault.state;
        seen.text = fault.text.or(seen.text.take());
    }
}
