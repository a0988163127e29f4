//! The users of the closed model: each makes a call, waits for its end, thinks, and makes the next.

use super::framing::Framing;
use super::worker::Worker;
use crate::pacer::Pacer;
use std::cmp::Reverse;

impl Worker {
    /// A client has come for the first time, or again: its users call from now on, or from the begin of the load or of
    /// the visit. There are as many of them as calls fit at a time.
    pub(super) fn seat_users(&mut self, c: usize, now: u64) {
        if self.plan.pacer != Pacer::Answers || self.group_of(c).is_idle {
            return;
        }
        let think = self.group_of(c).think;
        let begin = now
            .max(self.stages.load_start_ns())
            .max(self.clients[c].visit_from_ns());
        if begin >= self.load_end_ns {
            return;
        }
        let home = self.server_of(c);
        let is_multiplexed = Framing::of(home.transport, false).is_multiplexed()
            || home.http2
            || self.clients[c].carrier.is_some();
        let batch = self.group_of(c).batch;
        let users = match (self.plan.in_flight, is_multiplexed) {
            (Some(users), _) if batch > 1 => users,
            // One batch in each connection.
            (_, false) => self.plan.max_connections as u32 * batch,
            (Some(users), true) => users,
            (None, true) => batch,
        };
        let client = &mut self.clients[c];
        if think == crate::think::Think::NONE {
            client.free = users;
            // Something must tell them that the load begins.
            return self.due.push(Reverse((begin, c)));
        }
        (client.free, client.thinking) = (0, users);
        for user in 0..users {
            let first = think.first_ns(self.plan.seed, client.number, user);
            self.due.push(Reverse((begin + first, c)));
        }
    }

    /// A user's pause is over, or the load begins.
    pub(super) fn thought(&mut self, c: usize, due_ns: u64, now: u64) {
        let client = &mut self.clients[c];
        if client.thinking > 0 {
            client.thinking -= 1;
            client.free += 1;
        }
        self.fill(c, due_ns, now);
    }

    /// A call is over, and its user thinks about the next one.
    pub(super) fn over(&mut self, c: usize, index: u64, now: u64) {
        if self.plan.pacer != Pacer::Answers {
            return;
        }
        let think = self.group_of(c).think;
        let client = &mut self.clients[c];
        let pause = think.draw_ns(self.plan.seed, client.number, index);
        if pause == 0 {
            client.free += 1;
        } else {
            client.thinking += 1;
            self.due.push(Reverse((now + pause, c)));
        }
    }

    /// Makes calls as long as users are free and there is room for them. Each is due at `due_ns`: when its user was
    /// ready, or, where that was earlier, now that there is room.
    pub(super) fn fill(&mut self, c: usize, due_ns: u64, now: u64) {
        while self.clients[c].free > 0 && self.may_call(c, due_ns) {
            if !self.may_go_on(c, due_ns) {
                return;
            }
            let Some(conn) = self.slot(c, now) else {
                return;
            };
            self.clients[c].free -= 1;
            let drawn = self.schedule_call(c, due_ns, now);
            self.clients[c].next_sent += 1;
            self.hand_over(conn, c, &drawn, now);
        }
    }

    /// Whether calls of this client may be due at an instant.
    pub(super) fn may_call(&self, c: usize, at_ns: u64) -> bool {
        (self.stages.load_start_ns()..self.load_end_ns).contains(&at_ns)
            && !self.pause_ns.contains(&at_ns)
            && self.clients[c].is_wanted_at(at_ns)
    }
}
