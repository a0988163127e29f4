//! GET and DELETE on `/mcp`: the legacy stream from the server, and the end of a session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::ACCEPT;
use hyper::{HeaderMap, Response, StatusCode};
use protocol::header;
use protocol::revision::Revision;
use tokio::sync::mpsc;

use super::body::AnswerBody;
use super::legacy;
use super::refusal::Refusal;
use super::respond::events;
use crate::connection::{Busy, Connection};
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
    connection: &Arc<Connection>,
    headers: &HeaderMap,
) -> Result<Response<AnswerBody>, Refusal> {
    if !has_streams(state, headers) || !takes_events(headers) {
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
    // An open stream is use of its session, so it must speak before that is idle.
    let every = COMMENT_EVERY
        .min(state.options.limits.idle / 4)
        .max(Duration::from_millis(1));
    let busy = Busy::new(connection);
    tokio::spawn(async move {
        let _busy = busy;
        let mut ticks = tokio::time::interval(every);
        loop {
            tokio::select! {
                () = session.ended.notified() => return,
                () = send.closed() => return,
                _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
                _ = ticks.tick() => {
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

/// Named in so many words: `*/*` is what a browser sends that has lost its way.
fn takes_events(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("text/event-stream"))
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
