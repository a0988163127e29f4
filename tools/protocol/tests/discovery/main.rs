//! How a server speaks and what it offers is found out whatever it is, and where that fails a sentence says why.
#![allow(clippy::unwrap_used)] // a helper of a test may panic as the test itself

use std::time::Duration;

use protocol::client::{Discovery, DiscoveryError, Options, discover};
use protocol::endpoint::Endpoint;
use serde_json::{Value, json};

mod eras;
mod failures;
mod lists;
mod scripted;
mod tls;
mod websocket;

use scripted::{Act, Request, Scripted, json_response};

fn meet_with(url: &str, options: &Options) -> Result<Discovery, DiscoveryError> {
    discover(&Endpoint::parse(url).unwrap(), options)
}

fn meet(url: &str) -> Discovery {
    match meet_with(url, &Options::default()) {
        Ok(found) => found,
        Err(error) => panic!("{error}"),
    }
}

/// The code and the sentence of what must fail.
fn failure_with(url: &str, options: &Options) -> (&'static str, String) {
    match meet_with(url, options) {
        Ok(found) => panic!("{found:?}"),
        Err(error) => (error.code(), error.to_string()),
    }
}

fn failure(url: &str) -> (&'static str, String) {
    failure_with(url, &Options::default())
}

fn impatient() -> Options {
    Options {
        timeout: Duration::from_millis(400),
        ..Options::default()
    }
}

fn wanting(wanted: &str) -> Options {
    Options {
        wanted: wanted.parse().unwrap(),
        ..Options::default()
    }
}

fn names(found: &Discovery) -> Vec<&str> {
    found
        .catalogue
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect()
}

fn says(server: &Scripted, code: &str, words: &[&str]) {
    let (got, sentence) = failure(&server.url());
    assert_eq!(got, code, "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
}

fn modern(request: &Request) -> Act {
    let result = match request.method() {
        "server/discover" => json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public",
            "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "new", "version": "2"}}
        }),
        // The second cursor is the empty string, which is a cursor like any other.
        "tools/list" => match request.body["params"]
            .get("cursor")
            .map(|c| c.as_str().unwrap())
        {
            None => {
                json!({"tools": [{"name": "a", "inputSchema": {"type": "object"}}], "nextCursor": "one"})
            }
            Some("one") => json!({"tools": [
                {"name": "b", "inputSchema": {}, "annotations": {"readOnlyHint": true}}, {"title": "nameless"}
            ], "nextCursor": ""}),
            Some("") => json!({"tools": [{"name": "c"}]}),
            Some(other) => panic!("{other}"),
        },
        "resources/list" => {
            json!({"resources": [{"uri": "file:///x", "name": "x", "mimeType": "text/plain", "size": 7}]})
        }
        "resources/templates/list" => {
            return json_response(404, request.error(-32601, "no", Value::Null));
        }
        "prompts/list" => {
            json!({"prompts": [{"name": "p", "arguments": [{"name": "q", "required": true}, {"name": "r"}]}]})
        }
        _ => return json_response(404, request.error(-32601, "Method not found", Value::Null)),
    };
    json_response(200, request.result(result))
}

/// A legacy server without sessions, which answers in JSON and speaks `revision`.
fn legacy(request: &Request, revision: &str) -> Act {
    match request.method() {
        "initialize" => json_response(
            200,
            request.result(json!({
                "protocolVersion": revision, "capabilities": {"tools": {}, "logging": {}},
                "serverInfo": {"name": "old", "version": "1"}
            })),
        ),
        "notifications/initialized" => {
            Act::Send("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned())
        }
        "tools/list" => json_response(
            200,
            request.result(json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})),
        ),
        _ => json_response(
            400,
            json!({"jsonrpc": "2.0", "id": "server-error",
            "error": {"code": -32600, "message": "Bad Request: Missing session ID"}})
            .to_string(),
        ),
    }
}
