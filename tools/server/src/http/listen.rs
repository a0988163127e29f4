//! GET and DELETE on `/mcp`: the legacy stream from the server, and the end of a session.

use std::sync::Arc;

use hyper::header::ACCEPT;
use hyper::{HeaderMap, Response, StatusCode};
use protocol::header;
use protocol::revision::Revision;

use super::body::AnswerBody;
use super::legacy;
use super::refusal::Refusal;
use super::respond::events;
use super::stream::{Purpose, Seen, Stream};
use crate::connection::Connection;
use crate::metrics::{Class, Transport};
use crate::state::State;

/// Opens the stream on which a session hears of what changes, from where a client left off that names
/// the last event it saw (`Last-Event-ID`). A second stream takes the place of the first.
///
/// # Errors
/// 405 without sessions or without an Accept of events, 400 for an event id that was never given, else
/// what [`legacy::context`] finds.
pub(super) fn listen(
    state: &Arc<State>,
    connection: &Arc<Connection>,
    headers: &HeaderMap,
) -> Result<Response<AnswerBody>, Refusal> {
    if !has_streams(state, headers) || !takes_events(headers) {
        let sentence = "GET opens a WebSocket, or the event stream of a legacy session (Accept: text/event-stream)";
        return Err(not_allowed(sentence));
    }
    let context = legacy::context(state, headers)?;
    let Some(session) = context.session else {
        return Err(not_allowed(
            "this server keeps no sessions, so there is no stream to open",
        ));
    };
    let seen = match headers.get(header::LAST_EVENT_ID) {
        None => None,
        Some(id) => Some(id.to_str().ok().and_then(Seen::read).ok_or_else(unknown)?),
    };
    let (outbox, seen, purpose) = match seen {
        Some(Seen::Answer(number, place)) => {
            let outbox = session.kept.get(number).ok_or_else(unknown)?;
            (
                outbox,
                Some(place),
                Purpose::Answer(Some((session, number))),
            )
        }
        Some(Seen::Get(place)) => {
            let outbox = Arc::clone(&session.outbox);
            (outbox, Some(place), Purpose::Session(session))
        }
        None => (Arc::clone(&session.outbox), None, Purpose::Session(session)),
    };
    let first = purpose.first(seen.unwrap_or_else(|| outbox.given()));
    let first = first.unwrap_or_else(|| String::from(": alive\n\n"));
    let stream = Stream::new(state, connection, &outbox, purpose, seen, Some(first));
    Ok(events(AnswerBody::Stream(Box::new(stream))))
}

fn unknown() -> Refusal {
    let sentence = "no such event, or it is no longer kept: send the Last-Event-ID that an event of this session had";
    Refusal::new(StatusCode::BAD_REQUEST, Class::InvalidRequest, sentence)
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
        state.part(&session, Transport::Http);
        state
            .metrics
            .set_sessions(Transport::Http, state.sessions.count());
    }
    Ok(Response::new(AnswerBody::EMPTY))
}

/// Named in so many words: `*/*` is what a browser sends that has lost its way.
pub(super) fn takes_events(headers: &HeaderMap) -> bool {
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
