//! What came from the server, told in one pass over the message and without allocating.

use std::borrow::Cow;

use serde_json::value::RawValue;
use thiserror::Error;

use crate::code;
use crate::json::{Fault, MAX_DEPTH, Reader};
use crate::outcome::Outcome;
use crate::revision::Era;

/// A message from the server.
#[derive(Clone, Debug)]
pub enum Incoming<'a> {
    /// The answer to a call of ours.
    Answer {
        /// The call's id; `None` when it is none that we could have sent (no non-negative integer, or null).
        id: Option<u64>,
        /// `Ok`, `ToolError`, `RpcError`, `InputRequired` or `ProtocolError`.
        outcome: Outcome,
    },
    /// Something that the server asks of us; see [`crate::message::reply`].
    Request {
        /// The server's id, to be repeated as it stands.
        id: &'a RawValue,
        /// What it asks.
        method: Cow<'a, str>,
    },
    /// Something that wants no reply.
    Notification {
        /// What it tells.
        method: Cow<'a, str>,
    },
}

/// Why some bytes are no message of JSON-RPC 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadMessage {
    /// JSON is UTF-8.
    #[error("the message is no UTF-8 from byte {0} on")]
    NotUtf8(usize),
    /// The grammar of JSON is broken.
    #[error("the message is no JSON at byte {0}")]
    NotJson(usize),
    /// Deeper than anything MCP needs.
    #[error("the message is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A batch, a string, a number.
    #[error("the message is JSON but no object, so it is no JSON-RPC message")]
    NotAnObject,
    /// `jsonrpc` is missing or not `"2.0"`.
    #[error("the message does not say \"jsonrpc\":\"2.0\"")]
    NotJsonRpc,
    /// An answer must be one or the other.
    #[error("the message has both a result and an error")]
    ResultAndError,
    /// It has neither `method` nor `result` nor `error`.
    #[error("the message has no method, no result and no error")]
    Neither,
    /// It has `method` and also `result` or `error`.
    #[error("the message has a method and also a result or an error")]
    RequestAndAnswer,
    /// `method` must be a string.
    #[error("the message's method is no string")]
    BadMethod,
}

impl From<Fault> for BadMessage {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Syntax(at) => Self::NotJson(at),
            Fault::TooDeep => Self::TooDeep,
        }
    }
}

/// Reads one message from the server and checks all of its JSON.
///
/// Where a key comes twice the last one counts, as in most parsers. A result that is no object, an
/// `isError` that is no boolean, a `resultType` that nobody knows, and an error without an integer
/// code are answers, but with the outcome `ProtocolError`.
///
/// # Errors
/// [`BadMessage`] where the bytes are no message of JSON-RPC 2.0, so that no call can be held to it.
pub fn read(message: &[u8]) -> Result<Incoming<'_>, BadMessage> {
    let text =
        std::str::from_utf8(message).map_err(|error| BadMessage::NotUtf8(error.valid_up_to()))?;
    let mut reader = Reader::new(text);
    if reader.peek() != b'{' {
        // Told apart from broken JSON, since a batch is a thing that a server may mean.
        reader.value()?;
        return Err(if reader.at_end() {
            BadMessage::NotAnObject
        } else {
            BadMessage::NotJson(reader.at())
        });
    }
    let mut envelope = Envelope::default();
    reader.object(|reader, key| {
        // Keys with escapes are legal and unheard of: they are decoded here, at a cost.
        match key.decode().as_deref() {
            Some("jsonrpc") => envelope.jsonrpc = reader.value()? == "\"2.0\"",
            Some("id") => envelope.id = Some(reader.value()?),
            Some("method") => {
                envelope.method = if reader.peek() == b'"' {
                    Some(reader.string()?.decode())
                } else {
                    reader.value()?;
                    Some(None)
                }
            }
            Some("result") => envelope.result = Some(result(reader)?),
            Some("error") => envelope.error = Some(error(reader)?),
            _ => drop(reader.value()?),
        }
        Ok(())
    })?;
    if !reader.at_end() {
        return Err(BadMessage::NotJson(reader.at()));
    }
    envelope.classify()
}

#[derive(Default)]
struct Envelope<'a> {
    jsonrpc: bool,
    id: Option<&'a str>,
    /// Outer: there is one. Inner: it is a string.
    method: Option<Option<Cow<'a, str>>>,
    result: Option<Outcome>,
    error: Option<Outcome>,
}

