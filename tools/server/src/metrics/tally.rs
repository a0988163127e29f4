//! Answers that are still in a buffer, counted together when it is written: one clock and one addition for many.

use protocol::revision::Era;

use super::{Class, Metrics, Outcome, Transport};
use crate::method::Method;

/// Calls that are counted when their answers leave.
#[derive(Default)]
pub(crate) struct Tally {
    entries: Vec<Entry>,
}

/// Calls that are alike.
#[derive(PartialEq)]
struct Alike {
    method: Method,
    era: Era,
    outcome: Outcome,
    class: Option<Class>,
    received_ns: u64,
}

struct Entry {
    alike: Alike,
    count: u64,
}

impl Tally {
    /// One more call whose answer is in the buffer.
    pub(crate) fn add(
        &mut self,
        method: Method,
        era: Era,
        outcome: Outcome,
        class: Option<Class>,
        received_ns: u64,
    ) {
        let alike = Alike {
            method,
            era,
            outcome,
            class,
            received_ns,
        };
        match self.entries.last_mut() {
            Some(last) if last.alike == alike => last.count += 1,
            _ => self.entries.push(Entry { alike, count: 1 }),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The answers are handed to the transport now.
    pub(crate) fn settle(&mut self, metrics: &Metrics, transport: Transport, now_ns: u64) {
        for Entry { alike, count } in self.entries.drain(..) {
            let took_us = now_ns.saturating_sub(alike.received_ns) / 1_000;
            metrics.calls(
                alike.method,
                transport,
                alike.era,
                alike.outcome,
                took_us,
                count,
            );
            if let Some(class) = alike.class {
                metrics.errors(class, count);
            }
        }
        // An idle connection holds no room for more than a few.
        self.entries.shrink_to(4);
    }
}
