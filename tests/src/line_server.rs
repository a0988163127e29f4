//! A small MCP server that speaks in lines, of either era, with one tool; a test says where it misbehaves.

use crate::Hostile;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

/// The answer of a server that knows the legacy era only, or both.
#[must_use]
pub fn answer(request: &Value, is_modern: bool) -> Value {
    let id = &request["id"];
    let result = match request["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "small", "version": "1"},
        }),
        Some("server/discover") if is_modern => json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public",
            "capabilities": {"tools": {}},
        }),
        Some("tools/list") => {
            json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "public", "tools": [{
                "name": "nop",
                "inputSchema": {"type": "object"},
                "annotations": {"readOnlyHint": true},
            }]})
        }
        Some("tools/call") => json!({"resultType": "complete", "content": []}),
        _ => {
            let error = json!({"code": -32601, "message": "Method not found"});
            return json!({"jsonrpc": "2.0", "id": id, "error": error});
        }
    };
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

/// A server on a TCP port. Of each message `odd` is asked first, with the number of the connection: it may deal with
/// the message itself and say whether to go on, or leave it (`None`) to be answered sanely.
#[must_use]
pub fn line_server(
    is_modern: bool,
    odd: impl Fn(&mut TcpStream, &Value, u64) -> Option<bool> + Send + Sync + 'static,
) -> Hostile {
    Hostile::listen(move |mut client, n| {
        let Ok(asked) = client.try_clone() else {
            return;
        };
        for line in BufReader::new(asked).lines().map_while(Result::ok) {
            let request: Value = serde_json::from_str(&line).unwrap_or_default();
            let goes_on = odd(&mut client, &request, n).unwrap_or_else(|| {
                // Notifications get no answer.
                request.get("id").is_none()
                    || client
                        .write_all(format!("{}\n", answer(&request, is_modern)).as_bytes())
                        .is_ok()
            });
            if !goes_on {
                return;
            }
        }
    })
}
