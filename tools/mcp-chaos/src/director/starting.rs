//! From the first target to the begin of the first fault: t0, and when each fault comes.

use super::Director;
use super::dues::Due;
use super::ending::Over;
use crate::stream::place::Place;
use record::kind::Ready;

impl Director {
    pub(super) fn ready(&mut self, ready: &Ready) {
        match ready.check(self.instants.t0_us().is_some()) {
            Ok(()) => {}
            // mcp-gen itself may put t0 far ahead (--start-at).
            Err(warning) if warning.code == "future_ready" && self.place == Some(Place::Behind) => {
            }
            Err(warning) => return self.warn(*warning),
        }
        self.instants.ready(ready);
        self.begin_steady();
        self.arm();
    }

    /// stdin is at its end.
    pub(super) fn upstream_ended(&mut self, is_silent: bool) -> Option<Over> {
        let is_done = self.place == Some(Place::Behind)
            // Who was killed up there has taken the servers along, and mcp-gen must learn of it by our end of file.
            || is_silent
            || self.is_winding_down
            // Clients of the API need no target of the pipeline's.
            || (self.roster.live().is_empty() && self.api.is_none());
        if is_done {
            return Some(Over::Ended);
        }
        if self.instants.t0_us().is_none() {
            // A target that was written by hand: nobody upstream says it, and faults need a t0.
            let ready = Ready::now();
            self.write(ready.clone());
            self.ready(&ready);
        }
        None
    }

    /// Whatever waits for an instant that is known by now is due from there.
    pub(super) fn arm(&mut self) {
        if self.is_winding_down || self.is_unsteady() {
            return;
        }
        for fault in 0..self.plan.faults.len() {
            let timing = &self.plan.faults[fault].timing;
            if self.armed[fault].is_none()
                && let Some(from_us) = self.instants.of(&timing.anchor)
            {
                let windows = timing.windows(self.seed, fault as u64 + 1);
                self.armed[fault] = Some((from_us, windows));
                self.push_next(fault);
            }
        }
    }

    /// The next coming of a fault; one at a time, since there may be very many.
    pub(super) fn push_next(&mut self, fault: usize) {
        if let Some((from_us, windows)) = &mut self.armed[fault]
            && let Some(window) = windows.next()
        {
            let due = Due::Begin {
                fault,
                nth: window.nth,
                length_us: window.length_us,
            };
            self.dues.push(*from_us + window.start_us, due);
        }
    }
}
