//! Era, revision and session are found out over HTTP.

use std::sync::Mutex;
use std::time::Duration;

use protocol::client::{Options, probe};
use protocol::endpoint::Endpoint;
use protocol::revision::{Era, Revision};
use serde_json::json;

use crate::scripted::{Act, Request, json_response, serve, text_response};
use crate::{failure_with, legacy, meet, meet_with, modern, names, says, wanting};

#[test]
fn a_modern_server_is_asked_statelessly_and_its_lists_are_complete() {
    let server = serve(|request, _| modern(request));
    let found = meet(&server.url());
    assert_eq!(found.dialect.revision, Revision::V2026_07_28);
    assert_eq!(found.dialect.era, Era::Modern);
    assert!(!found.dialect.sessions);
    assert_eq!(
        (found.server.name.as_str(), found.server.version.as_str()),
        ("new", "2")
    );
    assert_eq!(names(&found), ["a", "b", "c"]);
    assert_eq!(
        found
            .catalogue
            .tools
            .iter()
            .map(|tool| tool.read_only)
            .collect::<Vec<_>>(),
        [false, true, false]
    );
    assert_eq!(
        found.catalogue.tools[2].input_schema,
        json!({"type": "object"})
    );
    let resource = &found.catalogue.resources[0];
    assert_eq!(
        (resource.uri.as_str(), resource.size_bytes),
        ("file:///x", Some(7))
    );
    let arguments = &found.catalogue.prompts[0].arguments;
    assert_eq!(
        arguments.iter().map(|one| one.required).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(found.notes, [""; 0]);
    let requests = server.requests();
    for request in &requests {
        assert_eq!(request.verb, "POST");
        assert_eq!(request.header("Mcp-Method"), Some(request.method()));
        assert_eq!(request.header("MCP-Protocol-Version"), Some("2026-07-28"));
        let meta = &request.body["params"]["_meta"];
        assert_eq!(
            meta["io.modelcontextprotocol/protocolVersion"],
            "2026-07-28"
        );
        assert_eq!(
            meta["io.modelcontextprotocol/clientInfo"]["name"],
            "mcp-gen"
        );
    }
    let mut ids: Vec<u64> = requests
        .iter()
        .map(|request| request.body["id"].as_u64().unwrap())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 7);
}

#[test]
fn a_legacy_server_is_initialized_in_its_own_revision() {
    let server = serve(|request, _| legacy(request, "2025-06-18"));
    let found = meet(&server.url());
    assert_eq!(found.dialect.revision, Revision::V2025_06_18);
    assert_eq!(names(&found), ["echo"]);
    assert!(found.server.capabilities.logging && !found.server.capabilities.prompts);
    assert!(
        found.notes[0].contains("2025-11-25") && found.notes[0].contains("2025-06-18"),
        "{:?}",
        found.notes
    );
    assert_eq!(
        server.methods(),
        [
            "server/discover",
            "initialize",
            "notifications/initialized",
            "tools/list"
        ]
    );
    let headers: Vec<_> = server
        .requests()
        .iter()
        .map(|request| {
            (
                request.header("MCP-Protocol-Version").map(str::to_owned),
                request.header("Mcp-Method").map(str::to_owned),
            )
        })
        .collect();
    assert_eq!(headers[1], (None, None));
    assert_eq!(headers[3], (Some("2025-06-18".to_owned()), None));
    assert_eq!(
        server.requests()[1].body["params"]["protocolVersion"],
        "2025-11-25"
    );
}

