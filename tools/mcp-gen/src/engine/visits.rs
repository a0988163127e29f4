//! Coming and going: in stages with more or fewer clients, each connects before it joins, and hangs up after it has left.

use super::client::{Client, Presence};
use super::worker::Worker;
use crate::dice;

/// A client begins to connect this long before it joins, so that its first calls find the connection made.
const LEAD_NS: u64 = 1_000_000_000;
/// Where a step brings many at once, their connections are spread over this much more for each client of the run.
const SPREAD_NS: u64 = 1_000_000;

impl Client {
    /// Whether it is there at an instant, as far as its current or next visit tells.
    pub fn is_wanted_at(&self, ns: u64) -> bool {
        match self.visits.first() {
            Some(visit) => (visit.from_ns..visit.until_ns).contains(&ns),
            None => self.presence == Presence::Here,
        }
    }

    /// Whether it joins at an instant together with all others, and not before.
    pub fn storms_at(&self, ns: u64) -> bool {
        let visit = self.visits.first();
        visit.is_some_and(|v| v.at_once && v.from_ns == ns)
    }

    /// When its current or next visit begins.
    pub fn visit_from_ns(&self) -> u64 {
        self.visits.first().map_or(0, |v| v.from_ns)
    }
}

impl Worker {
    /// When a client who is away is to connect.
    pub(super) fn sets_out_ns(&self, c: usize) -> u64 {
        let client = &self.clients[c];
        let Some(visit) = client.visits.first() else {
            return u64::MAX;
        };
        if visit.at_once {
            return visit.from_ns;
        }
        let u = dice::fraction(
            self.plan.seed,
            u64::from(client.number) | 1 << 41,
            visit.from_ns,
        );
        let early = LEAD_NS as f64 + u * SPREAD_NS as f64 * f64::from(self.plan.clients);
        visit.from_ns.saturating_sub(early as u64)
    }

    /// Whether a client whose time to connect has come may do so: not while it is away, and then it is told when.
    pub(super) fn sets_out(&mut self, c: usize, now: u64) -> bool {
        match self.clients[c].presence {
            Presence::Here => true,
            // What waits from its visit needs the connection.
            Presence::Leaving => self.clients[c].has_backlog(),
            Presence::Away => {
                let at = self.sets_out_ns(c);
                if self.clients[c].visits.is_empty() {
                    return false;
                }
                if at > now && !self.clients[c].is_wanted_at(self.stages.load_start_ns()) {
                    self.note_retry(c, at);
                    return false;
                }
                self.clients[c].presence = Presence::Here;
                if self.clients[c].joined {
                    self.seat_users(c, now);
                }
                let begin = self.clients[c].visit_from_ns();
                if self.clients[c].storms_at(begin) {
                    // Its calls are due from now on, however long the server takes to let it in.
                    self.join(c, begin);
                }
                if self.comes_for_calls(c) {
                    self.rest(c, at.max(self.clients[c].visit_from_ns()));
                    return false;
                }
                true
            }
        }
    }

    /// Lets a client go whose visit is over: at once where no call of its own is under way, else after the last one.
    pub(super) fn see_off(&mut self, c: usize, now: u64) {
        if !self.plan.comes_and_goes || now >= self.load_end_ns {
            return;
        }
        let client = &mut self.clients[c];
        let is_over = client.visits.first().is_some_and(|v| v.until_ns <= now);
        if client.presence == Presence::Here && is_over {
            client.presence = Presence::Leaving;
        }
        if self.clients[c].presence == Presence::Leaving && !self.is_busy(c) {
            self.part_from(c, now);
        }
    }

    fn is_busy(&self, c: usize) -> bool {
        let client = &self.clients[c];
        client.has_backlog()
            || !client.suspended.is_empty()
            || client
                .conns
                .iter()
                .filter_map(|&conn| self.conns[conn].as_ref())
                .any(|state| state.has_calls())
    }

    fn part_from(&mut self, c: usize, now: u64) {
        self.part(c);
        let client = &mut self.clients[c];
        client.presence = Presence::Away;
        client.visits.remove(0);
        if !client.visits.is_empty() {
            let at = self.sets_out_ns(c);
            self.note_retry(c, at.max(now));
        }
    }
}
