//! Streamable HTTP as of 2026-07-28: headers against body, the status map, no state.

use serde_json::{Value, json};
use server::Options;

use crate::support::*;

const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

fn post(server: &Running, method: &str, name: &str, body: &Value) -> Reply {
    server.post(&[VERSION, ("mcp-method", method), ("mcp-name", name)], body)
}

#[test]
fn discover_tells_the_versions_and_every_result_says_what_its_era_wants() {
    let server = Running::start(Options::default());
    let reply = post(
        &server,
        "server/discover",
        "",
        &modern(request(1, "server/discover", json!({}))),
    );
    assert_eq!((reply.status, reply.header("mcp-session-id")), (200, None));
    let result = &reply.json()["result"];
    assert_eq!(result["supportedVersions"][0], "2026-07-28");
    assert_eq!(
        (&result["resultType"], &result["cacheScope"]),
        (&json!("complete"), &json!("public"))
    );
    for (method, params, name, cached) in [
        ("tools/list", json!({}), "", true),
        ("resources/list", json!({}), "", true),
        ("resources/templates/list", json!({}), "", true),
        ("prompts/list", json!({}), "", true),
        (
            "resources/read",
            json!({"uri": "mcpipe://text/1"}),
            "mcpipe://text/1",
            true,
        ),
        (
            "tools/call",
            json!({"name": "echo", "arguments": {"message": "m"}}),
            "echo",
            false,
        ),
        ("tools/call", json!({"name": "fail"}), "fail", false),
        (
            "prompts/get",
            json!({"name": "greeting", "arguments": {"name": "Ada"}}),
            "greeting",
            false,
        ),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "greeting"}, "argument": {"name": "name", "value": ""}}),
            "",
            false,
        ),
    ] {
        let reply = post(&server, method, name, &modern(request(2, method, params)));
        assert_eq!(reply.status, 200, "{method}: {reply:?}");
        let result = &reply.json()["result"];
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!(
            result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcpipe-server",
            "{method}"
        );
        assert_eq!(
            result["ttlMs"].as_u64().is_some() && result["cacheScope"].is_string(),
            cached,
            "{method}"
        );
    }
}

#[test]
fn headers_that_are_missing_or_differ_from_the_body_are_400_and_32020() {
    let server = Running::start(Options::default());
    let call = modern(echo(1));
    let method = ("mcp-method", "tools/call");
    let name = ("mcp-name", "echo");
    assert_eq!(server.post(&[VERSION, method, name], &call).status, 200);
    for wrong in [
        &[method, name][..],
        &[("mcp-protocol-version", "2025-11-25"), method, name],
        &[VERSION, name],
        &[VERSION, ("mcp-method", "Tools/call"), name],
        &[VERSION, ("mcp-method", "tools/list"), name],
        &[VERSION, method],
        &[VERSION, method, ("mcp-name", "add")],
        &[VERSION, method, ("mcp-name", "=?base64?!!!?=")],
    ] {
        let reply = server.post(wrong, &call);
        assert_eq!((reply.status, reply.code()), (400, -32020), "{wrong:?}");
        assert_eq!(reply.json()["id"], 1);
    }
    let encoded = format!("=?base64?{}?=", "ZWNobw==");
    assert_eq!(
        server
            .post(&[VERSION, method, ("mcp-name", &encoded)], &call)
            .status,
        200
    );
}

