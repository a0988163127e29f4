//! Churn: clients who connect when a call is due, make a few calls, and leave.
//!
//! So sessions arrive as calls do, on the schedule; what connecting takes is part of the first call's response time.

use super::worker::Worker;

impl Worker {
    /// Whether the client connects for a few calls only.
    pub(super) fn comes_for_calls(&self, c: usize) -> bool {
        self.group_of(c).comings.calls.is_some()
    }

    /// The client stays away until a call is due.
    pub(super) fn rest(&mut self, c: usize, now: u64) {
        let client = &mut self.clients[c];
        client.rests = true;
        client.retry_ns = now;
        self.join(c, now);
    }

    /// A call of a client who stays away is due.
    pub(super) fn come_for_call(&mut self, c: usize, now: u64) {
        self.clients[c].rests = false;
        let at = self.clients[c].retry_ns;
        if now < at {
            self.note_retry(c, at);
        } else {
            self.connect(c, now);
        }
    }

    /// A client has left in good order: it comes back for its next call, or when it has stayed away for its time.
    pub(super) fn after_leaving(&mut self, c: usize, now: u64) {
        if self.comes_for_calls(c) {
            return self.rest(c, now);
        }
        let delay = self.delay_ns(c);
        self.note_retry(c, now + delay);
    }
}
