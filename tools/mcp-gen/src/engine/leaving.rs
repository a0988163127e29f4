//! Leaving: a client who goes says goodbye in due form, or goes without a word, as its profile says.
//!
//! A legacy session over HTTP is deleted by a request of its own, whose answer the client waits for: what the server makes
//! of it is part of what a session costs. A client who wants to know may then call once more on the dead session.

use super::client::Session;
use super::conn::{Errand, Job};
use super::ends::End;
use super::worker::Worker;
use crate::profile::Leave;
use protocol::http;
use protocol::message;
use protocol::outcome::Outcome;

/// So long a worker waits at the end for the answers to DELETE.
const LEAVE_NS: u64 = 1_000_000_000;

impl Worker {
    /// Whether the client says goodbye when its present session ends.
    pub(super) fn says_goodbye(&self, c: usize) -> bool {
        match self.group_of(c).comings.leave {
            Leave::Delete => true,
            Leave::Abandon => false,
            Leave::Mixed => self.throw(c, 5) < 0.5,
        }
    }

    /// Takes the first step of leaving for a client with no call under way: true where it has gone, false where it waits
    /// for the answer to its DELETE.
    pub(super) fn leave(&mut self, c: usize, now: u64) -> bool {
        let client = &self.clients[c];
        // Without its session it has said so already, and got no answer.
        let deletes = client.has_session && client.session_id.is_some();
        if !deletes || !self.says_goodbye(c) {
            self.part(c);
            return true;
        }
        let Some(conn) = self.free_conn(c) else {
            // Its connections were closed meanwhile, and the DELETE wants one.
            if self.clients[c].conns.is_empty() {
                self.connect(c, now);
            }
            return false;
        };
        if !self.write_delete(c, conn) {
            self.part(c);
            return true;
        }
        if let Some(state) = self.conns[conn].as_mut() {
            state.since_ns = now;
            state.job = Job::Errand(Errand::Delete);
        }
        self.soil(conn);
        self.note_end(c, End::Deleted);
        false
    }

    /// Puts the request that ends the client's session into the output of a connection.
    pub(super) fn write_delete(&mut self, c: usize, conn: usize) -> bool {
        let home = self.server_of(c);
        let Some(session) = self.clients[c].session_id.clone() else {
            return false;
        };
        let options = self.head_options(c, &home);
        let revision = home.dialect.has_version_header();
        let revision = revision.then(|| home.dialect.revision.as_str());
        let request = http::delete_head(&home.endpoint, &options, revision, &session);
        let (Ok(request), Some(state)) = (request, self.conns[conn].as_mut()) else {
            return false;
        };
        state.out.extend_from_slice(&request);
        true
    }

    /// The answer to DELETE is over.
    pub(super) fn delete_answered(&mut self, conn: usize, reusable: bool, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let (c, status) = (state.client, state.status);
        let is_deleted = (200..300).contains(&status);
        if !is_deleted {
            self.delete_refused(c);
        }
        if is_deleted && reusable && self.group_of(c).comings.call_deleted {
            return self.call_deleted(conn, c, now);
        }
        self.gone(c, now);
    }

    fn delete_refused(&mut self, c: usize) {
        self.sessions_of(c).delete_refused += 1;
    }

    /// Calls on the session that was just deleted: the server must refuse that.
    fn call_deleted(&mut self, conn: usize, c: usize, now: u64) {
        let client = &mut self.clients[c];
        let id = client.next_id;
        client.next_id += 1;
        match client.head.clone() {
            Some(head) => {
                let ping = message::ping(id);
                self.post(conn, &head, &ping, Errand::CallDeleted(None), now);
            }
            None => self.gone(c, now),
        }
    }

    /// The call on a deleted session was answered, or not.
    pub(super) fn deleted_called(&mut self, c: usize, outcome: Outcome, now: u64) {
        let counts = self.sessions_of(c);
        if outcome == Outcome::SessionLost {
            counts.dead_refused += 1;
        } else {
            counts.dead_served += 1;
        }
        self.gone(c, now);
    }

    /// An errand of a client who is leaving will not be answered any more.
    pub(super) fn left_unanswered(&mut self, c: usize, errand: Errand, now: u64) {
        if errand == Errand::Delete {
            self.delete_refused(c);
        }
        self.gone(c, now);
    }

    /// The load is over: sessions are deleted, and for a moment the answers are waited for. A server that reads the end of
    /// the connection together with the DELETE may well not carry it out.
    pub(super) fn take_leave(&mut self) {
        let begin = self.now();
        let limit = if self.interrupted {
            self.give_up_ns
        } else {
            u64::MAX
        };
        let until = (begin + LEAVE_NS).min(limit);
        for c in 0..self.clients.len() {
            if self.clients[c].session_id.is_some() && !self.clients[c].idle.is_empty() {
                self.clients[c].is_parting = true;
                self.part_when_idle(c, begin);
            }
        }
        self.flush_dirty();
        let mut ready = Vec::new();
        let leaves = |worker: &Self| {
            let mut conns = worker.conns.iter().flatten();
            conns.any(|conn| conn.last_errand().is_some())
        };
        while leaves(self) {
            let now = self.now();
            if now >= self.edge_ns {
                self.advance(now);
            }
            let next = until.min(self.edge_ns);
            if now >= until || self.poller.wait(next, &mut ready).is_err() {
                return;
            }
            self.free.append(&mut self.freed);
            for event in &ready {
                self.on_ready(*event);
            }
            self.flush_dirty();
        }
    }

    /// A client who has said its last word hangs up, and comes back in due time.
    fn gone(&mut self, c: usize, now: u64) {
        self.part(c);
        self.after_leaving(c, now);
        self.serve(c, now);
    }

    /// Says goodbye, unless that was said or is not its way, and hangs up.
    pub(super) fn part(&mut self, c: usize) {
        let end = self.say_goodbye(c);
        self.note_end(c, end);
        self.tune_out(c);
        for conn in std::mem::take(&mut self.clients[c].conns) {
            self.remove(conn);
        }
        let client = &mut self.clients[c];
        client.idle.clear();
        client.head = None;
        client.session_id = None;
        client.session = Session::Down;
        client.is_parting = false;
        client.failures = 0;
    }
}
