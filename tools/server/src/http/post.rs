//! A POST to `/mcp`: one message, or a batch where the revision has batches.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, EXPECT, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response, StatusCode};
use protocol::code;
use protocol::header;
use protocol::revision::{Era, Revision};
use record::clock::mono_ns;

use super::body::{AnswerBody, Events, Waiting};
use super::refusal::Refusal;
use super::{legacy, modern};
use crate::batch;
use crate::connection::Connection;
use crate::dispatch::Answer;
use crate::message::{self, Message};
use crate::method::Method;
use crate::metrics::Class;
use crate::options::AnswerForm;
use crate::params::Params;
use crate::session::{Session, Ticket};
use crate::state::{Asker, State, class_of};

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
    let body = read_body(body, &head, state.options.limits.body_bytes).await?;
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
struct Post<'a> {
    state: &'a Arc<State>,
    connection: &'a Arc<Connection>,
    headers: &'a HeaderMap,
    accepts: Accepts,
    received_ns: u64,
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
                    Ok(()) => {
                        let answer = state.catalogue.answer(Era::Modern, id, method, params);
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
            Some(params) => state.catalogue.answer(Era::Legacy, id, method, params),
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
        let session = state.sessions.open(revision).map_err(|_| {
            let sentence = "there are as many sessions as there may be: end one with DELETE, wait, or raise --max-sessions";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Class::TooManySessions, sentence).id(id)
        })?;
        state.metrics.set_http_sessions(state.sessions.count());
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
        cancel(session.as_ref(), name, params.as_ref());
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
            cancel(context.session.as_ref(), name, params);
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
        let release_ns = batch
            .iter()
            .map(|planned| planned.release_ns)
            .max()
            .unwrap_or(0);
        let mut waiting: Vec<Waiting> = batch
            .into_iter()
            .map(|planned| {
                Waiting::new(Arc::clone(self.state), Arc::clone(self.connection), planned)
            })
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

    fn asker<'s>(&'s self, session: Option<&'s Arc<Session>>) -> Asker<'s> {
        match session {
            Some(session) => Asker::Session(&session.id),
            None => Asker::Connection(self.connection),
        }
    }

    /// Sends an answer in its form and at its time.
    async fn reply(
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
        let waiting = Waiting::new(Arc::clone(state), Arc::clone(self.connection), planned);
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

fn cancel(session: Option<&Arc<Session>>, name: &str, params: Option<&Params<'_>>) {
    if name == "notifications/cancelled"
        && let Some(session) = session
        && let Some(id) = params.and_then(|params| params.request_id)
    {
        session.cancel(id.get());
    }
}

fn bad_params(id: &str) -> Answer {
    let message = "params is an object with fields of the right types";
    Answer::error(id, code::INVALID_PARAMS, message, None)
}

fn accepted() -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::EMPTY);
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn json(text: String, status: StatusCode) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::full(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn events(body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Else nginx keeps events back until its buffer is full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim());
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let sentence = "the Content-Type of a POST must be application/json";
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Class::UnsupportedMediaType,
        sentence,
    )
    .closing())
}

/// The forms of answer that a client takes.
#[derive(Clone, Copy)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accepts {
    /// Lenient, as half of the servers out there: without the header a client takes anything.
    fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut accepts = Self::named(headers);
        if !headers.contains_key(ACCEPT) {
            accepts = Self {
                json: true,
                events: true,
            };
        }
        if accepts.json || accepts.events {
            return Ok(accepts);
        }
        let sentence = "Accept must list application/json, text/event-stream, or both";
        Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, Class::NotAcceptable, sentence).closing())
    }

    /// What the header names.
    pub(super) fn named(headers: &HeaderMap) -> Self {
        let mut accepts = Self {
            json: false,
            events: false,
        };
        let values = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            match range.split(';').next().unwrap_or_default().trim() {
                "*/*" => {
                    accepts = Self {
                        json: true,
                        events: true,
                    }
                }
                range if matches(range, "application/json", "application/*") => accepts.json = true,
                range if matches(range, "text/event-stream", "text/*") => accepts.events = true,
                _ => {}
            }
        }
        accepts
    }
}

fn matches(range: &str, exact: &str, wild: &str) -> bool {
    range.eq_ignore_ascii_case(exact) || range == wild
}

/// Reads the body whole. One that is too large is read on and thrown away for a while: a client that
/// is still sending when the connection closes sees a reset instead of the 413.
async fn read_body(mut body: Incoming, head: &Parts, most: usize) -> Result<Bytes, Refusal> {
    let sentence = "the body is larger than this server takes: see --max-body";
    let too_large =
        || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Class::TooLarge, sentence).closing();
    let cut_off = |_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            Class::BadHttp,
            "the body broke off",
        )
        .closing()
    };
    let announced = body.size_hint().lower();
    if announced > most as u64 && (head.headers.contains_key(EXPECT) || announced > DRAINED) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    let mut seen = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(cut_off)?.into_data() else {
            continue;
        };
        seen += data.len() as u64;
        if seen > most as u64 {
            (first, rest) = (Bytes::new(), None);
            if seen > DRAINED {
                break;
            }
        } else if first.is_empty() {
            // Most bodies come in one piece, and are not copied.
            first = data;
        } else {
            rest.get_or_insert_with(|| BytesMut::from(&first[..]))
                .extend_from_slice(&data);
        }
    }
    if seen > most as u64 {
        return Err(too_large());
    }
    Ok(rest.map_or(first, BytesMut::freeze))
}

/// How much of a body that is too large is read before the connection closes, in bytes.
const DRAINED: u64 = 32 << 20;
