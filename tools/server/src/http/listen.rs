//! GET and DELETE on `/mcp`: the legacy stream from the server, and the end of a session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{HeaderMap, Response, StatusCode};
use protocol::header;
use protocol::revision::Revision;
use tokio::sync::mpsc;

use super::accept::Accepts;
use super::body::AnswerBody;
use super::legacy;
use super::refusal::Refusal;
use super::respond::events;
use crate::metrics::Class;
use crate::state::{Phase, State};

/// How often the silent stream says that it is alive; proxies give up after 60 s.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// Opens the stream on which a server could send requests and notifications; ours has none to send.
///
/// # Errors
/// 405 without sessions or without an Accept of events, else what [`legacy::context`] finds.
pub(super) fn listen(
    state: &Arc<State>,
    headers: &HeaderMap,
) -> Result<Response<AnswerBody>, Refusal> {
    if !has_streams(state, headers) || !Accepts::named(headers).events {
        let sentence = "GET opens a WebSocket, or the event stream of a legacy session (Accept: text/event-stream)";
        return Err(not_allowed(sentence));
    }
    let Some(session) = legacy::context(state, headers)?.session else {
        return Err(not_allowed(
            "this server keeps no sessions, so there is no stream to open",
        ));
    };
    let (send, comments) = mpsc::channel(1);
    let mut phase = state.phase.subscribe();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(COMMENT_EVERY);
        loop {
            tokio::select! {
                () = session.ended.notified() => return,
                () = send.closed() => return,
                _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
                _ = ticks.tick() => {
                    // An open stream is use of the session.
                    session.touch();
                    // A client that has not read the last comment needs no other.
                    let _ = send.try_send(Bytes::from_static(b": alive\n\n"));
                }
            }
        }
    });
    Ok(events(AnswerBody::Quiet(comments)))
}

/// Ends a session.
///
/// # Errors
/// 405 without sessions, else what [`legacy::context`] finds.
pub(super) fn delete(state: &State, headers: &HeaderMap) -> Result<Response<AnswerBody>, Refusal> {
    if !has_streams(state, headers) {
        return Err(not_allowed(
            "this server keeps no sessions, so there is none to end",
        ));
    }
    if let Some(session) = legacy::context(state, headers)?.session {
        state.sessions.end(&session.id);
        state.metrics.set_http_sessions(state.sessions.count());
    }
    Ok(Response::new(AnswerBody::EMPTY))
}

/// Modern requests know neither sessions nor streams of this kind (2026-07-28, Streamable HTTP).
fn has_streams(state: &State, headers: &HeaderMap) -> bool {
    let modern = headers
        .get(header::PROTOCOL_VERSION)
        .is_some_and(|version| version.as_bytes() == Revision::MODERN.as_str().as_bytes());
    !modern && !state.options.stateless && state.catalogue.speaks(protocol::revision::Era::Legacy)
}

pub(super) fn not_allowed(sentence: &'static str) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Class::MethodNotAllowed,
        sentence,
    )
    .allowing("POST, GET, DELETE")
}
