//! Sends the answer to a POST in the form that its client takes, at the instant that is planned for it.

use std::sync::Arc;

use hyper::{Response, StatusCode};
use protocol::revision::Era;

use super::body::{AnswerBody, Events, Waiting, frames};
use super::post::Post;
use super::respond::{accepted, events, json};
use super::stream::{Purpose, Stream};
use crate::answer::Answer;
use crate::method::Method;
use crate::options::AnswerForm;
use crate::outbox::Outbox;
use crate::session::{Session, Ticket};
use crate::state::{Asker, Planned};

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
        let stream = self.accepts.events
            && status == StatusCode::OK
            && (state.options.answers == AnswerForm::Sse
                || planned.answer.steps.is_some()
                || !self.accepts.json);
        if let Some(session) = session
            && stream
            && state.options.keeps_answers()
            && method != Method::Initialize
        {
            return self.answer_stream(Some(session), id, vec![planned]);
        }
        let ticket = (planned.release_ns > self.received_ns && method != Method::Initialize)
            .then(|| session.map(|session| session.wait(id)))
            .flatten();
        let waiting = Waiting::new(Arc::clone(state), self.connection, planned);
        if stream {
            return events(AnswerBody::Events(Box::new(Events::new(waiting, ticket))));
        }
        self.wait(waiting, ticket, status).await
    }

    /// Answers that come as events, each at its instant; a session can have them again where they are kept, and cancel
    /// them by `id`.
    pub(super) fn answer_stream(
        &self,
        session: Option<&Arc<Session>>,
        id: &str,
        answers: Vec<Planned>,
    ) -> Response<AnswerBody> {
        let state = self.state;
        let session = session.filter(|_| state.options.keeps_answers());
        let outbox = Arc::new(Outbox::new(session.is_some()));
        let mut bytes = 0;
        for planned in answers {
            let mut messages: Vec<(u64, String)> = frames(state, &planned).collect();
            bytes += messages.iter().map(|(_, text)| text.len()).sum::<usize>();
            let last = messages.pop();
            for (release_ns, text) in messages {
                outbox.push(release_ns, release_ns, id, text, None);
            }
            if let Some((release_ns, text)) = last {
                outbox.push(release_ns, planned.done_ns, id, text, Some(planned));
            }
        }
        outbox.finish();
        let kept = session.and_then(|session| {
            let number = session.kept.keep(&outbox, bytes)?;
            Some((Arc::clone(session), number))
        });
        let purpose = Purpose::Answer(kept);
        let first = purpose.first(0);
        let stream = Stream::new(state, self.connection, &outbox, purpose, None, first);
        events(AnswerBody::Stream(Box::new(stream)))
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
