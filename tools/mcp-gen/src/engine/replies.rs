//! HTTP answers: those to calls, and those to the errands of a session.

use super::call::Call;
use super::client::Session;
use super::conn::{Errand, Job};
use super::receive::Fate;
use super::resuming::stands;
use super::worker::Worker;
use protocol::answer::{self, Incoming};
use protocol::http::{Content, Event, Reply};
use protocol::message;
use protocol::outcome::Outcome;
use protocol::transport::Transport;

/// Replies to requests of a server that wait for a free connection of the client.
pub(super) const MAX_REPLIES: usize = 16;
/// One whose id is longer than any sane server's is not answered: a million clients have to hold these.
const MAX_REPLY_BYTES: usize = 4 * 1024;

impl Worker {
    pub(super) fn take_replies(
        &mut self,
        conn: usize,
        reply: &mut Reply,
        input: &[u8],
        at: &mut usize,
        now: u64,
    ) -> Fate {
        self.note_first(conn, now);
        while self.conns[conn].is_some() {
            match reply.next(input, at) {
                Ok(None) => break,
                Ok(Some(Event::End { reusable })) => {
                    self.note_mark(conn, stands(reply));
                    if let Some(fate) = self.on_event(conn, Event::End { reusable }, now) {
                        return fate;
                    }
                }
                Ok(Some(event)) => {
                    if let Some(fate) = self.on_event(conn, event, now) {
                        return fate;
                    }
                }
                Err(e) => return Fate::Broken(e.to_string()),
            }
        }
        self.leave_resumed(conn, now);
        Fate::Stays
    }

    /// Bytes of an answer came, perhaps the first of it.
    pub(super) fn note_first(&mut self, conn: usize, now: u64) {
        if let Some(Job::Call(call, None)) = self.conns[conn].as_mut().map(|s| &mut s.job)
            && call.first_ns == 0
        {
            call.first_ns = now;
        } else if let Some(state) = self.conns[conn].as_mut()
            && let Job::Several(..) = state.job
            && !state.answer_began()
        {
            for call in state.calls.iter_mut() {
                call.first_ns = now;
            }
        }
    }

    /// The server has ended the connection, which may be the end of an answer.
    pub(super) fn end_replies(&mut self, conn: usize, reply: &mut Reply, now: u64) {
        loop {
            let is_over = match reply.eof() {
                Ok(Some(Event::End { reusable })) => {
                    self.note_mark(conn, stands(reply));
                    self.on_event(conn, Event::End { reusable }, now).is_some()
                }
                Ok(Some(event)) => self.on_event(conn, event, now).is_some(),
                Ok(None) | Err(_) => true,
            };
            if is_over || self.conns[conn].is_none() {
                return;
            }
        }
    }

    /// Something of an answer came. Gives a fate where the connection cannot go on.
    pub(super) fn on_event(&mut self, conn: usize, event: Event<'_>, now: u64) -> Option<Fate> {
        let state = self.conns[conn].as_mut()?;
        if let Job::Stream | Job::Ear = state.job {
            return match state.job {
                Job::Ear => self.on_ear(conn, event, now),
                _ => self.on_stream(conn, event, now),
            };
        }
        match event {
            Event::Head(head) => {
                state.status = head.status;
                state.is_stream = head.content == Content::EventStream;
                state.event_ns = 0;
                state.session_id.clone_from(&head.session);
                if let Job::Idle = state.job {
                    return Some(Fate::Broken(format!(
                        "an answer (HTTP {}) that nobody asked for",
                        head.status
                    )));
                }
                if !head.set_cookies.is_empty() {
                    self.take_cookies(conn, &head.set_cookies);
                }
                None
            }
            Event::Message(body) => {
                if state.is_stream {
                    self.note_event(conn, now);
                }
                self.on_body(conn, body, now);
                None
            }
            Event::Named { .. } => {
                self.note_event(conn, now);
                None
            }
            Event::End { reusable } => self.on_end(conn, reusable, now),
        }
    }

