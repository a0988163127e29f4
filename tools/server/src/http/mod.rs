//! The HTTP side: which path and method goes where, after Host and Origin were looked at.

mod accept;
pub(crate) mod body;
mod cookie;
mod intake;
mod legacy;
mod listen;
mod modern;
mod post;
mod refusal;
mod reply;
mod respond;
mod sse;
mod stream;

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};

use self::body::AnswerBody;
pub(crate) use self::refusal::Refusal;
use crate::connection::Connection;
use crate::metrics::Class;
use crate::state::State;
use crate::websocket;

/// Answers a request; what goes wrong is an answer too.
pub(crate) async fn handle(
    state: Arc<State>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    connection.handling();
    let answered = answer(&state, &connection, request).await;
    connection.handled();
    Ok(answered)
}

async fn answer(
    state: &Arc<State>,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let is_page = matches!(request.uri().path(), "/health" | "/metrics");
    let cookie = if is_page {
        None
    } else {
        cookie::is_sent(state, request.headers())
    };
    let mut response = match route(state, connection, request).await {
        Ok(response) => {
            // A 202 answers no call, but a stall holds it too.
            if response.status() == StatusCode::ACCEPTED {
                state.hold().await;
            }
            response
        }
        Err(refusal) => {
            state.metrics.error(refusal.class);
            state.hold().await;
            refusal.into_response()
        }
    };
    if cookie == Some(false) {
        cookie::set(state, response.headers_mut());
    }
    response
}

/// The paths that speak MCP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Mcp,
    /// For clients that expect it here (erlmcp).
    WebSocket,
    /// Both of HTTP+SSE (2024-11-05).
    Sse,
    Messages,
}

async fn route(
    state: &Arc<State>,
    connection: &Arc<Connection>,
    mut request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Refusal> {
    let place = match request.uri().path() {
        "/mcp" => Place::Mcp,
        "/mcp/ws" => Place::WebSocket,
        "/sse" => Place::Sse,
        "/messages" => Place::Messages,
        // Neither gives anything away, and both are asked by names that only an orchestrator knows.
        "/health" => {
            return page(&request, "application/json", || {
                String::from("{\"status\":\"ok\"}\n")
            });
        }
        "/metrics" => {
            return page(&request, "text/plain; version=0.0.4", || {
                state.metrics.render()
            });
        }
        _ => {
            let sentence = "nothing here: MCP is at /mcp, in 2024-11-05 also at /sse, and there are /health and /metrics";
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                Class::NotFound,
                sentence,
            ));
        }
    };
    admit(state, connection, &request)?;
    match (place, request.method()) {
        (Place::Sse, &Method::GET) => return sse::open(state, connection, request.headers()),
        (Place::Sse, _) => {
            return Err(listen::not_allowed(
                "/sse takes GET: its first event says where to POST",
            ));
        }
        (Place::Messages, &Method::POST) => return sse::message(state, request).await,
        (Place::Messages, _) => {
            return Err(listen::not_allowed(
                "/messages takes POST: GET /sse opens a stream",
            ));
        }
        (Place::Mcp | Place::WebSocket, _) => {}
    }
    match *request.method() {
        Method::GET if websocket::is_upgrade(request.headers()) => {
            websocket::upgrade(state, connection, &mut request)
        }
        _ if place == Place::WebSocket => Err(listen::not_allowed(
            "/mcp/ws takes WebSocket upgrades only: HTTP is at /mcp",
        )),
        Method::POST => post::post(state, connection, request).await,
        Method::GET => listen::listen(state, connection, request.headers()),
        Method::DELETE => listen::delete(state, request.headers()),
        _ => Err(listen::not_allowed("use POST, GET or DELETE")),
    }
}

/// Host and Origin must be trusted.
fn admit<B>(state: &State, connection: &Connection, request: &Request<B>) -> Result<(), Refusal> {
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next(), request.uri().authority()) {
        (Some(host), None, _) => host.to_str().unwrap_or_default(),
        // In HTTP/2 it stands in front of the headers.
        (None, None, Some(authority)) => authority.as_str(),
        _ => {
            let sentence = "the request must have one Host header";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, Class::BadHttp, sentence).closing());
        }
    };
    if !state.guard.host(host, connection.local) {
        let sentence = "this server does not answer to that Host: start it with --allow-host and the name, or send another Host";
        return Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            Class::ForeignHost,
            sentence,
        )
        .closing());
    }
    if let Some(origin) = headers.get(ORIGIN)
        && !state
            .guard
            .origin(origin.to_str().unwrap_or_default(), connection.local)
    {
        let sentence =
            "this server does not trust that Origin: start it with --allow-origin and the origin";
        return Err(Refusal::new(StatusCode::FORBIDDEN, Class::ForeignOrigin, sentence).closing());
    }
    Ok(())
}

fn page(
    request: &Request<Incoming>,
    content_type: &'static str,
    text: impl FnOnce() -> String,
) -> Result<Response<AnswerBody>, Refusal> {
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Class::MethodNotAllowed,
            "use GET",
        )
        .allowing("GET"));
    }
    let mut response = Response::new(AnswerBody::full(text()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}