impl<'a> Envelope<'a> {
    fn classify(self) -> Result<Incoming<'a>, BadMessage> {
        if !self.jsonrpc {
            return Err(BadMessage::NotJsonRpc);
        }
        let outcome = match (self.result, self.error) {
            (Some(_), Some(_)) => return Err(BadMessage::ResultAndError),
            (one, other) => one.or(other),
        };
        match (self.method, outcome) {
            (Some(_), Some(_)) => Err(BadMessage::RequestAndAnswer),
            (None, None) => Err(BadMessage::Neither),
            (Some(None), None) => Err(BadMessage::BadMethod),
            (None, Some(outcome)) => Ok(Incoming::Answer {
                // `parse` would take "+1"; JSON has no such number.
                id: self.id.and_then(|id| id.parse().ok()),
                outcome,
            }),
            (Some(Some(method)), None) => Ok(match self.id {
                // Nobody could wait for a reply to null.
                None | Some("null") => Incoming::Notification { method },
                Some(id) => Incoming::Request {
                    id: serde_json::from_str(id).map_err(|_| BadMessage::NotJson(0))?,
                    method,
                },
            }),
        }
    }
}

fn result(reader: &mut Reader<'_>) -> Result<Outcome, Fault> {
    if reader.peek() != b'{' {
        reader.value()?;
        return Ok(Outcome::ProtocolError);
    }
    let mut tool = Outcome::Ok;
    let mut kind = Outcome::Ok;
    reader.object(|reader, key| {
        match key.decode().as_deref() {
            Some("isError") => {
                tool = match reader.value()? {
                    "true" => Outcome::ToolError,
                    "false" | "null" => Outcome::Ok,
                    _ => Outcome::ProtocolError,
                }
            }
            Some("resultType") => {
                kind = match reader.value()? {
                    "\"complete\"" | "null" => Outcome::Ok,
                    "\"input_required\"" => Outcome::InputRequired,
                    _ => Outcome::ProtocolError,
                }
            }
            _ => drop(reader.value()?),
        }
        Ok(())
    })?;
    Ok(if kind == Outcome::Ok { tool } else { kind })
}

fn error(reader: &mut Reader<'_>) -> Result<Outcome, Fault> {
    if reader.peek() != b'{' {
        reader.value()?;
        return Ok(Outcome::ProtocolError);
    }
    let mut outcome = Outcome::ProtocolError;
    reader.object(|reader, key| {
        let value = if key.decode().as_deref() == Some("code") {
            reader.value()?
        } else {
            reader.value()?;
            return Ok(());
        };
        outcome = value
            .parse()
            .map_or(Outcome::ProtocolError, Outcome::RpcError);
        Ok(())
    })?;
    Ok(outcome)
}

/// The outcome of a call whose HTTP response was no stream and is complete.
///
/// A success is what its body says. A refusal is `HttpError`, with the exceptions that the
/// specification and the servers make: a lost session (legacy: 404; TypeScript servers say 400 and
/// speak of it), and the codes that a modern server puts into a 400 or 404.
pub fn http_outcome(status: u16, body: Option<&[u8]>, era: Era, has_session: bool) -> Outcome {
    let answer = body.and_then(|body| match read(body) {
        Ok(Incoming::Answer { outcome, .. }) => Some(outcome),
        _ => None,
    });
    match (status, era, answer) {
        (200..300, _, Some(outcome)) => outcome,
        (200..300, _, None) => match body {
            Some(body) if !body.is_empty() => Outcome::ProtocolError,
            _ => Outcome::StreamEnded,
        },
        (400, Era::Modern, Some(Outcome::RpcError(code))) => Outcome::RpcError(code),
        (404, Era::Modern, Some(Outcome::RpcError(code::METHOD_NOT_FOUND))) => {
            Outcome::RpcError(code::METHOD_NOT_FOUND)
        }
        (404, Era::Legacy, _) if has_session => Outcome::SessionLost,
        (400, Era::Legacy, _) if has_session && body.is_some_and(speaks_of_session) => {
            Outcome::SessionLost
        }
        _ => Outcome::HttpError(status),
    }
}

/// Whether a refusal is about the session, in the words of the TypeScript SDK ("Bad Request: No
/// valid session ID provided", "Bad Request: Server not initialized") or the like.
fn speaks_of_session(body: &[u8]) -> bool {
    // A refusal is short; a long body is some page.
    let body = body[..body.len().min(4096)].to_ascii_lowercase();
    ["session", "server not initialized"]
        .iter()
        .any(|words| memchr::memmem::find(&body, words.as_bytes()).is_some())
}