    fn on_body(&mut self, conn: usize, body: &[u8], now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let (c, success) = (state.client, (200..300).contains(&state.status));
        let outcome = match &mut state.job {
            Job::Errand(Errand::Initialize(id, good)) => {
                if success
                    && let Ok(Incoming::Answer {
                        id: Some(of),
                        outcome: Outcome::Ok,
                    }) = answer::read(body)
                {
                    *good |= of == *id;
                }
                return;
            }
            Job::Call(call, None) if success => match answer::read(body) {
                Ok(Incoming::Answer {
                    id: Some(id),
                    outcome,
                }) if id == call.id => outcome,
                Ok(Incoming::Notification { method }) => {
                    return self.hear(conn, &method, body, now);
                }
                Ok(Incoming::Request { id, method }) => {
                    let reply = message::reply(id, &method);
                    return self.reply_later(c, reply);
                }
                Ok(Incoming::Answer { .. }) => {
                    self.stray("another id than the request's");
                    Outcome::ProtocolError
                }
                Err(e) => {
                    self.tell_no_message(&e.to_string());
                    Outcome::ProtocolError
                }
            },
            Job::Call(..) if !success => self.refusal(conn, Some(body)),
            Job::Several(_, None) => return self.on_several(conn, body, now),
            Job::Errand(Errand::CallDeleted(_)) => {
                let outcome = self.refusal(conn, Some(body));
                if let Some(state) = self.conns[conn].as_mut() {
                    state.job = Job::Errand(Errand::CallDeleted(Some(outcome)));
                }
                return;
            }
            Job::Call(_, Some(Outcome::Cancelled)) | Job::Errand(Errand::Aside(_)) if success => {
                return self.on_body_aside(conn, body, now);
            }
            _ => return,
        };
        if let Some(Job::Call(call, None)) = self.conns[conn].as_ref().map(|s| &s.job) {
            let call = *call;
            self.learn(c, &call, outcome, body);
        }
        self.settle_http(conn, outcome, now);
    }

    /// Something came in the answer to a call that was cancelled, or to what is asked for once a session.
    fn on_body_aside(&mut self, conn: usize, body: &[u8], now: u64) {
        let Some(c) = self.conns[conn].as_ref().map(|s| s.client) else {
            return;
        };
        match answer::read(body) {
            Ok(Incoming::Answer {
                id: Some(id),
                outcome,
            }) => drop(self.answered_aside(c, id, outcome, now)),
            Ok(Incoming::Notification { method }) => self.hear(conn, &method, body, now),
            Ok(Incoming::Request { id, method }) => {
                self.reply_later(c, message::reply(id, &method))
            }
            _ => {}
        }
    }

    /// The outcome of a call that was answered with a status other than success, or with no body.
    pub(super) fn refusal(&self, conn: usize, body: Option<&[u8]>) -> Outcome {
        let Some(state) = self.conns[conn].as_ref() else {
            return Outcome::ProtocolError;
        };
        let era = self.server_of(state.client).dialect.era;
        let client = &self.clients[state.client];
        // Calls of a session that was lost meanwhile had one too.
        let has_session = client.session_id.is_some()
            || matches!(&state.job, Job::Call(Call { id, .. }, _) | Job::Several(id, _) if *id < client.session_first_id);
        answer::http_outcome(state.status, body, era, has_session)
    }

    fn settle_http(&mut self, conn: usize, outcome: Outcome, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let Job::Call(call, settled @ None) = &mut state.job else {
            return;
        };
        *settled = Some(outcome);
        let (c, call, received, status) = (
            state.client,
            *call,
            std::mem::take(&mut state.received_bytes),
            state.status,
        );
        self.settle(c, &call, outcome, now, received);
        if outcome == Outcome::Ok {
            self.dissect(&call, now);
        }
        self.tell_misdirected(status);
    }

    pub(super) fn tell_misdirected(&mut self, status: u16) {
        if status == 401 {
            self.tell(
                "unauthorized",
                "a server answers 401 under load: it takes the token no longer, or never did for this call".to_owned(),
                Some("see when the token ends; --oauth-token-url fetches and renews one"),
            );
        }
        if status == 421 {
            self.tell(
                "misdirected",
                "a server answers 421: it does not know this Host".to_owned(),
                Some("see --host-header"),
            );
        }
    }