#[test]
fn meta_without_a_required_field_is_400_and_32602() {
    let server = Running::start(Options::default());
    for field in ["protocolVersion", "clientCapabilities"] {
        let mut call = modern(echo(1));
        let meta = call["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(&format!("io.modelcontextprotocol/{field}"))
            .unwrap();
        let reply = post(&server, "tools/call", "echo", &call);
        assert_eq!((reply.status, reply.code()), (400, -32602), "{field}");
    }
    let reply = post(&server, "tools/call", "echo", &echo(1));
    assert_eq!(
        (reply.status, reply.code()),
        (400, -32602),
        "no _meta at all"
    );
    let reply = post(
        &server,
        "tools/call",
        "echo",
        &request(1, "tools/call", json!([])),
    );
    assert_eq!(
        (reply.status, reply.code()),
        (400, -32602),
        "params that are no object"
    );
}

#[test]
fn another_version_is_400_and_32022_with_those_that_are_supported() {
    let server = Running::start(Options::default());
    let mut call = modern(echo(1));
    call["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let headers = [
        ("mcp-protocol-version", "2099-01-01"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "echo"),
    ];
    let reply = server.post(&headers, &call);
    assert_eq!((reply.status, reply.code()), (400, -32022));
    let data = &reply.json()["error"]["data"];
    assert_eq!(data["requested"], "2099-01-01");
    assert!(
        data["supported"]
            .as_array()
            .unwrap()
            .contains(&json!("2026-07-28"))
    );
}

#[test]
fn what_is_legacy_only_or_unknown_is_404_and_32601() {
    let server = Running::start(Options::default());
    for method in [
        "ping",
        "initialize",
        "logging/setLevel",
        "resources/subscribe",
        "no/such",
    ] {
        let reply = post(&server, method, "", &modern(request(1, method, json!({}))));
        assert_eq!((reply.status, reply.code()), (404, -32601), "{method}");
    }
}

#[test]
fn there_is_no_state_sessions_are_ignored_and_get_and_delete_are_405() {
    let server = Running::start(Options::default());
    let headers = [
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "echo"),
        ("mcp-session-id", "made-up"),
        ("last-event-id", "7"),
    ];
    let reply = server.post(&headers, &modern(echo(1)));
    assert_eq!((reply.status, reply.header("mcp-session-id")), (200, None));
    for method in ["GET", "DELETE"] {
        let headers = [VERSION, ("accept", "text/event-stream")];
        assert_eq!(
            server.http().send(method, "/mcp", &headers, "").status,
            405,
            "{method}"
        );
    }
    let note = json!({"jsonrpc": "2.0", "method": "notifications/whatever"});
    assert_eq!(
        server
            .post(&[VERSION, ("mcp-method", "notifications/whatever")], &note)
            .status,
        202
    );
    let reply = server.post(&[VERSION, ("mcp-method", "other")], &note);
    assert_eq!((reply.status, reply.code()), (400, -32020));
    assert_eq!(
        server
            .post(
                &[VERSION, ("mcp-method", "tools/call")],
                &json!([modern(echo(1))])
            )
            .status,
        400
    );
}

#[test]
fn errors_of_a_call_that_was_understood_are_200() {
    let server = Running::start(Options::default());
    for (params, method, name) in [
        (
            json!({"name": "no-such-tool"}),
            "tools/call",
            "no-such-tool",
        ),
        (
            json!({"uri": "mcpipe://text/0"}),
            "resources/read",
            "mcpipe://text/0",
        ),
        (json!({"cursor": ""}), "tools/list", ""),
    ] {
        let reply = post(&server, method, name, &modern(request(1, method, params)));
        assert_eq!((reply.status, reply.code()), (200, -32602), "{method}");
    }
}

#[test]
fn closing_the_connection_cancels_the_call() {
    let server = Running::start(Options::default());
    let mut waiting = server.http();
    let headers = [
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "slow"),
        ("content-type", "application/json"),
    ];
    let call = modern(tool(1, "slow", json!({"ms": 60_000})));
    waiting.write("POST", "/mcp", &headers, &call.to_string());
    // Only a call that has begun can be cancelled: its connection is the second one beside ours.
    server.until_metric("mcp_server_connections_active{transport=\"http\"}", 2.0);
    drop(waiting);
    server.until_metric(
        "mcp_server_requests_total{method=\"tools/call\",transport=\"http\",era=\"modern\",outcome=\"cancelled\"}",
        1.0,
    );
}
