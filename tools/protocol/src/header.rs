//! The HTTP headers of MCP, and how a value that HTTP cannot carry is written in one.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The session of a legacy server (2025-03-26 to 2025-11-25).
pub const SESSION_ID: &str = "Mcp-Session-Id";
/// The revision in use (from 2025-06-18 on, after `initialize`; always in the modern era).
pub const PROTOCOL_VERSION: &str = "MCP-Protocol-Version";
/// The method of the request in the body (2026-07-28).
pub const METHOD: &str = "Mcp-Method";
/// The tool, prompt or resource that the request is about (2026-07-28).
pub const NAME: &str = "Mcp-Name";
/// What the name of a header begins with that repeats an argument (2026-07-28).
pub const PARAM_PREFIX: &str = "Mcp-Param-";
/// Where an SSE stream is resumed (legacy).
pub const LAST_EVENT_ID: &str = "Last-Event-ID";
/// What a client must accept on POST, in every revision with Streamable HTTP.
pub const ACCEPT_POST: &str = "application/json, text/event-stream";

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// The value as an `Mcp-Name` or `Mcp-Param-…` header carries it: as it is where HTTP allows,
/// else as `=?base64?…?=` (2026-07-28, Streamable HTTP).
pub fn encode_value(value: &str) -> Cow<'_, str> {
    // A value that looks like the sentinel would be decoded at the other end.
    let sentinel = value.starts_with(OPEN) && value.ends_with(CLOSE);
    let padded = value.starts_with(' ') || value.ends_with(' ');
    let plain = !sentinel && !padded && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(format!("{OPEN}{}{CLOSE}", STANDARD.encode(value)))
    }
}

/// The value that a header stands for; `None` when the sentinel holds no base64 of UTF-8.
pub fn decode_value(value: &str) -> Option<Cow<'_, str>> {
    let Some(inner) = value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
    else {
        return Some(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(inner).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Whether a request of this method carries `Mcp-Name` (2026-07-28, Streamable HTTP).
pub fn wants_name(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

/// The `Mcp-Param-…` headers, already encoded, that a modern server expects beside `arguments`:
/// one for each property that its schema marks with `x-mcp-header` and that is there and not null.
pub fn params(input_schema: &Value, arguments: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(input_schema, arguments, 0, &mut found);
    found
}

// A schema is the server's: deeper than this nobody marks a header.
const MAX_DEPTH: usize = 16;

fn collect(schema: &Value, arguments: &Value, depth: usize, found: &mut Vec<(String, String)>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    if depth > MAX_DEPTH {
        return;
    }
    for (name, property) in properties {
        let Some(value) = arguments.get(name) else {
            continue;
        };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => {
                collect(property, value, depth + 1, found);
                continue;
            }
        };
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str)
            && is_token(header)
        {
            let value = encode_value(&text).into_owned();
            found.push((format!("{PARAM_PREFIX}{header}"), value));
        }
    }
}

/// Whether the text may stand in a header's name (RFC 9110, 5.6.2): a server must not be able to
/// put a line break into our requests.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
