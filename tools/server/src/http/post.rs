//! A POST to `/mcp`: one message, or a batch where the revision has batches.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Request, Response, StatusCode};
use protocol::code;
use protocol::header;
use protocol::revision::{Era, Revision};
use record::clock::mono_ns;

use super::accept::{Accepts, check_content_type};
use super::body::{AnswerBody, Waiting};
use super::intake::read_body;
use super::refusal::Refusal;
use super::respond::{accepted, events, json};
use super::stream::{Purpose, Stream};
use super::{legacy, modern};
use crate::answer::Answer;
use crate::batch;
use crate::connection::Connection;
use crate::message::{self, Message};
use crate::method::Method;
use crate::metrics::{Class, Transport};
use crate::options::AnswerForm;
use crate::outbox::Outbox;
use crate::params::Params;
use crate::reply::{self, Caching};
use crate::session::Session;
use crate::state::{State, class_of};

/// Answers a POST.
///
/// # Errors
/// What is refused before a call comes of it.
pub(crate) async fn post(
    state: &Arc<State>,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Refusal> {
    let (head, body) = request.into_parts();
    check_content_type(&head.headers)?;
    let accepts = Accepts::read(&head.headers)?;
    let body = read_body(body, &head, &state.options.limits).await?;
    let received_ns = mono_ns();
    let text = std::str::from_utf8(&body).map_err(|_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            Class::ParseError,
            "the body is not UTF-8",
        )
        .code(code::PARSE_ERROR)
    })?;
    let post = Post {
        state,
        connection,
        headers: &head.headers,
        accepts,
        received_ns,
    };
    if text.trim_ascii_start().starts_with('[') {
        return post.batch(text).await;
    }
    match message::read(text) {
        Ok(Message::Request { id, method, params }) => post.request(id, &method, params).await,
        Ok(Message::Notification { method, params }) => post.notification(&method, params),
        Ok(Message::Response) => {
            if !modern::is_modern(state, &head.headers, None) {
                legacy::context(state, &head.headers)?;
            }
            Ok(accepted())
        }
        Err(fault) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            class_of(Some(fault.code)),
            fault.text,
        )
        .code(fault.code)
        .id(fault.id)),
    }
}

/// A POST whose body is here.
pub(super) struct Post<'a> {
    pub(super) state: &'a Arc<State>,
    pub(super) connection: &'a Arc<Connection>,
    pub(super) headers: &'a HeaderMap,
    pub(super) accepts: Accepts,
    pub(super) received_ns: u64,
}

