//! Closing connections: lost ones, those of clients that move, and all of them at the end.

use super::client::Session;
use super::conn::{Codec, Errand, Job, Phase};
use super::ends::End;
use super::framing::Framing;
use super::settle::calls_of;
use super::worker::Worker;
use crate::home::{Homes, live};
use protocol::outcome::Outcome;
use protocol::ws;
use std::sync::Arc;

impl Worker {
    /// Closes a connection that stood, without a call under way. The client goes on with the others, or connects anew.
    pub(super) fn close(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let (c, answers, retired) = (state.client, state.answers, state.retired);
        let is_multiplexed = state.framing.is_multiplexed();
        let is_events = state.framing == Framing::Events;
        self.remove(conn);
        if retired {
            return;
        }
        if is_events {
            self.drop_posters(c);
        }
        if !self.clients[c].conns.is_empty() {
            if self.clients[c].session == Session::Opening && !self.shakes_hands(c) {
                // The handshake of a new session went down with it, and the others would wait for that for ever.
                let client = &mut self.clients[c];
                client.session = Session::Down;
                client.failures += 1;
                let wait = self.backoff_ns(c);
                self.note_retry(c, now + wait);
            }
            return;
        }
        let client = &mut self.clients[c];
        if is_multiplexed || client.session == Session::Opening {
            client.session = Session::Down;
            self.note_end(c, End::Lost);
            let client = &mut self.clients[c];
            // A server that takes connections and drops them unused must not be hammered.
            client.failures = if answers > 0 { 0 } else { client.failures + 1 };
            let wait = if answers > 0 {
                self.delay_ns(c)
            } else {
                self.backoff_ns(c)
            };
            self.note_retry(c, now + wait);
        } else {
            // HTTP sessions outlive their connections.
            let wait = if answers > 0 { 0 } else { self.backoff_ns(c) };
            let client = &mut self.clients[c];
            client.failures = if answers > 0 { 0 } else { client.failures + 1 };
            client.retry_ns = now + wait;
            if wait > 0 {
                client.session = Session::Down;
                self.note_end(c, End::Lost);
                self.note_retry(c, now + wait);
            }
        }
    }

    /// Whether a connection of the client is being set up, or carries the handshake of a new session.
    fn shakes_hands(&self, c: usize) -> bool {
        let conns = self.clients[c].conns.iter();
        conns
            .filter_map(|&conn| self.conns[conn].as_ref())
            .any(|s| {
                let is_made = s.counted || (s.carrier.is_some() && s.phase == Phase::Open);
                !is_made
                    || matches!(
                        s.job,
                        Job::Errand(Errand::Initialize(..) | Errand::Initialized)
                    )
            })
    }

