//! Streamable HTTP as up to 2025-11-25: sessions, versions, batches, streams, cancellation.

use serde_json::json;
use server::{AnswerForm, Options};

use crate::support::*;

#[test]
fn initialize_mints_a_session_and_answers_with_a_version_that_is_spoken() {
    let server = Running::start(Options::default());
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
    ] {
        let reply = server.post(&[], &initialize(1, asked));
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.json()["result"]["protocolVersion"],
            answered,
            "asked for {asked}"
        );
        assert!(reply.json()["result"]["capabilities"]["tools"].is_object());
        assert_eq!(
            reply.json()["result"]["serverInfo"]["name"],
            "mcpipe-server"
        );
        let session = reply.header("mcp-session-id").unwrap();
        assert!(session.len() >= 32 && session.bytes().all(|byte| (0x21..=0x7E).contains(&byte)));
    }
    assert_ne!(server.session("2025-11-25"), server.session("2025-11-25"));
}

#[test]
fn a_request_needs_its_session_and_an_ended_one_is_gone() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let id = [("mcp-session-id", session.as_str())];
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let reply = server.post(&id, &initialized);
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    assert_eq!(
        server.post(&id, &echo(2)).json()["result"]["content"][0]["text"],
        "hello"
    );
    for message in [
        echo(3),
        initialized,
        json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
    ] {
        assert_eq!(
            server.post(&[], &message).status,
            400,
            "no session: {message}"
        );
        assert_eq!(
            server
                .post(&[("mcp-session-id", "nobody")], &message)
                .status,
            404
        );
    }
    assert_eq!(server.http().send("DELETE", "/mcp", &[], "").status, 400);
    assert_eq!(server.http().send("DELETE", "/mcp", &id, "").status, 200);
    assert_eq!(server.post(&id, &echo(4)).status, 404);
    assert_eq!(server.http().send("DELETE", "/mcp", &id, "").status, 404);
}

#[test]
fn an_unknown_protocol_version_is_400_and_none_is_fine() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let with = |version| {
        server.post(
            &[
                ("mcp-session-id", &session),
                ("mcp-protocol-version", version),
            ],
            &echo(2),
        )
    };
    assert_eq!(with("2025-11-25").status, 200);
    assert_eq!(with("2025-06-18").status, 200);
    assert_eq!(with("1999-01-01").status, 400);
    assert_eq!(with("nonsense").status, 400);
    assert_eq!(
        server
            .post(&[("mcp-session-id", &session)], &echo(2))
            .status,
        200
    );
}

#[test]
fn without_sessions_any_request_is_answered_and_none_is_minted() {
    let server = Running::start(Options {
        stateless: true,
        ..Options::default()
    });
    let reply = server.post(&[], &initialize(1, "2025-11-25"));
    assert_eq!((reply.status, reply.header("mcp-session-id")), (200, None));
    assert_eq!(server.post(&[], &echo(2)).status, 200);
    assert_eq!(
        server
            .post(&[("mcp-session-id", "whatever")], &echo(2))
            .status,
        200
    );
    assert_eq!(server.http().send("DELETE", "/mcp", &[], "").status, 405);
    assert_eq!(
        server
            .http()
            .send("GET", "/mcp", &[("accept", "text/event-stream")], "")
            .status,
        405
    );
}

#[test]
fn batches_are_taken_in_2025_03_26_only() {
    let server = Running::start(Options::default());
    let batch = json!([
        echo(1),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request(2, "ping", json!({})),
        initialize(3, "2025-03-26"),
        {"jsonrpc": "2.0", "id": 4},
    ]);
    let old = server.session("2025-03-26");
    let reply = server.post(&[("mcp-session-id", &old)], &batch);
    assert_eq!(reply.status, 200);
    let answers = reply.json();
    let ids: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["id"].clone())
        .collect();
    assert_eq!(ids, [json!(1), json!(2), json!(3), json!(4)]);
    assert_eq!(answers[0]["result"]["content"][0]["text"], "hello");
    assert_eq!(answers[1]["result"], json!({}));
    assert_eq!(
        answers[2]["error"]["code"], -32600,
        "initialize must not be in a batch"
    );
    assert_eq!(answers[3]["error"]["code"], -32600);
    let silent = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    assert_eq!(
        server.post(&[("mcp-session-id", &old)], &silent).status,
        202
    );
    assert_eq!(
        server.post(&[("mcp-session-id", &old)], &json!([])).status,
        400
    );
    let newer = server.session("2025-06-18");
    assert_eq!(
        server.post(&[("mcp-session-id", &newer)], &batch).status,
        400
    );
    let header = [
        ("mcp-session-id", old.as_str()),
        ("mcp-protocol-version", "2025-06-18"),
    ];
    assert_eq!(
        server.post(&header, &batch).status,
        400,
        "the header counts"
    );
}

