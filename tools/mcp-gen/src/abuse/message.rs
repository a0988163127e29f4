//! The messages of abuse: right ones, and those that are wrong in one way each.

use protocol::dialect::Dialect;
use protocol::revision::Era;
use protocol::template::Template;
use serde_json::{Value, json};

/// A request, and what HTTP must say of it in headers.
pub struct Message {
    /// Its text.
    pub text: Vec<u8>,
    /// The method that `Mcp-Method` names.
    pub method: String,
}

/// Texts that break JSON in ways of their own; each is one line of UTF-8, and begins as a request does.
const BROKEN: [&str; 5] = [
    r#"{"jsonrpc":"2.0","id":7,"method":"ping""#,
    r#"{"jsonrpc":"2.0","id":7,"method":"ping",}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":'ping'}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"ping}"#,
    r#"{"jsonrpc":"2.0","id":7 "method":"ping"}"#,
];

/// The cheapest call that there is in an era.
fn cheap_method(dialect: &Dialect) -> &'static str {
    match dialect.era {
        Era::Legacy => "ping",
        Era::Modern => "server/discover",
    }
}

fn request(method: &str, params: Value, id: u64, dialect: &Dialect) -> Message {
    let mut text = Vec::new();
    Template::new(method, params, dialect).write(id, &mut text);
    Message {
        text,
        method: method.to_owned(),
    }
}

/// A request that every server answers at once.
pub fn cheap(id: u64, dialect: &Dialect) -> Message {
    request(cheap_method(dialect), Value::Null, id, dialect)
}

/// A request whose answer is larger than itself, at every server with tools.
pub fn list(id: u64, dialect: &Dialect) -> Message {
    request("tools/list", json!({}), id, dialect)
}

/// No JSON; `dice` chooses in which way.
pub fn broken(dice: u64, dialect: &Dialect) -> Message {
    Message {
        text: BROKEN[(dice % BROKEN.len() as u64) as usize].into(),
        method: cheap_method(dialect).to_owned(),
    }
}

/// A request of JSON-RPC 1.0.
pub fn wrong_version(id: u64, dialect: &Dialect) -> Message {
    let right = cheap(id, dialect);
    let text = String::from_utf8_lossy(&right.text).replacen("\"2.0\"", "\"1.0\"", 1);
    Message {
        text: text.into_bytes(),
        ..right
    }
}

/// A request of a method that nobody has.
pub fn unknown_method(id: u64, dialect: &Dialect) -> Message {
    request("mcpipe/no-such-method", json!({}), id, dialect)
}

/// A call that does not say which tool.
pub fn invalid_params(id: u64, dialect: &Dialect) -> Message {
    request("tools/call", json!({"arguments": {}}), id, dialect)
}

/// A request in two parts, between which so much padding belongs that all of it has `bytes`.
pub fn oversized(id: u64, bytes: u64, dialect: &Dialect) -> (Message, Vec<u8>, u64) {
    const MARK: &str = "@pad@";
    let params = json!({"_meta": {"mcpipe/padding": MARK}});
    let whole = request(cheap_method(dialect), params, id, dialect);
    let text = String::from_utf8_lossy(&whole.text).into_owned();
    let (before, after) = text.split_once(MARK).unwrap_or((&text, ""));
    let padding = bytes.saturating_sub((before.len() + after.len()) as u64);
    let first = Message {
        text: before.as_bytes().to_vec(),
        ..whole
    };
    (first, after.as_bytes().to_vec(), padding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::revision::Revision;

    #[test]
    fn what_is_broken_is_no_json_and_all_else_is() {
        let dialect = Dialect::new(Revision::MODERN);
        for dice in 0..BROKEN.len() as u64 {
            let text = broken(dice, &dialect).text;
            assert!(serde_json::from_slice::<Value>(&text).is_err(), "{dice}");
            assert!(!text.contains(&b'\n'));
        }
        let (first, last, padding) = oversized(3, 10_000, &dialect);
        let text = [first.text, vec![b'x'; padding as usize], last].concat();
        assert_eq!(text.len(), 10_000);
        for message in [
            text,
            cheap(1, &dialect).text,
            wrong_version(1, &dialect).text,
        ] {
            assert!(serde_json::from_slice::<Value>(&message).is_ok());
        }
    }
}
