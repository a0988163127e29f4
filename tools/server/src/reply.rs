//! Writes JSON-RPC answers as text, piece by piece: no tree is built for an answer.

use protocol::revision::Era;

/// What `serverInfo` says.
pub(crate) const SERVER_INFO: &str = concat!(
    r#"{"name":"mcpipe-server","title":"mcpipe reference server","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}"#
);

/// Whether a modern client may keep a result (2026-07-28: list, read and discover results say so).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Says `ttlMs` and `cacheScope`.
    Allowed,
    /// Says nothing.
    Silent,
}

/// Begins an answer: the caller adds the fields of `result`, then calls [`close`].
pub(crate) fn open(id: &str, room_bytes: usize) -> String {
    let mut text = String::with_capacity(room_bytes + id.len() + 320);
    text.push_str(r#"{"jsonrpc":"2.0","id":"#);
    text.push_str(id);
    text.push_str(r#","result":{"#);
    text
}

/// Ends an answer with what its era wants on every result.
pub(crate) fn close(text: &mut String, era: Era, caching: Caching) {
    if era == Era::Modern {
        if !text.ends_with('{') {
            text.push(',');
        }
        text.push_str(r#""resultType":"complete","#);
        if caching == Caching::Allowed {
            // The lists never change while the server runs; five minutes is polite to proxies.
            text.push_str(r#""ttlMs":300000,"cacheScope":"public","#);
        }
        text.push_str(r#""_meta":{"io.modelcontextprotocol/serverInfo":"#);
        text.push_str(SERVER_INFO);
        text.push('}');
    }
    text.push_str("}}");
}

/// A whole result made of the fields given, which may be none.
pub(crate) fn result(id: &str, era: Era, caching: Caching, fields: &str) -> String {
    let mut text = open(id, fields.len());
    text.push_str(fields);
    close(&mut text, era, caching);
    text
}

/// An error; `data` is JSON.
pub(crate) fn error(id: &str, code: i64, message: &str, data: Option<&str>) -> String {
    let mut text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"#);
    push_json(&mut text, message);
    if let Some(data) = data {
        text.push_str(r#","data":"#);
        text.push_str(data);
    }
    text.push_str("}}");
    text
}

/// Adds a string with its quotes and escapes.
pub(crate) fn push_json(text: &mut String, value: &str) {
    // A string always serialises; the empty one stands in for what cannot happen.
    text.push_str(&serde_json::to_string(value).unwrap_or_else(|_| String::from("\"\"")));
}