#[test]
fn accept_and_content_type_are_checked_leniently() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let post = |accept, content_type| {
        let headers = [
            ("mcp-session-id", session.as_str()),
            ("accept", accept),
            ("content-type", content_type),
        ];
        server.post(&headers, &echo(2))
    };
    for accept in [
        "",
        "*/*",
        "application/json",
        "text/event-stream;q=0.5, application/*",
        "text/html, */*;q=0.1",
    ] {
        let reply = post(accept, "application/json; charset=utf-8");
        assert_eq!(reply.status, 200, "{accept}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{accept}"
        );
    }
    assert_eq!(
        post("text/event-stream", "application/json").events().len(),
        1
    );
    assert_eq!(post("text/html", "application/json").status, 406);
    for content_type in ["", "text/plain", "application/jsonp"] {
        assert_eq!(post("*/*", content_type).status, 415, "{content_type}");
    }
}

#[test]
fn answers_come_as_events_where_that_was_asked_for() {
    let server = Running::start(Options {
        answers: AnswerForm::Sse,
        ..Options::default()
    });
    let reply = server.post(&[], &initialize(1, "2025-11-25"));
    assert_eq!(reply.events().len(), 1);
    let session = reply.header("mcp-session-id").unwrap();
    let reply = server.post(&[("mcp-session-id", session)], &echo(2));
    assert_eq!(reply.events()[0]["result"]["content"][0]["text"], "hello");
    assert!(reply.text().starts_with("event: message\ndata: ") && reply.text().ends_with("\n\n"));
    let headers = [("mcp-session-id", session), ("accept", "application/json")];
    assert_eq!(
        server.post(&headers, &echo(3)).header("content-type"),
        Some("application/json")
    );
}

#[test]
fn progress_is_told_on_the_stream_of_its_request() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let id = [("mcp-session-id", session.as_str())];
    let mut call = tool(2, "progress", json!({"n": 3, "every_ms": 1}));
    let quiet = server.post(&id, &call);
    assert_eq!(
        quiet.json()["result"]["content"][0]["text"],
        "done",
        "no token, no stream"
    );
    call["params"]["_meta"] = json!({"progressToken": "t-1"});
    let events = server.post(&id, &call).events();
    let told: Vec<_> = events[..3]
        .iter()
        .map(|event| event["params"].clone())
        .collect();
    for (k, params) in (1..).zip(&told) {
        assert_eq!(
            *params,
            json!({"progressToken": "t-1", "progress": k, "total": 3})
        );
    }
    assert_eq!((events.len(), &events[3]["id"]), (4, &json!(2)));
}

#[test]
fn a_cancelled_call_gets_no_answer_and_others_do() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let slow = tool(7, "slow", json!({"ms": 60_000})).to_string();
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    let default = [
        ("mcp-session-id", session.as_str()),
        ("content-type", "application/json"),
    ];
    let mut json_only = default.to_vec();
    json_only.push(("accept", "application/json"));
    for (cancelled, headers) in (1..).zip([&default[..], &json_only[..]]) {
        let mut waiting = server.http();
        waiting.write("POST", "/mcp", headers, &slow);
        // The notification may overtake the call, and then cancels nothing: so it is repeated.
        until("the slow call is cancelled", || {
            assert_eq!(server.post(&default, &cancel).status, 202);
            let series = "mcp_server_requests_total{method=\"tools/call\",transport=\"http\",era=\"legacy\",outcome=\"cancelled\"}";
            server.metric(series) == f64::from(cancelled)
        });
        let reply = waiting.read();
        assert!(reply.body.is_empty(), "{reply:?}");
        assert!(
            waiting
                .post(&[("mcp-session-id", &session)], &echo(8).to_string())
                .status
                == 200
        );
    }
}

#[test]
fn the_get_stream_opens_says_that_it_is_alive_and_ends_with_its_session() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let id = ("mcp-session-id", session.as_str());
    assert_eq!(
        server
            .http()
            .send("GET", "/mcp", &[id, ("accept", "application/json")], "")
            .status,
        405
    );
    assert_eq!(
        server
            .http()
            .send("GET", "/mcp", &[("accept", "text/event-stream")], "")
            .status,
        400
    );
    let mut stream = server.http();
    stream.write("GET", "/mcp", &[id, ("accept", "text/event-stream")], "");
    let (status, headers) = stream.head();
    assert_eq!(status, 200);
    assert!(
        headers
            .iter()
            .any(|(_, value)| value == "text/event-stream")
    );
    assert!(stream.chunk().unwrap().starts_with(b"id: get/0\n"));
    assert_eq!(server.http().send("DELETE", "/mcp", &[id], "").status, 200);
    assert_eq!(stream.chunk(), None, "the stream ends in good order");
}
