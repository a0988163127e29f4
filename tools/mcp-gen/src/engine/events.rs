//! HTTP+SSE of 2024-11-05: a client's messages go out by POST, and all answers come on one stream of events.
//!
//! The stream is the first of the client's connections, holds its calls in flight, and is its session: without it,
//! the others are closed.

use super::call::Call;
use super::client::Session;
use super::conn::{Errand, Job, Phase};
use super::ends::End;
use super::framing::Framing;
use super::receive::Fate;
use super::worker::Worker;
use crate::home::Home;
use protocol::answer;
use protocol::http::{self, Content, Event};
use protocol::message::{self, ClientInfo};
use protocol::outcome::Outcome;
use protocol::revision::Era;

impl Worker {
    /// Asks for the stream.
    pub(super) fn ask_for_stream(&mut self, conn: usize, c: usize, home: &Home, now: u64) {
        let options = self.head_options(c, home);
        match http::get_head(&home.endpoint, &options, None, None, None) {
            Ok(head) => {
                if let Some(state) = self.conns[conn].as_mut() {
                    state.phase = Phase::Upgrade;
                    state.job = Job::Stream;
                    state.out.extend_from_slice(&head);
                }
                self.soil(conn);
            }
            Err(e) => self.connect_failed(conn, &e.to_string(), now),
        }
    }

    /// The client's stream, where it has one.
    pub(super) fn stream_of(&self, c: usize) -> Option<usize> {
        let conn = *self.clients[c].conns.first()?;
        let state = self.conns[conn].as_ref()?;
        (state.framing == Framing::Events).then_some(conn)
    }

    /// Something came on the stream. Gives a fate where it cannot go on.
    pub(super) fn on_stream(&mut self, conn: usize, event: Event<'_>, now: u64) -> Option<Fate> {
        match event {
            Event::Head(head) if head.status == 200 && head.content == Content::EventStream => {
                if !head.set_cookies.is_empty() {
                    self.take_cookies(conn, &head.set_cookies);
                }
                None
            }
            Event::Head(head) => Some(Fate::Broken(format!(
                "HTTP {} instead of a stream of events",
                head.status
            ))),
            Event::Named {
                kind: "endpoint",
                data,
            } => {
                let path = String::from_utf8_lossy(data);
                self.on_endpoint(conn, &path, now)
            }
            Event::Named { .. } => None,
            Event::Message(message) => {
                self.on_message(conn, message, now);
                None
            }
            Event::End { .. } => Some(Fate::Ended),
        }
    }

    /// The server has said where messages go: `initialize` goes there first.
    fn on_endpoint(&mut self, conn: usize, path: &str, now: u64) -> Option<Fate> {
        let state = self.conns[conn].as_mut()?;
        if state.phase != Phase::Upgrade {
            return None;
        }
        let c = state.client;
        let home = self.server_of(c);
        let endpoint = match home.endpoint.join(path.trim()) {
            // Whoever names another place would have us call that.
            Ok(endpoint) if endpoint.origin() == home.endpoint.origin() => endpoint,
            Ok(_) => return Some(Fate::Broken("an endpoint at another origin".to_owned())),
            Err(e) => return Some(Fate::Broken(e.to_string())),
        };
        self.clients[c].post_to = Some(endpoint);
        match self.render_head(c, &home) {
            Ok(head) => self.clients[c].head = Some(head),
            Err(e) => return Some(Fate::Broken(e)),
        }
        let id = self.clients[c].next_id;
        self.clients[c].next_id += 1;
        if let Some(state) = self.conns[conn].as_mut() {
            state.phase = Phase::Initialize(id);
        }
        let initialize = message::initialize(id, home.dialect.revision, &ClientInfo::default());
        self.post_soon(c, initialize, Errand::Reply, now);
        None
    }

    /// The answer to `initialize` came: calls may follow once the server has taken the notification.
    pub(super) fn greet_back(&mut self, c: usize, now: u64) {
        debug_assert_eq!(self.server_of(c).dialect.era, Era::Legacy);
        self.post_soon(c, message::initialized(), Errand::Initialized, now);
    }

    /// Posts a message besides the load as soon as a connection is free for it.
    pub(super) fn post_soon(&mut self, c: usize, body: Vec<u8>, errand: Errand, now: u64) {
        self.queue_reply(c, body, errand);
        let client = &self.clients[c];
        let has_poster = client.conns.len() > 1;
        if !client.replies.is_empty() && !has_poster {
            self.connect(c, now);
        }
    }

    /// A connection for messages stands.
    pub(super) fn poster_wired(&mut self, conn: usize, c: usize, now: u64) {
        if self.stream_of(c).is_none() {
            // The stream ended meanwhile.
            return self.remove(conn);
        }
        self.count_connection(conn, now);
        self.set_free(conn, true, now);
    }

    /// A POST was answered. Gives the connection back; a refusal is the outcome of its call.
    pub(super) fn posted(&mut self, conn: usize, post: (u64, usize), reusable: bool, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let (c, status, retired) = (state.client, state.status, state.retired);
        if !(200..300).contains(&status) {
            // Each session has its endpoint, which is not there without it.
            let outcome = answer::http_outcome(status, None, Era::Legacy, true);
            if let Some(call) = self.take_posted(c, post) {
                self.settle(c, &call, outcome, now, 0);
            }
            if outcome == Outcome::SessionLost
                && !retired
                && let Some(stream) = self.stream_of(c)
            {
                self.note_end(c, End::Expired);
                return self.lost(stream, now, |_| Outcome::SessionLost);
            }
        }
        self.set_free(conn, reusable, now);
    }

    /// A message besides the load was taken, or not.
    pub(super) fn posted_aside(&mut self, conn: usize, errand: Errand, reusable: bool, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let (c, status) = (state.client, state.status);
        if self.clients[c].session == Session::Opening {
            if !(200..300).contains(&status) {
                let why = format!("the server refused the handshake (HTTP {status})");
                return self.connect_failed(conn, &why, now);
            }
            if errand == Errand::Initialized
                && let Some(stream) = self.stream_of(c)
            {
                self.stream_opened(stream, now);
            }
        }
        self.set_free(conn, reusable, now);
    }

    /// The call of a POST, where its answer has not come yet.
    pub(super) fn take_posted(&mut self, c: usize, (id, stream): (u64, usize)) -> Option<Call> {
        self.posted_on(c, stream)?.calls.take(id)
    }

    /// The stream of a POST; another one may have its number by now.
    pub(super) fn posted_on(&mut self, c: usize, stream: usize) -> Option<&mut super::conn::Conn> {
        let state = self.conns.get_mut(stream)?.as_mut()?;
        (state.client == c && state.framing == Framing::Events).then_some(state)
    }

    /// Without its stream, a client has no use for its other connections.
    pub(super) fn drop_posters(&mut self, c: usize) {
        for conn in std::mem::take(&mut self.clients[c].conns) {
            self.remove(conn);
        }
        let client = &mut self.clients[c];
        client.idle.clear();
        client.replies.clear();
        client.head = None;
        client.post_to = None;
    }
}