#[test]
fn every_way_to_refuse_the_modern_probe_leads_to_initialize() {
    for status in [200, 400, 404, 405, 406, 415, 500] {
        let server = serve(move |request, _| match request.method() {
            // TypeScript servers: HTTP 400, JSON-RPC error -32000.
            "server/discover" => json_response(
                status,
                json!({"jsonrpc": "2.0", "id": null,
                "error": {"code": -32000, "message": "Bad Request: Server not initialized"}})
                .to_string(),
            ),
            _ => legacy(request, "2025-11-25"),
        });
        assert_eq!(
            meet(&server.url()).dialect.revision,
            Revision::V2025_11_25,
            "{status}"
        );
    }
    for text in ["<html>", "", "{}", "[]"] {
        let server = serve(move |request, _| match request.method() {
            "server/discover" => text_response(200, text),
            _ => legacy(request, "2025-11-25"),
        });
        assert_eq!(meet(&server.url()).dialect.era, Era::Legacy, "{text}");
    }
    // A server that answers anything with an empty result is not modern either.
    let server = serve(|request, _| match request.method() {
        "server/discover" => json_response(200, request.result(json!({}))),
        _ => legacy(request, "2025-03-26"),
    });
    assert_eq!(meet(&server.url()).dialect.revision, Revision::V2025_03_26);
    let hangs_up = serve(|request, _| match request.method() {
        "server/discover" => Act::Close,
        _ => legacy(request, "2024-11-05"),
    });
    assert_eq!(
        meet(&hangs_up.url()).dialect.revision,
        Revision::V2024_11_05
    );
    let silent = serve(|request, _| match request.method() {
        "server/discover" => Act::Silence,
        _ => legacy(request, "2025-11-25"),
    });
    let options = Options {
        timeout: Duration::from_secs(2),
        ..Options::default()
    };
    let found = meet_with(&silent.url(), &options).unwrap();
    assert_eq!(found.dialect.era, Era::Legacy);
    assert!(
        found.notes[0].contains("server/discover"),
        "{:?}",
        found.notes
    );
}

/// A legacy server with sessions that streams: it primes the stream, pings, and answers only when it
/// has been answered.
fn streaming(request: &Request, log: &Mutex<Vec<Request>>) -> Act {
    let stream = |body: String| {
        Act::Send(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
            mcp-session-id: abc-1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        ))
    };
    match (request.verb.as_str(), request.method()) {
        ("DELETE", _) => text_response(405, ""),
        (_, "server/discover") => text_response(400, "Bad Request: Missing session ID"),
        (_, "initialize") => {
            let result = request.result(
                json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"}}),
            );
            stream(format!(
                "id: 0/0\nretry: 3000\ndata: \n\n: hello\n\ndata: {result}\nid: 1/0\n\n"
            ))
        }
        _ if request.header("Mcp-Session-Id") != Some("abc-1") => text_response(404, "no session"),
        (_, "tools/list") => {
            let asked = log
                .lock()
                .unwrap()
                .iter()
                .any(|request| request.body["id"] == "s1");
            assert!(!asked, "only answered when asked");
            stream(format!(
                "event: message\r\ndata: {}\r\n\r\nevent: message\r\ndata: {}\r\n\r\ndata: {}\r\ndata:\r\n\r\n",
                json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}),
                json!({"jsonrpc": "2.0", "id": "s1", "method": "ping"}),
                request.result(json!({"tools": [{"name": "t"}]}))
            ))
        }
        (_, "" | "notifications/initialized") => text_response(202, ""),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_carried_along_its_server_is_answered_and_it_is_ended() {
    let server = serve(streaming);
    let found = meet(&server.url());
    assert!(found.dialect.sessions);
    assert_eq!(names(&found), ["t"]);
    let methods = server.methods();
    assert_eq!(
        methods,
        [
            "server/discover",
            "initialize",
            "notifications/initialized",
            "tools/list",
            "",
            "DELETE"
        ]
    );
    let requests = server.requests();
    assert_eq!(
        requests[4].body,
        json!({"jsonrpc": "2.0", "id": "s1", "result": {}})
    );
    for request in &requests[2..] {
        assert_eq!(
            request.header("Mcp-Session-Id"),
            Some("abc-1"),
            "{request:?}"
        );
        assert_eq!(request.header("MCP-Protocol-Version"), Some("2025-11-25"));
    }
    assert_eq!(requests[1].header("Mcp-Session-Id"), None);
}