impl Post<'_> {
    async fn request(
        &self,
        id: &str,
        name: &str,
        raw: Option<&str>,
    ) -> Result<Response<AnswerBody>, Refusal> {
        let (state, method) = (self.state, Method::named(name));
        let params = Params::read(raw);
        if modern::is_modern(state, self.headers, params.as_ref()) {
            let (answer, status) = match &params {
                None => (bad_params(id), StatusCode::BAD_REQUEST),
                Some(params) => match modern::check(state, self.headers, id, name, params) {
                    Err(answer) => (answer, StatusCode::BAD_REQUEST),
                    Ok(()) if method == Method::Listen && self.accepts.events => {
                        return self.listen(id, params).await;
                    }
                    Ok(()) => {
                        let answer = state.answer(Era::Modern, id, method, params, None);
                        let unknown = answer.code == Some(code::METHOD_NOT_FOUND);
                        (
                            answer,
                            if unknown {
                                StatusCode::NOT_FOUND
                            } else {
                                StatusCode::OK
                            },
                        )
                    }
                },
            };
            return Ok(self
                .reply(id, method, Era::Modern, None, answer, status)
                .await);
        }
        if method == Method::Initialize {
            return self.initialize(id, params).await;
        }
        let session = legacy::context(state, self.headers)
            .map_err(|refusal| refusal.id(id))?
            .session;
        let answer = match &params {
            None => bad_params(id),
            Some(params) => {
                let mut ear = session.as_ref().map(|session| session.ear());
                state.answer(Era::Legacy, id, method, params, ear.as_deref_mut())
            }
        };
        Ok(self
            .reply(
                id,
                method,
                Era::Legacy,
                session.as_ref(),
                answer,
                StatusCode::OK,
            )
            .await)
    }

    /// `subscriptions/listen`: a stream that stays open.
    async fn listen(&self, id: &str, params: &Params<'_>) -> Result<Response<AnswerBody>, Refusal> {
        let (state, outbox) = (self.state, Arc::new(Outbox::new(false)));
        let listener = match state.listen(id, params, &outbox) {
            Ok(listener) => listener,
            Err(answer) => {
                let (method, status) = (Method::Listen, StatusCode::BAD_REQUEST);
                return Ok(self
                    .reply(id, method, Era::Modern, None, answer, status)
                    .await);
            }
        };
        let purpose = Purpose::Listen {
            listener,
            goodbye: reply::result(id, Era::Modern, Caching::Silent, ""),
        };
        let stream = Stream::new(state, self.connection, &outbox, purpose, None, None);
        Ok(events(AnswerBody::Stream(Box::new(stream))))
    }

    async fn initialize(
        &self,
        id: &str,
        params: Option<Params<'_>>,
    ) -> Result<Response<AnswerBody>, Refusal> {
        let state = self.state;
        legacy::revision(self.headers).map_err(|refusal| refusal.id(id))?;
        let Some(params) = params else {
            return Ok(self
                .reply(
                    id,
                    Method::Initialize,
                    Era::Legacy,
                    None,
                    bad_params(id),
                    StatusCode::OK,
                )
                .await);
        };
        let (revision, answer) = state.catalogue.initialize(id, &params);
        if state.options.stateless {
            return Ok(self
                .reply(
                    id,
                    Method::Initialize,
                    Era::Legacy,
                    None,
                    answer,
                    StatusCode::OK,
                )
                .await);
        }
        let session = state.sessions.open(revision, true).map_err(|_| {
            let sentence = "there are as many sessions as there may be: end one with DELETE, wait, or raise --max-sessions";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Class::TooManySessions, sentence).id(id)
        })?;
        state
            .metrics
            .set_sessions(Transport::Http, state.sessions.count());
        let mut response = self
            .reply(
                id,
                Method::Initialize,
                Era::Legacy,
                Some(&session),
                answer,
                StatusCode::OK,
            )
            .await;
        // Hex digits are always a legal value.
        if let Ok(value) = HeaderValue::from_str(&session.id) {
            response.headers_mut().insert(header::SESSION_ID, value);
        }
        Ok(response)
    }

    fn notification(&self, name: &str, raw: Option<&str>) -> Result<Response<AnswerBody>, Refusal> {
        let params = Params::read(raw);
        if modern::is_modern(self.state, self.headers, params.as_ref()) {
            modern::check_method(self.headers, name).map_err(|sentence| {
                Refusal::new(StatusCode::BAD_REQUEST, Class::HeaderMismatch, sentence)
                    .code(code::HEADER_MISMATCH)
            })?;
            return Ok(accepted());
        }
        let session = legacy::context(self.state, self.headers)?.session;
        cancel(self.state, session.as_ref(), name, params.as_ref());
        Ok(accepted())
    }

    /// An array of messages, in 2025-03-26 only; its answers are an array too, when the last is due.
    async fn batch(&self, text: &str) -> Result<Response<AnswerBody>, Refusal> {
        let refuse =
            |sentence| Refusal::new(StatusCode::BAD_REQUEST, Class::InvalidRequest, sentence);
        if modern::is_modern(self.state, self.headers, None) {
            return Err(refuse(
                "a batch is a thing of 2025-03-26: send one message a request",
            ));
        }
        let context = legacy::context(self.state, self.headers)?;
        if context.revision != Revision::V2025_03_26 {
            return Err(refuse(
                "a batch is a thing of 2025-03-26: send one message a request",
            ));
        }
        let asker = self.asker(context.session.as_ref());
        let batch = batch::read(self.state, text, asker, self.received_ns, |name, params| {
            cancel(self.state, context.session.as_ref(), name, params);
        })
        .map_err(|fault| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                class_of(Some(fault.code)),
                fault.text,
            )
            .code(fault.code)
        })?;
        if batch.is_empty() {
            return Ok(accepted());
        }
        if self.accepts.events && self.state.options.answers == AnswerForm::Sse {
            return Ok(self.answer_stream(context.session.as_ref(), "", batch));
        }
        let release_ns = batch
            .iter()
            .map(|planned| planned.release_ns)
            .max()
            .unwrap_or(0);
        let mut waiting: Vec<Waiting> = batch
            .into_iter()
            .map(|planned| Waiting::new(Arc::clone(self.state), self.connection, planned))
            .collect();
        if release_ns > self.received_ns {
            self.state.alarm.until(release_ns).await;
        }
        waiting.iter_mut().for_each(Waiting::answer);
        let text = batch::join(
            waiting
                .iter()
                .map(|waiting| waiting.planned.answer.text.as_str()),
        );
        Ok(json(text, StatusCode::OK))
    }
}

fn cancel(state: &State, session: Option<&Arc<Session>>, name: &str, params: Option<&Params<'_>>) {
    if name == "notifications/cancelled"
        && let Some(session) = session
        && let Some(id) = params.and_then(|params| params.request_id)
    {
        session.cancel(id.get());
        for planned in session.kept.cancel(id.get()) {
            state.count(&planned, Transport::Http, true);
        }
    }
}

fn bad_params(id: &str) -> Answer {
    let message = "params is an object with fields of the right types";
    Answer::error(id, code::INVALID_PARAMS, message, None)
}
