//! Shared connections: clients who call over a connection that is not theirs alone.
//!
//! The connection belongs to a carrier, which is a client as far as connecting, sessions and ids go, and makes no calls.
//! Schedules, calls and outcomes stay each client's. Where the window is full, clients wait in turn, a call each.

use super::client::Client;
use super::worker::Worker;
use std::collections::VecDeque;

/// What a carrier knows of the clients that call over its connection.
#[derive(Debug, Default)]
pub struct Riders {
    /// They, by their places in the worker.
    all: Vec<usize>,
    /// Those that want to call and found no room, each once.
    queue: VecDeque<usize>,
}

/// Which of `carriers` connections client `i` calls over.
#[must_use]
pub fn carrier_of(i: u32, carriers: u32) -> u32 {
    i % carriers.max(1)
}

impl Worker {
    /// Gives each client of this worker its carrier.
    pub(super) fn share_connections(&mut self, live: &[u16]) {
        let (Some(all), threads) = (self.plan.carriers, self.plan.threads as usize) else {
            return;
        };
        let riders = self.clients.len();
        for number in (0..all).filter(|k| *k as usize % threads == self.number) {
            let home = live.get(number as usize % live.len().max(1));
            let mut carrier = Client::new(number, 0, None, Vec::new(), home.copied().unwrap_or(0));
            carrier.owner = self.clients.len();
            let mut own = Riders::default();
            for c in 0..riders {
                let rider = &mut self.clients[c];
                if carrier_of(rider.number, all) == number {
                    rider.owner = carrier.owner;
                    rider.move_to(carrier.home());
                    own.all.push(c);
                }
            }
            carrier.riders = Some(Box::new(own));
            self.clients.push(carrier);
        }
    }

    /// Whether a client calls over the connection of a carrier.
    pub(super) fn rides(&self, c: usize) -> bool {
        self.clients[c].owner != c
    }

    /// The place in the table of the server that a client's connection goes to.
    pub(super) fn place_of(&self, c: usize) -> u16 {
        self.clients[self.clients[c].owner].place
    }

    /// Whether calls wait for a client's connection: its own, or those of the clients that call over it.
    pub(super) fn is_waited_for(&self, c: usize) -> bool {
        let client = &self.clients[c];
        let mut riders = client.riders.iter().flat_map(|riders| &riders.all);
        client.has_backlog() || riders.any(|&rider| self.clients[rider].has_backlog())
    }

    /// Does something for each client of a carrier; false where it is none.
    pub(super) fn for_riders(&mut self, c: usize, mut each: impl FnMut(&mut Self, usize)) -> bool {
        let Some(carrier) = &mut self.clients[c].riders else {
            return false;
        };
        let riders = std::mem::take(&mut carrier.all);
        for &rider in &riders {
            each(self, rider);
        }
        if let Some(carrier) = &mut self.clients[c].riders {
            carrier.all = riders;
        }
        true
    }

    /// Lets a client that found no room, or whose call is over, wait for its turn, where it has something to call.
    pub(super) fn queue_up(&mut self, c: usize) {
        let client = &mut self.clients[c];
        if !client.has_backlog() && client.free == 0 {
            return;
        }
        if std::mem::replace(&mut client.is_queued, true) {
            return;
        }
        let owner = client.owner;
        if let Some(carrier) = &mut self.clients[owner].riders {
            carrier.queue.push_back(c);
        }
    }

    /// Gives the clients of a carrier their turns, as long as there is room: one call each, then the next.
    pub(super) fn serve_riders(&mut self, owner: usize, now: u64) {
        // Serving leads back here where a call is over before it was sent.
        if std::mem::replace(&mut self.clients[owner].is_queued, true) {
            return;
        }
        let mut idle = 0;
        while self.slot(owner, now).is_some()
            && let Some(carrier) = &mut self.clients[owner].riders
            && idle < carrier.queue.len()
            && let Some(c) = carrier.queue.pop_front()
        {
            let before = self.clients[owner].next_id;
            self.clients[c].is_queued = false;
            self.serve(c, now);
            self.queue_up(c);
            // Some wait for an answer of their own, and nothing else would end this.
            idle = match self.clients[owner].next_id {
                id if id == before => idle + 1,
                _ => 0,
            };
        }
        self.clients[owner].is_queued = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_spread_evenly_over_connections() {
        let mut riders = [0; 6];
        for i in 0..100 {
            riders[carrier_of(i, 6) as usize] += 1;
        }
        assert!(riders.iter().all(|n| (16..=17).contains(n)), "{riders:?}");
        assert_eq!(carrier_of(7, 0), 0);
    }
}
