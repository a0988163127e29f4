//! Reads a JSON-RPC message without copying it: who is asked for what, with which parameters.

use std::borrow::Cow;
use std::ops::Deref;

use protocol::code;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// How deep a message may nest, as deep as `serde_json` itself goes.
const MAX_DEPTH: usize = 128;

/// A string that is borrowed where it holds no escape; serde borrows only through a newtype.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// What a client sent.
pub(crate) enum Message<'a> {
    /// Wants an answer; `id` is its JSON text.
    Request {
        id: &'a str,
        method: Text<'a>,
        params: Option<&'a str>,
    },
    /// Wants none.
    Notification {
        method: Text<'a>,
        params: Option<&'a str>,
    },
    /// An answer to a question that this server never asks.
    Response,
}

/// What is wrong with a message, with the id to answer to (`null` where it could not be read).
#[derive(Debug)]
pub(crate) struct Fault<'a> {
    pub(crate) id: &'a str,
    pub(crate) code: i64,
    pub(crate) text: Cow<'static, str>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// serde takes `null` for absent, but an id that is null must be refused (MCP, base protocol).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads one message; arrays (batches) are the caller's business.
///
/// # Errors
/// -32700 where it is no JSON, -32600 where it is JSON but no message.
pub(crate) fn read(text: &str) -> Result<Message<'_>, Fault<'_>> {
    let invalid = |id, text: &'static str| Fault {
        id,
        code: code::INVALID_REQUEST,
        text: Cow::Borrowed(text),
    };
    if too_deep(text) {
        return Err(invalid("null", "the message nests deeper than 128 levels"));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            invalid("null", "a message is an object with \"jsonrpc\", \"id\" and \"method\", each once and of its type")
        } else {
            Fault {
                id: "null",
                code: code::PARSE_ERROR,
                text: Cow::Owned(format!("the message is no JSON: {error}")),
            }
        }
    })?;
    // serde would take an array for the object's fields in order.
    if !text.trim_start().starts_with('{') {
        return Err(invalid("null", "a message is a JSON object"));
    }
    let id = match envelope.id.map(RawValue::get) {
        Some(id) if is_id(id) => Some(id),
        Some(_) => {
            let text = "an id is a string or an integer of at most 1024 bytes";
            return Err(invalid("null", text));
        }
        None => None,
    };
    if envelope.jsonrpc.as_deref() != Some("2.0") {
        return Err(invalid(id.unwrap_or("null"), "\"jsonrpc\" must be \"2.0\""));
    }
    let params = envelope.params.map(RawValue::get);
    match (envelope.method, id) {
        (Some(method), Some(id)) => Ok(Message::Request { id, method, params }),
        (Some(method), None) => Ok(Message::Notification { method, params }),
        (None, Some(_)) if envelope.result.is_some() || envelope.error.is_some() => {
            Ok(Message::Response)
        }
        (None, id) => Err(invalid(
            id.unwrap_or("null"),
            "the message names no \"method\"",
        )),
    }
}

/// Ids are copied into answers and the truth file, so a long one would cost the server, not its client.
const MAX_ID_BYTES: usize = 1024;

/// Strings and integers; `1e3` and `1.0` are refused, since no two readers agree on them.
fn is_id(raw: &str) -> bool {
    let is_text = raw.starts_with('"');
    let is_integer = || {
        raw.strip_prefix('-')
            .unwrap_or(raw)
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    };
    raw.len() <= MAX_ID_BYTES && (is_text || is_integer())
}

/// Bounds the nesting of what serde skips without recursion: our own answers must not carry a tower
/// of brackets that breaks whoever reads them.
fn too_deep(text: &str) -> bool {
    let open = |byte: &u8| matches!(byte, b'{' | b'[');
    // Counting is several times cheaper than following strings, and nearly always enough.
    if text.as_bytes().iter().filter(|byte| open(byte)).count() <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> Option<i64> {
        read(text).err().map(|fault| fault.code)
    }

    #[test]
    fn a_request_a_notification_and_a_response_are_told_apart() {
        assert!(matches!(
            read(r#"{"jsonrpc":"2.0","id":"a\"b","method":"ping"}"#),
            Ok(Message::Request {
                id: r#""a\"b""#,
                params: None,
                ..
            })
        ));
        assert!(matches!(
            read(r#" {"method":"notifications/initialized","jsonrpc":"2.0","params":{}} "#),
            Ok(Message::Notification {
                params: Some("{}"),
                ..
            })
        ));
        assert!(matches!(
            read(r#"{"jsonrpc":"2.0","id":1,"result":null}"#),
            Ok(Message::Response)
        ));
    }

    #[test]
    fn what_is_no_message_is_refused_with_the_right_code() {
        for text in [
            "",
            "nonsense",
            "{\"jsonrpc\":\"2.0\"",
            "{} {}",
            "\u{feff}{}",
        ] {
            assert_eq!(code_of(text), Some(code::PARSE_ERROR), "{text}");
        }
        for text in [
            "{}",
            "7",
            "null",
            r#"["2.0",1,"ping"]"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
        ] {
            assert_eq!(code_of(text), Some(code::INVALID_REQUEST), "{text}");
        }
        let long = format!(
            r#"{{"jsonrpc":"2.0","id":{},"method":"ping"}}"#,
            "1".repeat(1025)
        );
        assert_eq!(code_of(&long), Some(code::INVALID_REQUEST));
    }

    #[test]
    fn nesting_is_limited_but_brackets_in_strings_are_no_nesting() {
        let message = |params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{params}}}"#)
        };
        assert_eq!(
            code_of(&message(&("[".repeat(127) + &"]".repeat(127)))),
            None
        );
        assert_eq!(
            code_of(&message(&("[".repeat(128) + &"]".repeat(128)))),
            Some(code::INVALID_REQUEST)
        );
        assert_eq!(
            code_of(&message(&format!("{{\"a\":\"{}\\\"[\"}}", "[".repeat(500)))),
            None
        );
        assert_eq!(
            code_of(&message(&format!("[{}[]]", "[],".repeat(500)))),
            None
        );
    }
}
