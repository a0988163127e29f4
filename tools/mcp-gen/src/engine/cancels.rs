//! Cancelling: some calls are given up by their client while they run, and the server is told.

use super::conn::{Errand, Job};
use super::framing::Framing;
use super::replies::MAX_REPLIES;
use super::worker::Worker;
use crate::dice;
use protocol::message;
use protocol::outcome::Outcome;
use protocol::revision::Era;
use std::cmp::Reverse;

/// A call whose last byte is not written yet is looked at again after this: the server does not know it.
const UNSENT_NS: u64 = 1_000_000;
/// So many cancelled calls of a client are remembered, to know late answers by.
const MAX_REMEMBERED: usize = 1_024;
/// Tells these throws from others with the same seed.
const DICE: u64 = 1 << 44;

impl Worker {
    /// A call was handed to a connection: notes when it is to be cancelled, where the dice say so.
    #[inline]
    pub(super) fn plan_cancel(&mut self, c: usize, index: u64, id: u64) {
        if self.cancels_some {
            self.throw_for_cancel(c, index, id);
        }
    }

    fn throw_for_cancel(&mut self, c: usize, index: u64, id: u64) {
        let Some(cancel) = self.group_of(c).cancel else {
            return;
        };
        let number = u64::from(self.clients[c].number) | DICE;
        if dice::fraction(self.plan.seed, number, index) < cancel.share {
            let at = self.latest_ns + cancel.after_ns;
            self.cancels.push(Reverse((at, c, id)));
        }
    }

    /// Cancels the calls whose time has come, and that are not over.
    pub(super) fn cancel_due(&mut self, now: u64) {
        while let Some(&Reverse((at, c, id))) = self.cancels.peek()
            && at <= now
        {
            self.cancels.pop();
            self.cancel(c, id, now);
        }
    }

    fn cancel(&mut self, c: usize, id: u64, now: u64) {
        let owner = self.clients[c].owner;
        let mut conns = self.clients[owner].conns.iter().copied();
        let found = conns.find_map(|conn| {
            let state = self.conns[conn].as_mut()?;
            let call = state.call_mut(id)?;
            Some((conn, *call, state.framing))
        });
        let Some((conn, call, framing)) = found else {
            return;
        };
        if call.sent_ns == 0 {
            return self.cancels.push(Reverse((now + UNSENT_NS, c, id)));
        }
        let home = self.server_of(c);
        let posts = matches!(framing, Framing::Exchange | Framing::Events);
        let by_hanging_up = framing == Framing::Exchange && home.dialect.era == Era::Modern;
        if posts && !by_hanging_up && self.clients[c].replies.len() >= MAX_REPLIES {
            // The server could not be told, and then it is no cancelled call.
            return;
        }
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        match &mut state.job {
            // What still comes of it is passed over.
            Job::Call(call, settled @ None) if call.id == id => *settled = Some(Outcome::Cancelled),
            _ => drop(state.calls.take(id)),
        }
        self.settle(c, &call, Outcome::Cancelled, now, 0);
        if by_hanging_up {
            // 2026-07-28, Streamable HTTP: closing the stream is the cancellation. The server is not to blame for it.
            if let Some(state) = self.conns[conn].as_mut() {
                state.job = Job::Idle;
                state.answers += 1;
            }
            self.close(conn, now);
            return self.serve(c, now);
        }
        self.remember_cancelled(owner, id);
        let told = message::cancelled(id, "the user went on");
        match framing {
            Framing::Events => self.post_soon(c, told, Errand::Reply, now),
            Framing::Exchange => {
                self.queue_reply(c, told, Errand::Reply);
                let client = &self.clients[c];
                let most = self.plan.max_connections + self.besides(c);
                // All of its connections are busy with calls: this one is on top.
                if !client.replies.is_empty()
                    && client.conns.len() <= most
                    && now >= client.retry_ns
                {
                    self.connect(c, now);
                }
            }
            Framing::Frames { .. } | Framing::Lines => self.write_message(conn, &told),
        }
        self.serve_or_retire(conn, now);
    }

    fn remember_cancelled(&mut self, c: usize, id: u64) {
        let ear = self.clients[c].ear.get_or_insert_default();
        if ear.cancelled.len() == MAX_REMEMBERED {
            ear.cancelled.pop_front();
        }
        ear.cancelled.push_back(id);
    }
}