    /// A connection that stood is gone: its calls are over.
    pub(super) fn lost(&mut self, conn: usize, now: u64, outcome: impl Fn(bool) -> Outcome) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let (c, reused) = (state.client, state.answers > 0);
        // Of many calls in flight on one connection nobody knows whose bytes those would have been.
        let received = match state.job {
            Job::Call(..) => state.received_bytes,
            _ => 0,
        };
        if state.carrier.is_some() {
            self.lose_lanes(conn, now, &outcome);
            self.close(conn, now);
            return self.serve(c, now);
        }
        let post = match state.job {
            Job::Post(id, stream) => Some((id, stream)),
            _ => None,
        };
        let last_errand = state.last_errand();
        let (since_ns, retired) = (state.since_ns, state.retired);
        let mut calls = calls_of(state);
        calls.extend(post.and_then(|post| self.take_posted(c, post)));
        if !calls.is_empty() && !retired {
            self.judge_loss(c, since_ns);
        }
        for call in calls {
            self.settle(call.client as usize, &call, outcome(reused), now, received);
        }
        self.close(conn, now);
        match last_errand {
            Some(errand) => self.left_unanswered(c, errand, now),
            None => self.serve(c, now),
        }
    }

    /// Takes a connection out of all lists; its socket is closed.
    pub(super) fn remove(&mut self, conn: usize) {
        let Some(mut state) = self.conns[conn].take() else {
            return;
        };
        if let Some(carrier) = state.carrier.take() {
            for lane in carrier.lanes {
                self.remove(lane);
            }
            // Whatever the reason: a server need not guess.
            protocol::h2::go_away(protocol::h2::code::NO_ERROR, &mut state.out);
            let _ = state.flush();
            let client = &mut self.clients[state.client];
            client.carrier = client.carrier.filter(|&other| other != conn);
        }
        if let Some(lane) = state.lane {
            self.leave_lane(conn, lane);
        } else if state.counted {
            let group = self.clients[state.client].group;
            let place = self.standing_place(state.row, group);
            self.standing[place] -= 1;
        }
        if let Some(wire) = &mut state.wire {
            let _ = wire.shut_down();
        }
        let client = &mut self.clients[state.client];
        client.conns.retain(|&other| other != conn);
        client.idle.retain(|&other| other != conn);
        client.gathering = client.gathering.filter(|&other| other != conn);
        self.freed.push(conn);
        if client.ear.is_some() {
            self.ear_gone(state.client, conn, self.latest_ns);
        }
    }

    /// The servers have changed: clients whose home is another one now move there.
    pub(super) fn rehome(&mut self, homes: Homes, seats: &[u16], now: u64) {
        let old = std::mem::replace(&mut self.homes, homes);
        self.outages.resize(self.homes.len(), None);
        if live(&self.homes).is_empty() {
            return;
        }
        for c in 0..self.clients.len() {
            // Who calls over another's connection goes where that goes.
            let number = self.clients[self.clients[c].owner].number;
            let before = self.clients[c].home();
            let home = seats.get(number as usize).copied().unwrap_or(before);
            let same_place = old
                .get(usize::from(home))
                .is_some_and(|h| h.endpoint == self.homes[usize::from(home)].endpoint);
            if before == home && same_place {
                continue;
            }
            if !self.rides(c) {
                self.uproot(c, End::Abandoned, now);
            }
            self.clients[c].move_to(home);
            if !self.rides(c) {
                self.settle_at(c, home, now);
            }
        }
        let endpoint = |homes: &Homes, i: usize| homes.get(i).map(|h| h.endpoint.clone());
        let homes = Arc::clone(&self.homes);
        self.forget_outages(|i| endpoint(&old, i) != endpoint(&homes, i), now);
    }

    /// A client goes elsewhere: its session is over. Calls in flight on its connections may end there.
    pub(super) fn uproot(&mut self, c: usize, end: End, now: u64) {
        self.seal_of(c);
        self.give_up_suspended(c, Outcome::StreamEnded, now);
        self.note_end(c, end);
        self.forget_cookies(c);
        if let Some(carrier) = self.clients[c].carrier {
            self.retire_carrier(carrier, now);
        }
        for conn in std::mem::take(&mut self.clients[c].conns) {
            match self.conns[conn].as_mut() {
                Some(state) if state.has_calls() => state.retired = true,
                _ => self.remove(conn),
            }
        }
        let client = &mut self.clients[c];
        client.idle.clear();
        client.head = None;
        client.session = Session::Down;
        client.is_parting = false;
    }

    /// Says goodbye to all servers, as each client does.
    pub(super) fn hang_up(&mut self) {
        for c in 0..self.clients.len() {
            let end = self.say_goodbye(c);
            self.note_end(c, end);
        }
        for conn in 0..self.conns.len() {
            // Before its streams: they need not be broken off one by one.
            if self.conns[conn]
                .as_ref()
                .is_some_and(|s| s.carrier.is_some())
            {
                self.remove(conn);
            }
        }
        for conn in 0..self.conns.len() {
            self.remove(conn);
        }
    }

    /// Says goodbye for one client, where that is its way, and waits for no answer. Gives the end of its session.
    pub(super) fn say_goodbye(&mut self, c: usize) -> End {
        if !self.clients[c].has_session || !self.says_goodbye(c) {
            return End::Abandoned;
        }
        for i in 0..self.clients[c].conns.len() {
            self.write_close(self.clients[c].conns[i]);
        }
        if self.clients[c].session_id.is_none() {
            return End::Deleted;
        }
        // The connections of a session may all be gone, and with them the way to end it.
        let conn = self.clients[c].idle.first().copied();
        match conn.filter(|&conn| self.write_delete(c, conn)) {
            Some(conn) => {
                self.depart(conn);
                let lane = self.conns[conn].as_ref().and_then(|s| s.lane);
                let below = lane.map_or(conn, |lane| lane.carrier);
                if let Some(state) = self.conns[below].as_mut() {
                    let _ = state.flush();
                }
                End::Deleted
            }
            None => End::Abandoned,
        }
    }

    /// Closes a WebSocket in the way that its peer expects.
    fn write_close(&mut self, conn: usize) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if state.phase == Phase::Open && matches!(state.codec.as_deref(), Some(Codec::Frames(_))) {
            ws::write_close(&mut state.out, [0; 4], 1000, "");
            let _ = state.flush();
        }
    }
}
