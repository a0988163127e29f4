//! Each limit has its answer, and the server goes on.

use std::io::Write;
use std::time::Duration;

use serde_json::json;
use server::{Limits, Options};
use tungstenite::Message;

use crate::support::*;

fn limited(limits: Limits) -> Running {
    Running::start(Options {
        limits,
        ..Options::default()
    })
}

#[test]
fn a_body_that_is_too_large_is_413_announced_or_not() {
    let server = limited(Limits {
        body_bytes: 10_000,
        ..Limits::default()
    });
    let large = tool(1, "echo", json!({"message": "x".repeat(20_000)})).to_string();
    assert_eq!(server.http().post(&[], &large).status, 413);
    assert_eq!(
        server
            .http()
            .post(&[("expect", "100-continue")], &large)
            .status,
        413
    );
    let mut chunked = server.http();
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let stream = chunked.stream.get_mut();
    stream.write_all(head.as_bytes()).unwrap();
    for part in large.as_bytes().chunks(1000) {
        write!(stream, "{:x}\r\n", part.len()).unwrap();
        stream.write_all(part).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(chunked.read().status, 413);
    assert_eq!(
        server.metric("mcp_server_errors_total{class=\"too_large\"}"),
        3.0
    );
}

#[test]
fn a_chunked_body_within_the_limit_is_put_together() {
    let server = limited(Limits::default());
    let session = server.session("2025-11-25");
    let body = tool(1, "echo", json!({"message": "y".repeat(5_000)})).to_string();
    let mut http = server.http();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: {session}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let stream = http.stream.get_mut();
    stream.write_all(head.as_bytes()).unwrap();
    for part in body.as_bytes().chunks(777) {
        write!(stream, "{:x}\r\n", part.len()).unwrap();
        stream.write_all(part).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(
        http.read().json()["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .len(),
        5_000
    );
}

#[test]
fn a_head_that_is_too_large_is_431() {
    let server = limited(Limits {
        header_bytes: 8 << 10,
        ..Limits::default()
    });
    let filler = "x".repeat(10_000);
    assert_eq!(
        server.http().post(&[("x-filler", &filler)], "{}").status,
        431
    );
    assert_eq!(server.http().send("GET", "/health", &[], "").status, 200);
}

#[test]
fn a_frame_that_is_too_large_closes_with_1009() {
    let server = limited(Limits {
        frame_bytes: 10_000,
        ..Limits::default()
    });
    let mut ws = server.websocket();
    ws.send_text(&tool(1, "echo", json!({"message": "x".repeat(9_000)})).to_string());
    assert_eq!(ws.receive()["id"], 1);
    ws.0.send(Message::text("x".repeat(2_000_000))).unwrap();
    assert_eq!(ws.close_code(), 1009);
    assert_eq!(server.websocket().call(&echo(1))["id"], 1);
}

#[test]
fn sessions_beyond_the_limit_are_503_until_one_ends() {
    let server = limited(Limits {
        sessions: 2,
        ..Limits::default()
    });
    let first = server.session("2025-11-25");
    server.session("2025-11-25");
    let reply = server.post(&[], &initialize(9, "2025-11-25"));
    assert_eq!((reply.status, &reply.json()["id"]), (503, &json!(9)));
    assert_eq!(
        server.metric("mcp_server_sessions_active{transport=\"http\"}"),
        2.0
    );
    server
        .http()
        .send("DELETE", "/mcp", &[("mcp-session-id", &first)], "");
    server.session("2025-11-25");
}

#[test]
fn idle_sessions_and_connections_are_dropped() {
    let server = limited(Limits {
        idle: Duration::from_millis(40),
        ..Limits::default()
    });
    let session = server.session("2025-11-25");
    let mut http = server.http();
    let mut ws = server.websocket();
    assert!(http.is_closed());
    assert_eq!(ws.close_code(), 1001);
    server.until_metric("mcp_server_sessions_active{transport=\"http\"}", 0.0);
    assert_eq!(
        server
            .post(&[("mcp-session-id", &session)], &echo(1))
            .status,
        404
    );
}

#[test]
fn an_open_stream_keeps_its_connection_and_session() {
    let server = limited(Limits {
        idle: Duration::from_millis(400),
        ..Limits::default()
    });
    let session = server.session("2025-11-25");
    let id = ("mcp-session-id", session.as_str());
    let mut stream = server.http();
    stream.write("GET", "/mcp", &[id, ("accept", "text/event-stream")], "");
    assert_eq!(stream.head().0, 200);
    // A comment every 100 ms: these outlast the limit twice.
    for _ in 0..9 {
        assert!(stream.chunk().is_some());
    }
    assert_eq!(server.post(&[id], &echo(1)).status, 200);
}

#[test]
fn connections_beyond_the_limit_are_turned_away_with_503() {
    let server = limited(Limits {
        connections: 2,
        ..Limits::default()
    });
    let mut first = server.websocket();
    let mut second = server.websocket();
    assert_eq!(server.http().read().status, 503);
    assert_eq!(first.call(&echo(1))["id"], 1);
    first.0.close(None).unwrap();
    while first.0.read().is_ok() {}
    until("a place is free", || {
        let mut http = server.http();
        http.stream
            .get_mut()
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .is_ok()
            && http.head().0 == 200
    });
    assert_eq!(second.call(&echo(1))["id"], 1);
}

#[test]
fn a_websocket_with_too_many_calls_waiting_is_slowed_down_and_loses_none() {
    let server = limited(Limits {
        in_flight: 4,
        ..Limits::default()
    });
    let mut ws = server.websocket();
    for id in 0..50 {
        ws.send(&tool(id, "slow", json!({"ms": 2})));
    }
    let mut ids: Vec<_> = (0..50)
        .map(|_| ws.receive()["id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..50).collect::<Vec<_>>());
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_else() {
    let server = limited(Limits::default());
    let mut deaf = server.websocket();
    deaf.0
        .get_mut()
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let call = tool(1, "payload", json!({"bytes": 100_000})).to_string();
    // Until TCP pushes back: the server has stopped reading from it.
    let mut sent = 0_u64;
    while deaf.0.send(Message::text(call.clone())).is_ok() {
        sent += 1;
        assert!(sent < 2_000_000, "never slowed down");
    }
    assert_eq!(server.websocket().call(&echo(2))["id"], 2);
}

#[test]
fn a_message_that_nests_too_deep_is_refused() {
    let server = limited(Limits::default());
    let mut ws = server.websocket();
    let tower = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    ws.send_text(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":{tower}}}}}"#
    ));
    assert_eq!(ws.receive()["error"]["code"], -32600);
    ws.send_text(&tower);
    assert_eq!(
        ws.receive()[0]["error"]["code"],
        -32600,
        "a batch of one tower"
    );
    assert_eq!(ws.call(&echo(2))["id"], 2);
}
