//! Resumption: where a stream of events ends without the answer, it is asked for again from the last event that came
//! (`Last-Event-ID`; legacy Streamable HTTP, 2025-11-25 "Resumability and Redelivery" and SEP-1699).
//!
//! Meanwhile its calls are in flight on no connection. They end `ok` where the answer comes within their timeout, and
//! `stream_ended` otherwise.

use super::call::Call;
use super::client::Session;
use super::conn::{Codec, Job};
use super::worker::Worker;
use protocol::http::{self, Reply};
use protocol::outcome::Outcome;
use protocol::revision::Era;
use std::cmp::Reverse;

/// How long to wait where the server does not say (`retry`).
const RETRY_NS: u64 = 1_000_000_000;
/// A server that says 0 would have us do nothing else.
const LEAST_RETRY_NS: u64 = 10_000_000;
/// Nor is anybody left alone for longer than a day.
const MOST_RETRY_NS: u64 = 86_400_000_000_000;
/// Of an id that is longer no more is kept than this: such a stream is not resumed. Ids are to be sent back in a header.
const MAX_ID_BYTES: usize = 1_024;

/// Where a stream can be taken up again.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The id of the last event that came; empty before one came.
    id: String,
    /// How long the server wants to be left alone.
    retry_ns: u64,
}

/// Calls whose stream ended before their answers came.
#[derive(Debug)]
pub struct Suspended {
    calls: Vec<Call>,
    mark: Mark,
    /// When it may be asked for again.
    from_ns: u64,
}

/// Where an answer over HTTP/1.1 stands: its last id, and how long the server wants to be left alone.
pub(super) fn stands(reply: &Reply) -> (&str, Option<u64>) {
    (reply.last_event_id(), reply.retry_ms())
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            id: String::new(),
            retry_ns: RETRY_NS,
        }
    }
}

impl Mark {
    /// Notes the last event of a stream that is over, and the server's wish to be left alone, where there are any.
    fn note(&mut self, (id, retry_ms): (&str, Option<u64>)) {
        if !id.is_empty() && id.len() <= MAX_ID_BYTES {
            id.clone_into(&mut self.id);
        }
        if let Some(ms) = retry_ms {
            self.retry_ns = ms.saturating_mul(1_000_000);
        }
    }

    /// How long to stay away, in nanoseconds.
    pub fn rest_ns(&self) -> u64 {
        self.retry_ns.clamp(LEAST_RETRY_NS, MOST_RETRY_NS)
    }
}

