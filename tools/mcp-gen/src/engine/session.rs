//! Sessions: the upgrade to WebSocket, `initialize`, and what a session that was lost needs.

use super::client::Session;
use super::conn::{Codec, Errand, Job, Phase};
use super::ends::End;
use super::worker::Worker;
use crate::home::Home;
use protocol::http::{self, PostHead};
use protocol::message::{self, ClientInfo};
use protocol::revision::Era;
use protocol::transport::Transport;
use protocol::ws::{self, Upgrade};

impl Worker {
    pub(super) fn ask_for_upgrade(&mut self, conn: usize, home: &Home) -> Result<(), String> {
        let mut key = [0u8; 16];
        for half in key.as_chunks_mut::<8>().0 {
            *half = self.nonces.next().to_ne_bytes();
        }
        let c = self.conns[conn].as_ref().map_or(0, |state| state.client);
        let options = self.head_options(c, home);
        let offer = home.offer_subprotocol.then_some("mcp");
        let (request, expected) =
            ws::upgrade_request(&home.endpoint, &options, offer, key).map_err(|e| e.to_string())?;
        if let Some(state) = self.conns[conn].as_mut() {
            state.out.extend_from_slice(&request);
            state.codec = Some(Box::new(Codec::Upgrade(Upgrade::new(
                expected,
                http::Limits::default(),
            ))));
        }
        Ok(())
    }

    /// A connection stands that carries many calls at a time: the handshake follows, in the legacy era.
    pub(super) fn stream_wired(&mut self, conn: usize, now: u64) {
        let Some(c) = self.conns[conn].as_ref().map(|s| s.client) else {
            return;
        };
        let home = self.server_of(c);
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let greet = match (home.dialect.era, home.transport) {
            (Era::Legacy, _) => message::initialize,
            // A child takes its time to start, which is not to count on the first calls.
            (Era::Modern, Transport::Stdio) => message::discover,
            (Era::Modern, _) => return self.stream_opened(conn, now),
        };
        let id = self.clients[c].next_id;
        self.clients[c].next_id += 1;
        state.phase = Phase::Initialize(id);
        self.write_message(
            conn,
            &greet(id, home.dialect.revision, &ClientInfo::default()),
        );
    }

    /// A connection can carry calls, many at a time.
    pub(super) fn stream_opened(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let c = state.client;
        state.phase = Phase::Open;
        self.count_connection(conn, now);
        self.session_opened(c, now);
        self.serve(c, now);
    }

    /// Queues a message besides the load on a multiplexed connection.
    pub(super) fn write_message(&mut self, conn: usize, message: &[u8]) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let mask = self.nonces.next() as u32;
        state
            .framing
            .write(&mut state.out, mask, [message, b"", b""]);
        self.soil(conn);
    }

    /// Sends `initialize` on an HTTP connection.
    pub(super) fn initialize_http(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let c = state.client;
        let home = self.server_of(c);
        self.clients[c].session = Session::Opening;
        let id = self.clients[c].next_id;
        self.clients[c].next_id += 1;
        let body = message::initialize(id, home.dialect.revision, &ClientInfo::default());
        let options = self.head_options(c, &home);
        let head = PostHead::new(&home.endpoint, &options, None, None);
        match head {
            Ok(head) => self.post(conn, &head, &body, Errand::Initialize(id, false), now),
            Err(e) => self.connect_failed(conn, &e.to_string(), now),
        }
    }

    /// Posts a message besides the load.
    pub(super) fn post(
        &mut self,
        conn: usize,
        head: &PostHead,
        body: &[u8],
        errand: Errand,
        now: u64,
    ) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if state.counted {
            // Its time limit runs from now; that of a connection being set up from its begin.
            state.since_ns = now;
        }
        head.write(None, body.len(), &mut state.out);
        state.out.extend_from_slice(body);
        state.job = Job::Errand(errand);
        self.soil(conn);
    }

    /// Renders the head of the client's requests for the session that was opened.
    pub(super) fn open_http_session(
        &mut self,
        c: usize,
        home: &Home,
        session: Option<&str>,
    ) -> Result<(), String> {
        self.clients[c].session_id = session.map(str::to_owned);
        self.clients[c].head = Some(self.render_head(c, home)?);
        Ok(())
    }

    /// The answer to `initialize` is over.
    pub(super) fn initialize_ended(&mut self, conn: usize, good: bool, reusable: bool, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let (c, status, session) = (state.client, state.status, state.session_id.take());
        if !good {
            return self.connect_failed(
                conn,
                &format!("the server refused initialize (HTTP {status})"),
                now,
            );
        }
        let home = self.server_of(c);
        if let Err(e) = self.open_http_session(c, &home, session.as_deref()) {
            return self.connect_failed(conn, &e, now);
        }
        let client = &mut self.clients[c];
        client.session_first_id = client.next_id;
        match (reusable, client.head.clone()) {
            (true, Some(head)) => self.post(
                conn,
                &head,
                &message::initialized(),
                Errand::Initialized,
                now,
            ),
            _ => {
                // The notification is lost with the connection; servers that close after each answer serve without it.
                self.session_opened(c, now);
                self.count_connection(conn, now);
                self.close(conn, now);
                self.serve(c, now);
            }
        }
    }

    /// The server has forgotten the session: the client gets a new one; its calls wait meanwhile.
    pub(super) fn session_lost(&mut self, conn: usize, reusable: bool, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let c = state.client;
        self.seal_of(c);
        let client = &mut self.clients[c];
        client.session_id = None;
        client.head = None;
        client.session_first_id = client.next_id;
        let is_parting = client.is_parting;
        self.note_end(c, End::Expired);
        if is_parting {
            return self.set_free(conn, reusable, now);
        }
        if reusable {
            return self.initialize_http(conn, now);
        }
        let client = &mut self.clients[c];
        client.session = Session::Down;
        self.close(conn, now);
        // Another connection that stands, or a new one, must carry the handshake.
        self.note_retry(c, now);
    }
}
