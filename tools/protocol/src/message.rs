//! The messages sent once or seldom: handshake, lists, ping, and replies to what a server asks.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::code;
use crate::dialect::Dialect;
use crate::revision::{Era, Revision};
use crate::template::with_meta;

/// Who we say we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The program, for instance `mcp-gen`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl ClientInfo {
    /// A program of this name, at the version of this crate.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"name": self.name, "version": self.version})
    }
}

impl Default for ClientInfo {
    fn default() -> Self {
        Self::named("mcp-gen")
    }
}

/// `initialize` (legacy), asking for `revision` and declaring no capabilities, so that a server
/// has no reason to ask us anything.
pub fn initialize(id: u64, revision: Revision, client: &ClientInfo) -> Vec<u8> {
    request(
        id,
        "initialize",
        json!({
            "protocolVersion": revision.as_str(),
            "capabilities": {},
            "clientInfo": client.to_json(),
        }),
    )
}

/// `notifications/initialized` (legacy), due after the answer to [`initialize`].
pub fn initialized() -> Vec<u8> {
    notification("notifications/initialized", Value::Null)
}

/// `server/discover` (modern): the probe of era detection, and the cheapest call there is.
pub fn discover(id: u64, revision: Revision, client: &ClientInfo) -> Vec<u8> {
    let params = with_meta(Value::Null, revision, client);
    request(id, "server/discover", params)
}

/// `ping` (legacy; the modern era has none).
pub fn ping(id: u64) -> Vec<u8> {
    request(id, "ping", Value::Null)
}

/// One page of `tools/list`, `resources/list`, `resources/templates/list` or `prompts/list`.
/// An empty cursor is a cursor; `None` asks for the first page.
pub fn list(
    id: u64,
    method: &str,
    cursor: Option<&str>,
    dialect: &Dialect,
    client: &ClientInfo,
) -> Vec<u8> {
    let params = match cursor {
        Some(cursor) => json!({"cursor": cursor}),
        None => json!({}),
    };
    let params = match dialect.era {
        Era::Legacy => params,
        Era::Modern => with_meta(params, dialect.revision, client),
    };
    request(id, method, params)
}

/// `notifications/cancelled` for our request `id`; not for `initialize`, and over HTTP only in the
/// legacy era (in the modern one closing the stream cancels).
pub fn cancelled(id: u64, reason: &str) -> Vec<u8> {
    notification(
        "notifications/cancelled",
        json!({"requestId": id, "reason": reason}),
    )
}

/// `resources/subscribe` (legacy): changes of `uri` are told on the session's stream.
pub fn subscribe(id: u64, uri: &str) -> Vec<u8> {
    request(id, "resources/subscribe", json!({"uri": uri}))
}

/// `subscriptions/listen` (modern): its stream, or on one shared by all calls its messages, tell of changes of `uris`.
pub fn listen(id: u64, uris: &[&str], revision: Revision, client: &ClientInfo) -> Vec<u8> {
    let params = json!({"notifications": {"resourceSubscriptions": uris}});
    request(id, LISTEN, with_meta(params, revision, client))
}

/// The method of [`listen`], as its HTTP request says in a header.
pub const LISTEN: &str = "subscriptions/listen";

/// `logging/setLevel` (legacy; the modern era says a level with each call, see [`LOG_LEVEL`]).
pub fn set_level(id: u64, level: &str) -> Vec<u8> {
    request(id, "logging/setLevel", json!({"level": level}))
}

/// The key in `params._meta` under which a modern call says from which level on its log messages are wanted.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The reply to a request of the server: `{}` to `ping`, "method not found" to anything else, since
/// we declared no capabilities.
pub fn reply(id: &RawValue, method: &str) -> Vec<u8> {
    let rest = if method == "ping" {
        "\"result\":{}".to_owned()
    } else {
        format!(
            "\"error\":{{\"code\":{},\"message\":\"method not found\"}}",
            code::METHOD_NOT_FOUND
        )
    };
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{rest}}}", id.get()).into_bytes()
}

fn request(id: u64, method: &str, params: Value) -> Vec<u8> {
    let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
    if !params.is_null() {
        message["params"] = params;
    }
    message.to_string().into_bytes()
}

fn notification(method: &str, params: Value) -> Vec<u8> {
    let mut message = json!({"jsonrpc": "2.0", "method": method});
    if !params.is_null() {
        message["params"] = params;
    }
    message.to_string().into_bytes()
}