impl Worker {
    /// An event stream is over, or cut off: notes where it stood, where its answer has not come.
    pub(super) fn note_mark(&mut self, conn: usize, stands: (&str, Option<u64>)) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if let Job::Ear = state.job {
            return self.note_mark_of_ear(conn, stands);
        }
        let is_call = matches!(state.job, Job::Call(_, None));
        let is_several = matches!(state.job, Job::Several(_, None)) && state.calls.len() > 0;
        let is_good = state.is_stream && (200..300).contains(&state.status);
        if !is_good || !(is_call || is_several) {
            return;
        }
        // A stream that was resumed and brought nothing stands where it stood.
        state.mark.get_or_insert_default().note(stands);
    }

    /// The same for the stream on which a client hears what it subscribed to.
    fn note_mark_of_ear(&mut self, conn: usize, stands: (&str, Option<u64>)) {
        let Some(state) = self.conns[conn].as_ref().filter(|s| s.is_stream) else {
            return;
        };
        let c = state.client;
        if self.server_of(c).dialect.era == Era::Legacy
            && let Some(ear) = &mut self.clients[c].ear
        {
            let mark = ear.mark.get_or_insert_default();
            mark.note(stands);
            if mark.id.is_empty() {
                ear.mark = None;
            }
        }
    }

    /// The last event that a client has heard on its stream, where that can be taken up again.
    pub(super) fn seen_by(&self, c: usize) -> Option<&str> {
        let mark = self.clients[c].ear.as_ref()?.mark.as_ref()?;
        Some(&mark.id)
    }

    /// As [`Self::note_mark`], where the connection broke without an end.
    pub(super) fn note_mark_of(&mut self, conn: usize) {
        let codec = self.conns[conn].as_mut().and_then(|s| s.codec.take());
        match codec.as_deref() {
            Some(Codec::Http(reply)) => self.note_mark(conn, stands(reply)),
            Some(Codec::Answer(answer)) => {
                self.note_mark(conn, (answer.last_event_id(), answer.retry_ms()));
            }
            _ => {}
        }
        if let Some(state) = self.conns[conn].as_mut() {
            state.codec = codec;
        }
    }

    /// Takes the calls of a stream that is over off their connection, to ask for it again later. False where that
    /// cannot be: there is no mark, or no time left, or the session is another one.
    pub(super) fn suspend(&mut self, conn: usize, now: u64) -> bool {
        let Some(state) = self.conns[conn].as_mut() else {
            return false;
        };
        let (c, retired) = (state.client, state.retired);
        let Some(mark) = state.mark.take().filter(|mark| !mark.id.is_empty()) else {
            return false;
        };
        let first = match &state.job {
            Job::Call(call, None) => Some(*call),
            Job::Several(_, None) => state.calls.oldest().copied(),
            _ => None,
        };
        let from_ns = now + mark.rest_ns();
        let until_ns = |call: Call| call.sent_ns + self.group_of(c).timeout_ns;
        let is_possible = first.is_some_and(|call| {
            call.sent_ns > 0
                && from_ns < until_ns(call)
                && call.id >= self.clients[c].session_first_id
        });
        if !is_possible || retired || self.server_of(c).dialect.era != Era::Legacy {
            return false;
        }
        let Some(state) = self.conns[conn].as_mut() else {
            return false;
        };
        let calls = match std::mem::take(&mut state.job) {
            Job::Call(call, _) => vec![call],
            _ => state.calls.drain(),
        };
        // It was of use: who reconnects need not be held off as after a failure.
        state.answers += 1;
        self.clients[c].suspended.push(Suspended {
            calls,
            mark: *mark,
            from_ns,
        });
        self.resumes.push(Reverse((from_ns, c)));
        true
    }

    /// Closes a connection whose calls were suspended.
    pub(super) fn close_suspended(&mut self, conn: usize, now: u64) {
        let Some(c) = self.conns[conn].as_ref().map(|s| s.client) else {
            return;
        };
        self.close(conn, now);
        self.serve(c, now);
    }

    /// Asks again for the streams whose time has come.
    pub(super) fn resume(&mut self, now: u64) {
        while let Some(Reverse((at, c))) = self.resumes.peek().copied() {
            if at > now {
                return;
            }
            self.resumes.pop();
            self.take_up(c, now);
        }
    }

    /// Asks again for the streams of a client whose time has come, as far as connections are free.
    pub(super) fn take_up(&mut self, c: usize, now: u64) {
        while let Some(n) = self.clients[c]
            .suspended
            .iter()
            .position(|s| s.from_ns <= now)
        {
            let client = &mut self.clients[c];
            if client.session != Session::Open {
                return;
            }
            let is_ours = client.suspended[n].calls[0].id >= client.session_first_id;
            if !is_ours {
                let gone = client.suspended.swap_remove(n);
                self.end_suspended(c, gone, Outcome::StreamEnded, now);
                continue;
            }
            let is_alone = client.carrier.is_none();
            let Some(conn) = self.free_conn(c) else {
                let client = &self.clients[c];
                let has_room = client.conns.len() < self.plan.max_connections;
                if is_alone && has_room && now >= client.retry_ns {
                    self.connect(c, now);
                }
                return;
            };
            let suspended = self.clients[c].suspended.swap_remove(n);
            self.ask_again(conn, c, suspended, now);
        }
    }

    /// Sends the GET.
    fn ask_again(&mut self, conn: usize, c: usize, suspended: Suspended, now: u64) {
        let home = self.server_of(c);
        let options = self.head_options(c, &home);
        let revision = home
            .dialect
            .has_version_header()
            .then(|| home.dialect.revision.as_str());
        let session = self.clients[c].session_id.as_deref();
        let id = Some(suspended.mark.id.as_str());
        let head = http::get_head(&home.endpoint, &options, revision, session, id);
        let (Ok(head), Some(state)) = (head, self.conns[conn].as_mut()) else {
            // An id that no header can carry.
            self.clients[c].idle.push(conn);
            return self.end_suspended(c, suspended, Outcome::StreamEnded, now);
        };
        state.out.extend_from_slice(&head);
        state.job = Job::Several(suspended.calls[0].id, None);
        state.since_ns = now;
        state.mark = Some(Box::new(suspended.mark));
        for call in &suspended.calls {
            state.calls.push(*call);
        }
        for call in &suspended.calls {
            let key = self.key_of(call);
            self.book.cell(key).resumed += 1;
        }
        self.soil(conn);
    }

    /// A stream that was asked for again has brought all answers. Who keeps it open after that would keep the
    /// connection with it.
    pub(super) fn leave_resumed(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if state.mark.is_some() && state.calls.len() == 0 && matches!(state.job, Job::Several(..)) {
            let c = state.client;
            state.answers += 1;
            state.job = Job::Idle;
            self.close(conn, now);
            self.serve(c, now);
        }
    }

    /// Gives up the calls of a client that wait for their stream and whose time is over.
    pub(super) fn expire_suspended(&mut self, c: usize, now: u64) {
        let timeout_ns = self.group_of(c).timeout_ns;
        let is_over = |s: &Suspended| s.calls.iter().any(|call| now >= call.sent_ns + timeout_ns);
        while let Some(n) = self.clients[c].suspended.iter().position(is_over) {
            let over = self.clients[c].suspended.swap_remove(n);
            self.end_suspended(c, over, Outcome::StreamEnded, now);
        }
    }

    /// Gives up all calls of a client that wait for their stream.
    pub(super) fn give_up_suspended(&mut self, c: usize, outcome: Outcome, now: u64) {
        for suspended in std::mem::take(&mut self.clients[c].suspended) {
            self.end_suspended(c, suspended, outcome, now);
        }
    }

    fn end_suspended(&mut self, c: usize, suspended: Suspended, outcome: Outcome, now: u64) {
        for call in suspended.calls {
            self.settle(c, &call, outcome, now, 0);
        }
    }
}
