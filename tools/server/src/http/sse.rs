//! HTTP+SSE of 2024-11-05: GET `/sse` opens a stream that says where to POST, and carries all answers.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response, StatusCode};
use protocol::code;
use protocol::revision::{Era, Revision};
use record::clock::mono_ns;

use super::accept::check_content_type;
use super::body::{AnswerBody, frames};
use super::intake::read_body;
use super::listen::{not_allowed, takes_events};
use super::refusal::Refusal;
use super::respond::{accepted, events};
use super::stream::{Purpose, Stream};
use crate::answer::Answer;
use crate::connection::Connection;
use crate::message::{self, Message};
use crate::method::Method;
use crate::metrics::{Class, Transport};
use crate::params::Params;
use crate::session::Session;
use crate::state::{Asker, State, class_of};

/// Opens a session, and its stream, which says first where its messages go.
///
/// # Errors
/// 405 without an Accept of events, or where this era is not spoken; 503 where there are too many sessions.
pub(super) fn open(
    state: &Arc<State>,
    connection: &Arc<Connection>,
    headers: &HeaderMap,
) -> Result<Response<AnswerBody>, Refusal> {
    if !takes_events(headers) || !state.catalogue.speaks(Era::Legacy) {
        let sentence = "GET /sse opens the stream of HTTP+SSE (Accept: text/event-stream), where legacy is spoken";
        return Err(not_allowed(sentence));
    }
    // What was said before is never said again in this transport.
    let session = state
        .sse_sessions
        .open(Revision::V2024_11_05, false)
        .map_err(|_| {
            let sentence = "there are as many sessions as there may be: close a stream, wait, or raise --max-sessions";
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Class::TooManySessions,
                sentence,
            )
        })?;
    let count = state.sse_sessions.count();
    state.metrics.set_sessions(Transport::Sse, count);
    let first = format!(
        "event: endpoint\ndata: /messages?session_id={}\n\n",
        session.id
    );
    let outbox = Arc::clone(&session.outbox);
    let purpose = Purpose::Sse(session);
    let stream = Stream::new(state, connection, &outbox, purpose, None, Some(first));
    Ok(events(AnswerBody::Stream(Box::new(stream))))
}

/// Takes one message; its answer goes to the stream.
///
/// # Errors
/// 404 for a session that is gone, 400 for what is no message, 503 while too much waits for the stream.
pub(super) async fn message(
    state: &Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Refusal> {
    let (head, body) = request.into_parts();
    check_content_type(&head.headers)?;
    let id = head.uri.query().and_then(|query| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == "session_id")
    });
    let session = id.and_then(|(_, id)| state.sse_sessions.get(id));
    let body = read_body(body, &head, &state.options.limits).await?;
    let received_ns = mono_ns();
    let Some(session) = session else {
        let sentence =
            "no such session: GET /sse opens one, and its first event says where to POST";
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            Class::SessionUnknown,
            sentence,
        ));
    };
    let refuse = |code, sentence| {
        let class = class_of(Some(code));
        Refusal::new(StatusCode::BAD_REQUEST, class, sentence).code(code)
    };
    let text = str::from_utf8(&body)
        .map_err(|_| refuse(code::PARSE_ERROR, "the body is not UTF-8".into()))?;
    match message::read(text) {
        Ok(Message::Request { id, method, params }) => {
            let (waiting, bytes) = session.outbox.load();
            let limits = &state.options.limits;
            if waiting >= limits.in_flight || bytes >= limits.held_bytes {
                let sentence =
                    "too many answers wait for the stream to be read: see --max-in-flight";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                return Err(Refusal::new(status, Class::TooLarge, sentence).id(id));
            }
            call(state, &session, id, &method, params, received_ns);
        }
        Ok(Message::Notification { method, params }) => {
            let params = Params::read(params);
            if &*method == "notifications/cancelled"
                && let Some(id) = params.and_then(|params| params.request_id)
            {
                for planned in session.outbox.cancel(id.get()) {
                    state.count(&planned, Transport::Sse, true);
                }
            }
        }
        Ok(Message::Response) => {}
        Err(fault) => return Err(refuse(fault.code, fault.text).id(fault.id)),
    }
    Ok(accepted())
}

fn call(
    state: &State,
    session: &Session,
    id: &str,
    name: &str,
    raw: Option<&str>,
    received_ns: u64,
) {
    let method = Method::named(name);
    let answer = match Params::read(raw) {
        None => {
            let message = "params is an object with fields of the right types";
            Answer::error(id, code::INVALID_PARAMS, message, None)
        }
        Some(params) if method == Method::Initialize => state.catalogue.initialize(id, &params).1,
        Some(params) => state.answer(Era::Legacy, id, method, &params, Some(&mut session.ear())),
    };
    let asker = Asker::Session(&session.id);
    let planned = state.plan(answer, id, method, Era::Legacy, asker, received_ns);
    let mut messages: Vec<(u64, String)> = frames(state, &planned).collect();
    let last = messages.pop();
    for (release_ns, text) in messages {
        session.outbox.push(release_ns, release_ns, id, text, None);
    }
    if let Some((release_ns, text)) = last {
        let done_ns = planned.done_ns;
        session
            .outbox
            .push(release_ns, done_ns, id, text, Some(planned));
    }
}
