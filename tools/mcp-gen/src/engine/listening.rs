//! The stream over HTTP on which a client hears what it subscribed to: a GET in the legacy era, a
//! `subscriptions/listen` in the modern one, on a connection that carries nothing else.

use super::conn::Job;
use super::ear::Stream;
use super::receive::Fate;
use super::resuming::Mark;
use super::worker::Worker;
use crate::home::Home;
use protocol::answer::{self, Incoming};
use protocol::http::{self, Content, Event, Routing};
use protocol::message;
use protocol::outcome::Outcome;
use protocol::revision::Era;

impl Worker {
    /// A connection stands that a client may want for its stream: asks for that, and gives whether it did.
    pub(super) fn takes_for_ear(&mut self, conn: usize, c: usize, home: &Home, now: u64) -> bool {
        let wants = |s: &Stream| *s == Stream::Wanted;
        if !self.clients[c]
            .ear
            .as_ref()
            .is_some_and(|ear| wants(&ear.stream))
        {
            return false;
        }
        let request = match home.dialect.era {
            Era::Legacy => self.ask_by_get(c, home, now),
            Era::Modern => self.ask_by_post(c, now),
        };
        let Some(request) = request else {
            return false;
        };
        self.count_connection(conn, now);
        if let Some(ear) = &mut self.clients[c].ear {
            ear.stream = Stream::On(conn);
        }
        if let Some(state) = self.conns[conn].as_mut() {
            state.job = Job::Ear;
            state.since_ns = now;
            state.out.extend_from_slice(&request);
        }
        self.soil(conn);
        true
    }

    fn ask_by_get(&mut self, c: usize, home: &Home, now: u64) -> Option<Vec<u8>> {
        let seen = self.seen_by(c).map(str::to_owned);
        if seen.is_some() {
            let key = self.row_of_connections(c, now);
            self.book.cell(key).resumed += 1;
        }
        let session = self.clients[c].session_id.as_deref()?;
        let revision = home
            .dialect
            .has_version_header()
            .then(|| home.dialect.revision.as_str());
        let options = self.head_options(c, home);
        http::get_head(
            &home.endpoint,
            &options,
            revision,
            Some(session),
            seen.as_deref(),
        )
        .ok()
    }

    fn ask_by_post(&mut self, c: usize, now: u64) -> Option<Vec<u8>> {
        let head = self.clients[c].head.clone()?;
        let body = self.listen_message(c, now)?;
        let routing = Routing {
            method: message::LISTEN,
            ..Routing::default()
        };
        let mut request = Vec::new();
        head.write(Some(routing), body.len(), &mut request);
        request.extend_from_slice(&body);
        Some(request)
    }

    /// Something came on a client's stream. Gives a fate where the connection cannot go on.
    pub(super) fn on_ear(&mut self, conn: usize, event: Event<'_>, now: u64) -> Option<Fate> {
        let state = self.conns[conn].as_mut()?;
        let c = state.client;
        match event {
            Event::Head(head) => {
                state.status = head.status;
                state.is_stream = head.status == 200 && head.content == Content::EventStream;
                // It was of use, and whoever ends it later is not to be kept away from.
                state.answers += 1;
                if !head.set_cookies.is_empty() {
                    self.take_cookies(conn, &head.set_cookies);
                }
            }
            Event::Message(body) => match answer::read(body) {
                Ok(Incoming::Notification { method }) => self.hear(conn, &method, body, now),
                Ok(Incoming::Request { id, method }) => {
                    self.queue_reply(c, message::reply(id, &method), super::conn::Errand::Reply);
                }
                Ok(Incoming::Answer {
                    id: Some(id),
                    outcome,
                }) => {
                    self.answered_aside(c, id, outcome, now);
                }
                _ => {}
            },
            Event::Named { .. } => {}
            Event::End { reusable } => {
                let (was_stream, status) = (state.is_stream, state.status);
                state.job = Job::Idle;
                self.ear_ended(c, conn, was_stream, status, now);
                self.set_free(conn, reusable, now);
            }
        }
        None
    }

    /// The stream is over, or was refused.
    fn ear_ended(&mut self, c: usize, conn: usize, was_stream: bool, status: u16, now: u64) {
        if was_stream {
            return self.ear_gone(c, conn, now);
        }
        if let Some(ear) = &mut self.clients[c].ear {
            if ear.mark.take().is_some() {
                // What it has heard last is no longer known there: a stream that begins now is better than none.
                ear.stream = Stream::Wanted;
                return;
            }
            ear.stream = Stream::None;
        }
        self.refuse_asked(c, Outcome::HttpError(status), now);
        if status == 404 && self.clients[c].session_id.is_some() {
            // The session is gone, and with a new one all is asked for again.
            return;
        }
        let text = format!(
            "a server has no stream to tell of changes on (HTTP {status}), so its clients hear only what comes with their answers"
        );
        self.tell("no_stream", text, None);
    }

    /// A connection is gone, perhaps the one on which a client hears.
    pub(super) fn ear_gone(&mut self, c: usize, conn: usize, now: u64) {
        let home = self.server_of(c);
        let Some(ear) = &mut self.clients[c].ear else {
            return;
        };
        if ear.stream != Stream::On(conn) {
            return;
        }
        let is_http = home.transport == protocol::transport::Transport::Http;
        ear.stream = if is_http {
            Stream::Wanted
        } else {
            Stream::None
        };
        ear.again_ns = now + ear.mark.as_ref().map_or(0, Mark::rest_ns);
        if !is_http || home.dialect.era == Era::Modern {
            self.lose_subscriptions(c, now);
            if is_http {
                self.listen_again(c, now);
            }
        }
    }
}
