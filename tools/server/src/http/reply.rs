//! Sends the answer to a POST in the form that its client takes, at the instant that is planned for it.

use std::sync::Arc;

use hyper::{Response, StatusCode};
use protocol::revision::Era;

use super::body::{AnswerBody, Events, Waiting};
use super::post::Post;
use super::respond::{accepted, events, json};
use crate::answer::Answer;
use crate::method::Method;
use crate::options::AnswerForm;
use crate::session::{Session, Ticket};
use crate::state::Asker;

impl Post<'_> {
    pub(super) fn asker<'s>(&'s self, session: Option<&'s Arc<Session>>) -> Asker<'s> {
        match session {
            Some(session) => Asker::Session(&session.id),
            None => Asker::Connection(self.connection),
        }
    }

    /// Sends an answer in its form and at its time.
    pub(super) async fn reply(
        &self,
        id: &str,
        method: Method,
        era: Era,
        session: Option<&Arc<Session>>,
        answer: Answer,
        status: StatusCode,
    ) -> Response<AnswerBody> {
        let state = self.state;
        let planned = state.plan(
            answer,
            id,
            method,
            era,
            self.asker(session),
            self.received_ns,
        );
        let ticket = (planned.release_ns > self.received_ns && method != Method::Initialize)
            .then(|| session.map(|session| session.wait(id)))
            .flatten();
        let stream = self.accepts.events
            && status == StatusCode::OK
            && (state.options.answers == AnswerForm::Sse
                || planned.answer.steps.is_some()
                || !self.accepts.json);
        let waiting = Waiting::new(Arc::clone(state), self.connection, planned);
        if stream {
            return events(AnswerBody::Events(Box::new(Events::new(waiting, ticket))));
        }
        self.wait(waiting, ticket, status).await
    }

    async fn wait(
        &self,
        mut waiting: Waiting,
        ticket: Option<Ticket>,
        status: StatusCode,
    ) -> Response<AnswerBody> {
        let release_ns = waiting.planned.release_ns;
        if release_ns > self.received_ns {
            let due = self.state.alarm.until(release_ns);
            match ticket {
                None => due.await,
                Some(mut ticket) => tokio::select! {
                    () = due => {}
                    Ok(()) = &mut ticket.cancelled => {
                        // A cancelled call has no answer, but HTTP wants one: a stream without
                        // events, or an empty 202 for a client that takes no streams.
                        return if self.accepts.events { events(AnswerBody::EMPTY) } else { accepted() };
                    }
                },
            }
        }
        waiting.answer();
        json(std::mem::take(&mut waiting.planned.answer.text), status)
    }
}
