//! The handshake of a WebSocket, after which the connection belongs to [`link`].

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::ws::accept_key;

use crate::connection::{Connection, Socket};
use crate::http::Refusal;
use crate::http::body::AnswerBody;
use crate::link::{self, Form};
use crate::metrics::{Class, Transport};
use crate::state::State;

/// Whether a GET asks for a WebSocket.
pub(crate) fn is_upgrade(headers: &HeaderMap) -> bool {
    lists(headers, UPGRADE, "websocket") && lists(headers, CONNECTION, "upgrade")
}

/// Answers the handshake (RFC 6455, 4.2) and hands the connection over when the 101 is out.
///
/// # Errors
/// 426 for another version of the protocol, 400 without a key.
pub(crate) fn upgrade(
    state: &Arc<State>,
    connection: &Arc<Connection>,
    request: &mut Request<Incoming>,
) -> Result<Response<AnswerBody>, Refusal> {
    let headers = request.headers();
    if !lists(headers, SEC_WEBSOCKET_VERSION, "13") {
        let sentence = "this server speaks version 13 of WebSocket";
        return Err(Refusal::new(
            StatusCode::UPGRADE_REQUIRED,
            Class::BadHandshake,
            sentence,
        ));
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24) else {
        let sentence = "the handshake needs a Sec-WebSocket-Key of 16 bytes in base64";
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            Class::BadHandshake,
            sentence,
        ));
    };
    let accept = HeaderValue::from_str(&accept_key(key.as_bytes()));
    let offered = lists(headers, SEC_WEBSOCKET_PROTOCOL, "mcp");
    let mut response = Response::new(AnswerBody::EMPTY);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = accept {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    // Client libraries refuse a subprotocol that they did not offer, and most refuse to get none
    // that they did.
    if offered {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mcp"));
    }
    let upgrade = hyper::upgrade::on(request);
    let (state, connection) = (Arc::clone(state), Arc::clone(connection));
    // Subscribed before the HTTP side lets go, so that a stop in between waits for us.
    let phase = state.phase.subscribe();
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else {
            return;
        };
        // Our own socket comes back out, without hyper's wrapping, with what it had read ahead.
        let Ok(parts) = upgraded.downcast::<TokioIo<Socket>>() else {
            return;
        };
        let early = parts.read_buf.to_vec();
        let socket = parts.io.into_inner();
        let kind = (Transport::WebSocket, Form::Frames);
        link::run(state, connection, socket, kind, early, phase).await;
    });
    Ok(response)
}

/// Whether a header holds this token in its comma-separated list, whatever the case.
fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}
