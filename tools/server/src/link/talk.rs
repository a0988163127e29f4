//! What is said on a link: from the text of a message to planned answers.

use std::sync::Arc;

use protocol::code;
use protocol::revision::{Era, Revision};
use record::clock::mono_ns;

use super::framing::Form;
use super::outgoing::Outgoing;
use crate::answer::Answer;
use crate::batch;
use crate::connection::Connection;
use crate::held::Waiting;
use crate::message::{self, Message};
use crate::method::Method;
use crate::metrics::{Active, Tally, Transport};
use crate::params::Params;
use crate::reply::{self, Caching};
use crate::state::{Asker, Planned, State, class_of};
use crate::subscribing::Ear;
use crate::subscriptions::Listener;

/// Most `subscriptions/listen` that one connection may have open.
const MOST_LISTENING: usize = 100;

/// One conversation: what was agreed on, what waits for its instant, what is on its way out.
pub(super) struct Talk<'a> {
    pub(super) state: &'a State,
    pub(super) connection: &'a Connection,
    pub(super) transport: Transport,
    pub(super) form: Form,
    pub(super) waiting: Waiting,
    pub(super) out: Outgoing,
    pub(super) tally: Tally,
    /// What the client wants to hear of.
    pub(super) ear: Ear,
    /// Each `subscriptions/listen` that is open, by its id's JSON.
    listening: Vec<(String, Arc<Listener>)>,
    /// As negotiated by `initialize`; a client that sends none is served all the same, as most
    /// servers do.
    revision: Option<Revision>,
    session: Option<Active<'a>>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        state: &'a State,
        connection: &'a Connection,
        transport: Transport,
        form: Form,
    ) -> Self {
        Self {
            state,
            connection,
            transport,
            form,
            waiting: Waiting::default(),
            out: Outgoing::default(),
            tally: Tally::default(),
            ear: Ear::default(),
            listening: Vec::new(),
            revision: None,
            session: None,
        }
    }

    /// Takes a message, or a batch of them.
    pub(super) fn message(&mut self, text: &str, now_ns: u64) {
        if text.trim_ascii_start().starts_with('[') {
            return self.batch(text, now_ns);
        }
        match message::read(text) {
            Ok(Message::Request { id, method, params }) => {
                if method.eq("subscriptions/listen") && self.listen(id, params, now_ns) {
                    return;
                }
                let planned = self.request(id, &method, params, now_ns);
                self.answer(id, planned, now_ns);
            }
            Ok(Message::Notification { method, params }) => {
                self.notified(&method, Params::read(params).as_ref());
            }
            Ok(Message::Response) => {}
            Err(fault) => self.refuse(fault.id, fault.code, &fault.text, now_ns),
        }
    }

    /// Says what was wrong with a message.
    pub(super) fn refuse(&mut self, id: &str, code: i64, sentence: &str, now_ns: u64) {
        self.state.metrics.error(class_of(Some(code)));
        self.say(reply::error(id, code, sentence, None), now_ns);
    }

    /// Begins to listen, where that is asked for as it should be; all else is a request like others.
    fn listen(&mut self, id: &str, raw: Option<&str>, now_ns: u64) -> bool {
        let params = Params::read(raw);
        let Some(params) = params.filter(|params| self.is_modern(Method::Listen, params)) else {
            return false;
        };
        let (state, era) = (self.state, Era::Modern);
        let answer = if let Err(answer) = state.check_modern(id, &params) {
            answer
        } else if self.listening.len() >= MOST_LISTENING {
            let sentence = "a connection may listen 100 times at once: cancel one";
            Answer::error(id, code::INVALID_PARAMS, sentence, None)
        } else {
            match state.listen(id, &params, self.ear.open()) {
                Ok(listener) => {
                    self.listening.push((id.to_owned(), listener));
                    return true;
                }
                Err(answer) => answer,
            }
        };
        let asker = Asker::Connection(self.connection);
        let planned = state.plan(answer, id, Method::Listen, era, asker, now_ns);
        self.answer(id, planned, now_ns);
        true
    }

    /// Ends all listening with the answers that a graceful end is, and forgets the subscriptions.
    pub(super) fn stop_listening(&mut self, graceful: bool) {
        for (id, listener) in std::mem::take(&mut self.listening) {
            self.state.subscriptions.remove_all(&listener);
            if graceful {
                let text = reply::result(&id, Era::Modern, Caching::Silent, "");
                self.say(text, mono_ns());
            }
        }
        self.ear.close(self.state);
    }

    fn request(&mut self, id: &str, name: &str, raw: Option<&str>, now_ns: u64) -> Planned {
        let state = self.state;
        let method = Method::named(name);
        let (era, answer) = match Params::read(raw) {
            None => {
                let message = "params is an object with fields of the right types";
                (
                    Era::Legacy,
                    Answer::error(id, code::INVALID_PARAMS, message, None),
                )
            }
            Some(params) if self.is_modern(method, &params) => {
                let answer = match state.check_modern(id, &params) {
                    Ok(()) => state.answer(Era::Modern, id, method, &params, Some(&mut self.ear)),
                    Err(answer) => answer,
                };
                (Era::Modern, answer)
            }
            Some(params) if method == Method::Initialize => {
                (Era::Legacy, self.initialize(id, &params))
            }
            Some(params) => (
                Era::Legacy,
                state.answer(Era::Legacy, id, method, &params, Some(&mut self.ear)),
            ),
        };
        state.plan(
            answer,
            id,
            method,
            era,
            Asker::Connection(self.connection),
            now_ns,
        )
    }

    /// Without headers, `_meta` alone tells the eras apart, and a method that only one of them has.
    fn is_modern(&self, method: Method, params: &Params<'_>) -> bool {
        let speaks = |era| self.state.catalogue.speaks(era);
        speaks(Era::Modern)
            && (!speaks(Era::Legacy)
                || params.modern_version().is_some()
                || method == Method::Discover)
    }

    fn initialize(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let (revision, answer) = self.state.catalogue.initialize(id, params);
        if self.session.is_none() {
            self.session = Some(self.state.metrics.session(self.transport));
            self.state.sessions.leak();
        }
        self.revision = Some(revision);
        answer
    }

    fn notified(&mut self, method: &str, params: Option<&Params<'_>>) {
        if method == "notifications/cancelled"
            && let Some(id) = params.and_then(|params| params.request_id)
        {
            for planned in self.waiting.cancel(id.get()) {
                self.state.count(&planned, self.transport, true);
            }
            if let Some(at) = self
                .listening
                .iter()
                .position(|(known, _)| known == id.get())
            {
                let (_, listener) = self.listening.swap_remove(at);
                self.state.subscriptions.remove_all(&listener);
            }
        }
    }

    fn batch(&mut self, text: &str, now_ns: u64) {
        let revision = self.revision.unwrap_or(Revision::V2025_03_26);
        let mut cancelled = Vec::new();
        let asker = Asker::Connection(self.connection);
        let batch = if revision == Revision::V2025_03_26 && self.state.catalogue.speaks(Era::Legacy)
        {
            batch::read(self.state, text, asker, now_ns, |method, params| {
                if method == "notifications/cancelled"
                    && let Some(id) = params.and_then(|params| params.request_id)
                {
                    cancelled.push(id.get().to_owned());
                }
            })
            .map_err(|fault| (fault.code, fault.text))
        } else {
            Err((
                code::INVALID_REQUEST,
                "a batch is a thing of 2025-03-26: send one message a frame".into(),
            ))
        };
        let batch = match batch {
            Ok(batch) => batch,
            Err((code, sentence)) => return self.refuse("null", code, &sentence, now_ns),
        };
        for id in cancelled {
            for planned in self.waiting.cancel(&id) {
                self.state.count(&planned, self.transport, true);
            }
        }
        self.answer_batch(batch, now_ns);
    }

    /// The array leaves when its last answer is due; the calls count then, each with its own line.
    fn answer_batch(&mut self, batch: Vec<Planned>, now_ns: u64) {
        let Some(release_ns) = batch.iter().map(|planned| planned.release_ns).max() else {
            return;
        };
        let text = batch::join(batch.iter().map(|planned| planned.answer.text.as_str()));
        for planned in batch {
            // An empty text is never sent: it carries the end of a call to the instant of the array.
            self.waiting
                .push(release_ns, 0, "", String::new(), Some(planned));
        }
        self.waiting.push(release_ns, 0, "", text, None);
        self.release(now_ns);
    }
}
