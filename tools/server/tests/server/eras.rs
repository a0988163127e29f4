//! A server that speaks one era only looks to the other's clients like a server of that age.

use serde_json::json;
use server::{Eras, Options};

use crate::support::*;

#[test]
fn a_legacy_server_refuses_modern_requests_as_old_servers_do() {
    let server = Running::start(Options {
        eras: Eras::Legacy,
        ..Options::default()
    });
    let probe = modern(request(1, "server/discover", json!({})));
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "server/discover"),
    ];
    let reply = server.post(&headers, &probe);
    assert_eq!(
        (reply.status, reply.code()),
        (400, -32600),
        "no modern code, or clients would not fall back"
    );
    assert_eq!(server.websocket().call(&probe)["error"]["code"], -32601);
    let session = server.session("2025-11-25");
    assert_eq!(
        server
            .post(&[("mcp-session-id", &session)], &echo(2))
            .status,
        200
    );
}

#[test]
fn a_modern_server_has_no_handshake() {
    let server = Running::start(Options {
        eras: Eras::Modern,
        ..Options::default()
    });
    let reply = server.post(&[], &initialize(1, "2025-11-25"));
    assert_eq!((reply.status, reply.code()), (400, -32020));
    assert_eq!(
        server.websocket().call(&initialize(1, "2025-11-25"))["error"]["code"],
        -32602
    );
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "server/discover"),
    ];
    let reply = server.post(&headers, &modern(request(1, "server/discover", json!({}))));
    assert_eq!(
        reply.json()["result"]["supportedVersions"],
        json!(["2026-07-28"])
    );
    assert_eq!(
        server
            .http()
            .send("GET", "/mcp", &[("accept", "text/event-stream")], "")
            .status,
        405
    );
}
