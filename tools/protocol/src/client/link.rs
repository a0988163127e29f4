//! A conversation with a server, whatever the transport: ask and be answered, tell, and take leave.

use serde_json::Value;
use serde_json::value::RawValue;

use super::connect::{Deadline, Lost};
use super::http::HttpLink;
use super::lines::LineLink;
use super::sse::SseLink;
use super::websocket::WsLink;
use crate::answer::{Incoming, read};
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::outcome::Outcome;
use crate::transport::Transport;

/// What a server said to a request.
#[derive(Debug)]
pub(super) enum Said {
    /// The result.
    Result(Value),
    /// A JSON-RPC error, with the HTTP status that it came with (200 elsewhere).
    Error {
        code: i64,
        message: String,
        data: Value,
        status: u16,
    },
    /// An HTTP refusal without a message.
    Refused {
        status: u16,
        said: String,
        location: Option<String>,
    },
    /// Something that is no MCP.
    Nonsense(String),
}

/// A conversation.
pub(super) enum Link {
    Http(Box<HttpLink>),
    WebSocket(Box<WsLink>),
    Lines(Box<LineLink>),
    Sse(Box<SseLink>),
}

impl Link {
    /// Sends a request and waits for its answer.
    pub(super) fn ask(
        &mut self,
        id: u64,
        method: &str,
        message: &[u8],
        deadline: Deadline,
    ) -> Result<Said, Lost> {
        match self {
            Self::Http(link) => link.ask(id, method, message, deadline),
            Self::WebSocket(link) => link.ask(id, message, deadline),
            Self::Lines(link) => link.ask(id, message, deadline),
            Self::Sse(link) => link.ask(id, message, deadline),
        }
    }

    /// Sends a notification.
    pub(super) fn tell(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Lost> {
        match self {
            Self::Http(link) => link.tell(message, deadline),
            Self::WebSocket(link) => link.send(message, deadline),
            Self::Lines(link) => link.send(message, deadline),
            Self::Sse(link) => link.tell(message, deadline),
        }
    }

    /// From now on this dialect is spoken; `None` before that is settled.
    pub(super) fn speak(&mut self, dialect: Option<Dialect>) {
        match self {
            Self::Http(link) => link.dialect = dialect,
            Self::Sse(link) => link.speak(dialect),
            Self::WebSocket(_) | Self::Lines(_) => {}
        }
    }

    /// How its messages travel.
    pub(super) fn transport(&self, endpoint: &Endpoint) -> Transport {
        match self {
            Self::Sse(_) => Transport::Sse,
            _ => endpoint.scheme.transport(),
        }
    }

    /// Whether its last connection spoke HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Http(link) if link.is_http2)
    }

    /// The server gave out a session id.
    pub(super) fn has_session(&self) -> bool {
        matches!(self, Self::Http(link) if link.session.is_some())
    }

    /// What was odd about the conversation itself, for a note.
    pub(super) fn oddity(&self) -> Option<String> {
        match self {
            Self::Lines(link) => link.oddity(),
            Self::Http(_) | Self::WebSocket(_) | Self::Sse(_) => None,
        }
    }

    /// The server takes the subprotocol `mcp`.
    pub(super) fn has_subprotocol(&self) -> bool {
        matches!(self, Self::WebSocket(link) if link.subprotocol)
    }

    /// Ends the session and the connection. Nothing that goes wrong here matters to anybody.
    pub(super) fn end(self) {
        match self {
            Self::Http(link) => link.end(),
            Self::WebSocket(link) => link.end(),
            Self::Lines(link) => link.end(),
            Self::Sse(link) => link.end(),
        }
    }
}

/// What one message of the server is, seen by somebody who waits for the answer to `id`.
pub(super) enum Heard<'a> {
    Answer(Said),
    /// To be replied to.
    Request(&'a RawValue, String),
    /// A notification, or an answer to somebody else.
    Other,
    /// No message at all; what it is instead.
    Nonsense(String),
}

/// `alone` says that the message can only be meant for us, so that an error without our id counts:
/// a server that could not read the request does not know it.
pub(super) fn hear(message: &[u8], id: Option<u64>, alone: bool) -> Heard<'_> {
    match read(message) {
        Ok(Incoming::Request { id, method }) => Heard::Request(id, method.into_owned()),
        Ok(Incoming::Notification { .. }) => Heard::Other,
        Ok(Incoming::Answer { id: got, outcome }) => {
            let is_ours = (got.is_some() && got == id)
                || (alone && got.is_none() && matches!(outcome, Outcome::RpcError(_)));
            if is_ours {
                Heard::Answer(said(message))
            } else {
                Heard::Other
            }
        }
        Err(why) => Heard::Nonsense(why.to_string()),
    }
}

fn said(message: &[u8]) -> Said {
    let Ok(mut message) = serde_json::from_slice::<Value>(message) else {
        return Said::Nonsense("its answer holds a number or text that cannot be read".to_owned());
    };
    match (message["result"].take(), &mut message["error"]) {
        (Value::Object(result), _) => Said::Result(Value::Object(result)),
        (_, Value::Object(error)) => Said::Error {
            code: error.get("code").and_then(Value::as_i64).unwrap_or(0),
            message: super::error::excerpt(
                error
                    .get("message")
                    .and_then(Value::as_str)
                    .unwrap_or("no message")
                    .as_bytes(),
            ),
            data: error.remove("data").unwrap_or(Value::Null),
            status: 200,
        },
        _ => Said::Nonsense("its result is no object".to_owned()),
    }
}