#[test]
fn a_probe_asks_for_no_lists() {
    let server = serve(|request, _| modern(request));
    let endpoint = Endpoint::parse(&server.url()).unwrap();
    let found = probe(&endpoint, &Options::default()).unwrap();
    assert_eq!(found.dialect.era, Era::Modern);
    assert_eq!(server.methods(), ["server/discover"]);
}

#[test]
fn headers_and_host_are_those_that_the_user_gave() {
    let server = serve(|request, _| modern(request));
    let options = Options {
        headers: vec![("Authorization".to_owned(), "Bearer x".to_owned())],
        host_header: Some("mcp.example".to_owned()),
        ..Options::default()
    };
    meet_with(&server.url(), &options).unwrap();
    for request in server.requests() {
        assert_eq!(request.header("Authorization"), Some("Bearer x"));
        assert_eq!(request.header("Host"), Some("mcp.example"));
    }
    let evil = Options {
        headers: vec![("A".to_owned(), "x\r\nB: y".to_owned())],
        ..Options::default()
    };
    assert_eq!(failure_with(&server.url(), &evil).0, "bad_header");
}

#[test]
fn what_was_asked_for_and_is_not_offered_is_said_with_what_is() {
    let old = serve(|request, _| legacy(request, "2025-06-18"));
    let (code, sentence) = failure_with(&old.url(), &wanting("modern"));
    assert!(
        code == "protocol_not_offered" && sentence.contains("2025-06-18 (legacy)"),
        "{sentence}"
    );
    let (code, sentence) = failure_with(&old.url(), &wanting("2025-11-25"));
    assert!(
        code == "protocol_not_offered" && sentence.contains("2025-06-18"),
        "{sentence}"
    );
    let found = meet_with(&old.url(), &wanting("2025-06-18")).unwrap();
    assert_eq!(found.dialect.revision, Revision::V2025_06_18);
    assert!(found.notes.is_empty(), "{:?}", found.notes);

    let new = serve(|request, _| modern(request));
    let (code, sentence) = failure_with(&new.url(), &wanting("legacy"));
    assert!(
        code == "protocol_not_offered" && sentence.contains("2026-07-28 (modern)"),
        "{sentence}"
    );
    // The GET asks for the transport of 2024.
    assert_eq!(new.methods(), ["initialize", "GET", "server/discover"]);

    let both = serve(|request, _| match request.method() {
        "initialize" | "notifications/initialized" => legacy(request, "2025-11-25"),
        _ => modern(request),
    });
    assert_eq!(meet(&both.url()).dialect.era, Era::Modern);
    let found = meet_with(&both.url(), &wanting("legacy")).unwrap();
    assert_eq!(found.dialect.revision, Revision::V2025_11_25);
}

#[test]
fn a_server_that_names_its_revisions_in_an_error_is_taken_at_its_word() {
    let supports = |versions: &'static [&'static str]| {
        serve(move |request, _| match request.method() {
            "server/discover" => json_response(
                400,
                request.error(
                    -32022,
                    "Unsupported protocol version",
                    json!({"supported": versions, "requested": "2026-07-28"}),
                ),
            ),
            _ => legacy(request, "2025-11-25"),
        })
    };
    assert_eq!(
        meet(&supports(&["2025-11-25"]).url()).dialect.era,
        Era::Legacy
    );
    says(
        &supports(&["2030-01-01"]),
        "unknown_revision",
        &["2030-01-01"],
    );
    // Legacy servers exist that refuse a revision instead of answering with their own.
    let picky = serve(
        |request, _| match request.body["params"]["protocolVersion"].as_str() {
            Some("2025-11-25") => json_response(
                200,
                request.error(
                    -32602,
                    "Unsupported protocol version",
                    json!({"supported": ["2024-11-05"], "requested": "2025-11-25"}),
                ),
            ),
            _ => legacy(request, "2024-11-05"),
        },
    );
    assert_eq!(meet(&picky.url()).dialect.revision, Revision::V2024_11_05);
}