    fn on_end(&mut self, conn: usize, reusable: bool, now: u64) -> Option<Fate> {
        let state = self.conns[conn].as_mut()?;
        let c = state.client;
        let is_good = state.is_stream && (200..300).contains(&state.status);
        if is_good && state.mark.is_some() && self.suspend(conn, now) {
            if let Some(state) = self.conns[conn].as_mut() {
                state.is_stream = false;
            }
            self.set_free(conn, reusable, now);
            return None;
        }
        let state = self.conns[conn].as_mut()?;
        if let Job::Call(_, None) = state.job {
            let outcome = if state.is_stream && (200..300).contains(&state.status) {
                Outcome::StreamEnded
            } else {
                self.refusal(conn, None)
            };
            self.settle_http(conn, outcome, now);
        }
        if let Job::Several(..) = self.conns[conn].as_ref()?.job {
            self.several_ended(conn, now);
        }
        let state = self.conns[conn].as_mut()?;
        let retired = state.retired;
        state.answers += 1;
        state.received_bytes = 0;
        // Whether the next one is a stream, its head will say.
        (state.is_stream, state.mark) = (false, None);
        match std::mem::take(&mut state.job) {
            Job::Errand(Errand::Initialize(_, good)) => {
                self.initialize_ended(conn, good, reusable, now)
            }
            Job::Errand(Errand::Delete) => self.delete_answered(conn, reusable, now),
            Job::Errand(Errand::CallDeleted(outcome)) => {
                let outcome = outcome.unwrap_or_else(|| self.refusal(conn, None));
                self.deleted_called(c, outcome, now);
            }
            Job::Post(id, stream) => self.posted(conn, (id, stream), reusable, now),
            Job::Errand(Errand::Aside(id)) => {
                // No answer was among what came.
                let status = self.conns[conn].as_ref().map_or(0, |s| s.status);
                self.answered_aside(c, id, Outcome::HttpError(status), now);
                self.set_free(conn, reusable, now);
            }
            Job::Errand(errand) if self.server_of(c).transport == Transport::Sse => {
                self.posted_aside(conn, errand, reusable, now);
            }
            Job::Errand(Errand::Initialized) => {
                self.session_opened(c, now);
                self.set_free(conn, reusable, now);
            }
            Job::Call(call, Some(Outcome::SessionLost))
                if !retired && call.id >= self.clients[c].session_first_id =>
            {
                self.session_lost(conn, reusable, now);
            }
            Job::Several(first_id, Some(Outcome::SessionLost))
                if !retired && first_id >= self.clients[c].session_first_id =>
            {
                self.session_lost(conn, reusable, now);
            }
            _ => self.set_free(conn, reusable, now),
        }
        None
    }

    /// A connection has finished its job.
    pub(super) fn set_free(&mut self, conn: usize, reusable: bool, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let c = state.client;
        if state.retired {
            self.remove(conn);
            // Its user may go on elsewhere.
            return self.serve(c, now);
        }
        if !reusable {
            self.count_connection(conn, now);
            self.close(conn, now);
            if self.stream_of(c).is_some() && !self.clients[c].replies.is_empty() {
                self.connect(c, now);
            }
            return self.serve(c, now);
        }
        let has_stream = self.stream_of(c).is_some();
        let client = &mut self.clients[c];
        if (client.session == Session::Open || has_stream)
            && !client.replies.is_empty()
            && let (Some(head), Some((body, errand))) = (client.head.clone(), client.replies.pop())
        {
            return self.post(conn, &head, &body, errand, now);
        }
        self.add_idle(conn, now);
    }

    pub(super) fn reply_later(&mut self, c: usize, reply: Vec<u8>) {
        self.queue_reply(c, reply, Errand::Reply);
    }

    /// Puts a message besides the load where the next free connection finds it, unless too many wait there.
    pub(super) fn queue_reply(&mut self, c: usize, reply: Vec<u8>, errand: Errand) {
        if self.clients[c].carrier.is_some()
            && self.clients[c].idle.is_empty()
            && let Some(lane) = self.free_conn(c)
        {
            self.clients[c].idle.push(lane);
        }
        let client = &mut self.clients[c];
        if client.replies.len() < MAX_REPLIES && reply.len() <= MAX_REPLY_BYTES {
            client.replies.push((reply, errand));
        }
        // The connection that asked is busy with its stream until we have answered: another one must do it. None leaves
        // the list of free ones in vain: nobody would put it back.
        if let Some(head) = client.head.clone()
            && let Some((body, errand)) = client.replies.pop_if(|_| !client.idle.is_empty())
            && let Some(conn) = client.idle.pop()
        {
            self.post(conn, &head, &body, errand, record::clock::mono_ns());
        }
    }
}
