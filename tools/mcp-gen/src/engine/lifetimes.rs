//! Lifetimes: a client whose connection has lived long enough finishes its calls, says goodbye, and connects anew.

use super::client::Session;
use super::conn::Job;
use super::worker::Worker;
use crate::dice;

impl Worker {
    /// A throw of a client's dice about connections, from 0 to 1.
    pub(super) fn throw(&self, c: usize, about: u64) -> f64 {
        let client = &self.clients[c];
        let number = u64::from(client.number) | about << 40;
        dice::fraction(self.plan.seed, number, client.sessions)
    }

    /// How long a client stays away after attempts that failed, in nanoseconds.
    pub(super) fn backoff_ns(&self, c: usize) -> u64 {
        let client = &self.clients[c];
        let number = u64::from(client.number) | 1 << 40;
        let throw = dice::fraction(self.plan.seed, number, u64::from(client.failures));
        self.group_of(c).comings.backoff_ns(client.failures, throw)
    }

    /// How long a client stays away after a connection that was fine, in nanoseconds.
    pub(super) fn delay_ns(&self, c: usize) -> u64 {
        self.group_of(c).comings.delay_ns(self.throw(c, 3))
    }

    /// A session has begun, and so does its life.
    pub(super) fn begin_life(&mut self, c: usize, now: u64) {
        self.clients[c].sessions += 1;
        let comings = self.group_of(c).comings;
        let lifetime = comings.lifetime_ns(self.throw(c, 4));
        let client = &mut self.clients[c];
        client.lives_until_ns = lifetime.map_or(u64::MAX, |ns| now.saturating_add(ns));
        client.calls_left = comings.calls.map_or(u64::MAX, |n| u64::from(n.get()));
        client.is_parting = false;
    }

    /// Ends a life that is over: such a client takes up no more calls, and goes once none is under way.
    pub(super) fn end_life(&mut self, c: usize, now: u64) {
        let client = &mut self.clients[c];
        if client.session == Session::Open && now >= client.lives_until_ns && now < self.load_end_ns
        {
            client.is_parting = true;
            self.part_when_idle(c, now);
        }
    }

    /// Lets a client go whose time has come, unless calls are under way. What comes due meanwhile waits for the new
    /// connection.
    pub(super) fn part_when_idle(&mut self, c: usize, now: u64) {
        let client = &self.clients[c];
        let mut conns = client.conns.iter().filter_map(|&n| self.conns[n].as_ref());
        let is_busy = conns.any(|conn| {
            conn.has_calls()
                || !matches!(conn.job, Job::Idle | Job::Stream | Job::Ear | Job::Carrier)
        });
        let is_busy = is_busy || !client.suspended.is_empty();
        if !client.is_parting || client.session != Session::Open || is_busy {
            return;
        }
        if self.leave(c, now) {
            self.after_leaving(c, now);
        }
    }
}
