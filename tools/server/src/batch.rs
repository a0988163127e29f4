//! A batch: an array of messages that is answered by an array (2025-03-26 only).

use std::borrow::Cow;

use protocol::code;
use protocol::revision::Era;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::message::{self, Fault, Message};
use crate::method::Method;
use crate::params::Params;
use crate::state::{Asker, Planned, State};

/// Reads a batch and plans its answers; notifications go to `notified`.
///
/// # Errors
/// Where it is no JSON, empty, or longer than allowed; a bad message within gets an answer of its own.
pub(crate) fn read(
    state: &State,
    text: &str,
    asker: Asker<'_>,
    received_ns: u64,
    mut notified: impl FnMut(&str, Option<&Params<'_>>),
) -> Result<Vec<Planned>, Fault<'static>> {
    let fault = |code, text: &'static str| Fault {
        id: "null",
        code,
        text: Cow::Borrowed(text),
    };
    let messages: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|_| fault(code::PARSE_ERROR, "the batch is no JSON"))?;
    if messages.is_empty() || messages.len() > state.options.limits.batch {
        return Err(fault(
            code::INVALID_REQUEST,
            "a batch holds at least one message and at most 1000",
        ));
    }
    let mut planned = Vec::with_capacity(messages.len());
    for raw in messages {
        let (id, method, answer) = match message::read(raw.get()) {
            Ok(Message::Request { id, method, params }) => {
                let method = Method::named(&method);
                let answer = match Params::read(params) {
                    _ if method == Method::Initialize => {
                        let message = "initialize must not be part of a batch";
                        Answer::error(id, code::INVALID_REQUEST, message, None)
                    }
                    None => Answer::error(id, code::INVALID_PARAMS, "params is an object", None),
                    Some(params) => state.answer(Era::Legacy, id, method, &params, None),
                };
                (id, method, answer)
            }
            Ok(Message::Notification { method, params }) => {
                notified(&method, Params::read(params).as_ref());
                continue;
            }
            Ok(Message::Response) => continue,
            Err(fault) => {
                let answer = Answer::error(fault.id, fault.code, &fault.text, None);
                ("null", Method::Other, answer)
            }
        };
        planned.push(state.plan(answer, id, method, Era::Legacy, asker, received_ns));
    }
    Ok(planned)
}

/// The answers as one array.
pub(crate) fn join<'a>(answers: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for answer in answers {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(answer);
    }
    text.push(']');
    text
}
