//! Sending batches and reading what answers them: an array, or one message after the other, in any order.

use super::call::Call;
use super::conn::Job;
use super::framing::Framing;
use super::worker::Worker;
use protocol::answer::{self, Incoming};
use protocol::batch::{self, BadBatch};
use protocol::message;
use protocol::outcome::Outcome;

impl Worker {
    /// A call's message was put into the batch of a connection, which leaves once it has `most` calls, or with the round.
    pub(super) fn gather(&mut self, conn: usize, c: usize, call: Call, most: u32) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let is_full = state.batch.is_full(most);
        state.calls.push(call);
        if !state.framing.is_multiplexed() {
            self.clients[c].gathering = Some(conn);
            state.job = Job::Several(state.batch.ids().0, None);
        }
        if is_full {
            self.seal(conn);
        }
        self.soil(conn);
    }

    /// Ends what gathers for a client over HTTP: its head, or its connections, are about to change.
    pub(super) fn seal_of(&mut self, c: usize) {
        if let Some(conn) = self.clients[c].gathering {
            self.seal(conn);
        }
    }

    /// Puts the calls that have gathered on a connection into its output, as one message.
    pub(super) fn seal(&mut self, conn: usize) {
        let now = self.latest_ns;
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let client = &mut self.clients[state.client];
        if client.gathering == Some(conn) {
            client.gathering = None;
        }
        let mut batch = std::mem::take(&mut state.batch);
        let parts = batch.parts();
        let length = parts.iter().map(|part| part.len()).sum();
        let before = state.out.len();
        if state.framing == Framing::Exchange {
            state.since_ns = now;
            match &client.head {
                Some(head) => head.write(None, length, &mut state.out),
                // The session is gone: nothing can be sent, and the calls are given up at their time.
                None => return,
            }
        }
        let (first, last) = batch.ids();
        let mask = (first as u32).wrapping_mul(0x9e37_79b9);
        state.framing.write(&mut state.out, mask, parts);
        // What stands around the messages counts on the first.
        let around = state.out.len() - before - parts[1].len();
        for id in first..=last {
            state.mark_unsent(id);
        }
        self.health.batches += u64::from(batch.is_array());
        batch.clear();
        state.batch = batch;
        if let Some(call) = state.call_mut(first) {
            call.sent_bytes += around as u32;
        }
    }

    /// An array came on a connection that carries many calls at a time.
    pub(super) fn on_batch(&mut self, conn: usize, framing: Framing, array: &[u8], now: u64) {
        let mut bytes = framing.received_bytes(array.len());
        match batch::messages(array) {
            Ok(messages) => {
                for message in messages {
                    if self.conns[conn].is_none() {
                        return;
                    }
                    let of = share(&mut bytes, message, array);
                    if let Err(e) = self.on_single(conn, message, of, now) {
                        self.blame_oldest(conn, &e.to_string(), of, now);
                        self.serve_or_retire(conn, now);
                    }
                }
                return;
            }
            // It may be a line of a log, which often begins with a bracket.
            Err(BadBatch::Message(e)) => self.no_message(conn, &e.to_string(), bytes, now),
            Err(e) => self.blame_oldest(conn, &e.to_string(), bytes, now),
        }
        self.serve_or_retire(conn, now);
    }

    /// Whether arrays may come from the home of a client.
    pub(super) fn takes_batches(&self, c: usize) -> bool {
        self.server_of(c).dialect.revision.has_batches()
    }

    /// Something of the answer to a POST of several calls came.
    pub(super) fn on_several(&mut self, conn: usize, body: &[u8], now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if !(200..300).contains(&state.status) {
            let outcome = self.refusal_of_several(conn, Some(body));
            return self.settle_several(conn, outcome, now);
        }
        let (c, is_stream) = (state.client, state.is_stream);
        let mut bytes = std::mem::take(&mut state.received_bytes);
        let is_array = batch::is_array(body) && self.takes_batches(c);
        let messages = if is_array {
            batch::messages(body)
        } else {
            Ok(vec![body])
        };
        let messages = match messages {
            Ok(messages) => messages,
            Err(e) if is_stream => return self.no_message(conn, &e.to_string(), bytes, now),
            Err(e) => return self.nothing_told(conn, &e.to_string(), now),
        };
        for message in messages {
            let of = share(&mut bytes, message, body);
            let Some(state) = self.conns[conn].as_mut() else {
                return;
            };
            match answer::read(message) {
                Ok(Incoming::Answer { id, outcome }) => {
                    match id.and_then(|id| state.calls.take(id)) {
                        Some(call) => {
                            self.learn(c, &call, outcome, message);
                            self.settle(c, &call, outcome, now, of);
                            if outcome == Outcome::Ok {
                                self.dissect(&call, now);
                            }
                        }
                        // The answer to a batch that the server would not look into (JSON-RPC 2.0, section 6).
                        None if id.is_none() && matches!(outcome, Outcome::RpcError(_)) => {
                            self.settle_several(conn, outcome, now);
                        }
                        None if id.is_some_and(|id| self.answered_aside(c, id, outcome, now)) => {}
                        None => self.stray("an id that belongs to no call of its request"),
                    }
                }
                Ok(Incoming::Notification { method }) => self.hear(conn, &method, message, now),
                Ok(Incoming::Request { id, method }) => {
                    self.reply_later(c, message::reply(id, &method));
                }
                Err(e) if is_array || is_stream => {
                    self.no_message(conn, &e.to_string(), of, now);
                }
                Err(e) => self.nothing_told(conn, &e.to_string(), now),
            }
        }
    }

    /// The whole answer to several calls is no message.
    fn nothing_told(&mut self, conn: usize, why: &str, now: u64) {
        self.tell_no_message(why);
        self.settle_several(conn, Outcome::ProtocolError, now);
    }

    /// Settles all calls of a POST that are not over alike.
    pub(super) fn settle_several(&mut self, conn: usize, outcome: Outcome, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if let Job::Several(_, settled) = &mut state.job {
            *settled = Some(outcome);
        }
        let (c, status) = (state.client, state.status);
        let mut received = std::mem::take(&mut state.received_bytes);
        for call in state.calls.drain() {
            self.settle(c, &call, outcome, now, std::mem::take(&mut received));
        }
        self.tell_misdirected(status);
    }

    /// The answer to a POST of several calls is over: what it lacks will not come.
    pub(super) fn several_ended(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        if state.calls.len() > 0 {
            let outcome = self.refusal_of_several(conn, None);
            self.settle_several(conn, outcome, now);
        }
    }

    /// Who does not resume a stream leaves its calls with the end that it had.
    fn refusal_of_several(&self, conn: usize, body: Option<&[u8]>) -> Outcome {
        match self.conns[conn].as_ref() {
            Some(state) if state.mark.is_some() => Outcome::StreamEnded,
            _ => self.refusal(conn, body),
        }
    }
}

/// The part of the bytes of an answer that a message in it has: its own, a comma, and, for the first, what stands around
/// all of them.
fn share(left: &mut u64, message: &[u8], all: &[u8]) -> u64 {
    let own = message.len() as u64 + 1;
    let around = left.saturating_sub(all.len() as u64);
    let of = (own + around).min(*left);
    *left -= of;
    of
}
