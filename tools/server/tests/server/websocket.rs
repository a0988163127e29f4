//! The WebSocket: handshake, frames, order of answers, both eras on one connection.

use std::io::{Read, Write};

use serde_json::{Value, json};
use server::Options;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;

use crate::support::*;

#[test]
fn the_subprotocol_is_accepted_when_offered_and_not_named_otherwise() {
    let server = Running::start(Options::default());
    for path in ["/mcp", "/mcp/ws"] {
        for (offered, accepted) in [
            (Some("mcp"), Some("mcp")),
            (Some("soap, mcp"), Some("mcp")),
            (None, None),
        ] {
            let mut request = format!("ws://{}{path}", server.address)
                .into_client_request()
                .unwrap();
            if let Some(offered) = offered {
                request
                    .headers_mut()
                    .insert("sec-websocket-protocol", offered.parse().unwrap());
            }
            request.headers_mut().insert(
                "sec-websocket-extensions",
                "permessage-deflate".parse().unwrap(),
            );
            let (socket, response) = tungstenite::client(request, connect(server.address)).unwrap();
            let named = response
                .headers()
                .get("sec-websocket-protocol")
                .map(|value| value.to_str().unwrap());
            assert_eq!(named, accepted, "{path} {offered:?}");
            assert!(
                !response.headers().contains_key("sec-websocket-extensions"),
                "no compression"
            );
            assert_eq!(Ws(socket).call(&echo(1))["id"], 1);
        }
    }
}

#[test]
fn a_handshake_that_is_none_is_refused_with_its_status() {
    let server = Running::start(Options::default());
    let upgrade = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
    ];
    let get = |more: &[(&str, &str)]| {
        let headers: Vec<_> = upgrade.iter().chain(more).copied().collect();
        server.http().send("GET", "/mcp", &headers, "").status
    };
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(get(&[("sec-websocket-version", "13"), key]), 101);
    assert_eq!(get(&[("sec-websocket-version", "8"), key]), 426);
    assert_eq!(get(&[key]), 426);
    assert_eq!(get(&[("sec-websocket-version", "13")]), 400);
    assert_eq!(server.http().post(&[], "{}").status, 400);
    assert_eq!(server.http().send("POST", "/mcp/ws", &[], "{}").status, 405);
}

#[test]
fn frames_sent_right_behind_the_handshake_are_answered() {
    let server = Running::start(Options::default());
    let mut stream = connect(server.address);
    let mut bytes = b"GET /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".to_vec();
    let message = request(1, "ping", json!({})).to_string();
    // A masked text frame; the mask is zero.
    bytes.extend([0x81, 0x80 | message.len() as u8, 0, 0, 0, 0]);
    bytes.extend(message.as_bytes());
    stream.write_all(&bytes).unwrap();
    let mut seen = Vec::new();
    let answer = br#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    while !seen.ends_with(answer) {
        let mut part = [0; 1024];
        let count = stream.read(&mut part).unwrap();
        assert!(
            count > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend(&part[..count]);
    }
    assert!(seen.starts_with(b"HTTP/1.1 101 "));
    assert!(
        seen.windows(28)
            .any(|part| part == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "RFC 6455, 1.3"
    );
}

#[test]
fn a_frame_that_is_no_message_is_answered_and_the_connection_stays() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    for (text, code) in [
        ("nonsense", -32700),
        ("", -32700),
        ("7", -32600),
        ("{}", -32600),
        ("[]", -32600),
        ("[", -32700),
    ] {
        ws.send_text(text);
        let answer = ws.receive();
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(code), &Value::Null),
            "{text:?}"
        );
    }
    ws.send_text(&format!("{}\n", echo(1)));
    assert_eq!(ws.receive()["id"], 1, "a line feed at the end is fine");
    ws.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    ws.send(&json!({"jsonrpc": "2.0", "id": 5, "result": {}}));
    assert_eq!(
        ws.call(&echo(2))["id"],
        2,
        "nothing was said to the notification and the response"
    );
}

#[test]
fn pings_are_answered_and_binary_frames_close_with_1003() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    ws.0.send(Message::Ping(b"are you there"[..].into()))
        .unwrap();
    assert_eq!(
        ws.0.read().unwrap(),
        Message::Pong(b"are you there"[..].into())
    );
    ws.0.send(Message::Binary(b"{}"[..].into())).unwrap();
    assert_eq!(ws.close_code(), 1003);
}

#[test]
fn both_eras_are_spoken_on_one_connection() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    assert_eq!(
        ws.call(&modern(request(1, "server/discover", json!({}))))["result"]["resultType"],
        "complete"
    );
    assert_eq!(
        ws.call(&initialize(2, "2025-06-18"))["result"]["protocolVersion"],
        "2025-06-18"
    );
    assert!(ws.call(&echo(3))["result"].get("resultType").is_none());
    assert_eq!(
        ws.call(&modern(echo(4)))["result"]["resultType"],
        "complete"
    );
    assert_eq!(
        ws.call(&modern(request(5, "ping", json!({}))))["error"]["code"],
        -32601
    );
    assert_eq!(
        ws.call(&request(6, "server/discover", json!({})))["error"]["code"],
        -32602,
        "_meta is missing"
    );
    let mut future = modern(echo(7));
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    assert_eq!(ws.call(&future)["error"]["code"], -32022);
}

#[test]
fn a_quick_call_overtakes_a_slow_one_and_ids_come_back_as_they_came() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    ws.send(&tool(1, "slow", json!({"ms": 200})));
    let mut odd = echo(0);
    odd["id"] = json!("a \"quoted\" \u{e9}");
    assert_eq!(ws.call(&odd)["id"], odd["id"]);
    assert_eq!(ws.receive()["id"], 1);
    ws.send_text(r#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}"#);
    let Message::Text(text) = ws.0.read().unwrap() else {
        panic!()
    };
    assert!(
        text.contains("\"id\":123456789012345678901234567890,"),
        "{text}"
    );
}

#[test]
fn many_calls_in_one_write_are_all_answered_in_order() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    for id in 0..5_000 {
        ws.0.write(Message::text(echo(id).to_string())).unwrap();
        if id % 500 == 499 {
            ws.0.flush().unwrap();
            for id in id - 499..=id {
                assert_eq!(ws.receive()["id"], id);
            }
        }
    }
}

#[test]
fn a_cancelled_call_is_never_answered() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    let mut progress = tool(1, "progress", json!({"n": 2, "every_ms": 10_000}));
    progress["params"]["_meta"] = json!({"progressToken": 1});
    ws.send(&progress);
    ws.send(&tool(2, "slow", json!({"ms": 50})));
    ws.send(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
    );
    ws.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "2"}}));
    assert_eq!(ws.receive()["id"], 2, "\"2\" is not 2");
    server.until_metric(
        "mcp_server_requests_total{method=\"tools/call\",transport=\"websocket\",era=\"legacy\",outcome=\"cancelled\"}",
        1.0,
    );
}

#[test]
fn progress_comes_before_its_answer() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    for every_ms in [0, 1] {
        let mut progress = tool(1, "progress", json!({"n": 3, "every_ms": every_ms}));
        progress["params"]["_meta"] = json!({"progressToken": 7});
        ws.send(&progress);
        for k in 1..=3 {
            assert_eq!(
                ws.receive()["params"],
                json!({"progressToken": 7, "progress": k, "total": 3})
            );
        }
        assert_eq!(ws.receive()["id"], 1);
    }
}

#[test]
fn a_batch_is_answered_by_an_array_in_2025_03_26_only() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    let batch =
        json!([echo(1), tool(2, "slow", json!({"ms": 5})), {"jsonrpc": "2.0", "method": "n"}]);
    ws.call(&initialize(0, "2025-03-26"));
    let answers = ws.call(&batch);
    assert_eq!(
        (
            &answers[0]["id"],
            &answers[1]["id"],
            answers.as_array().unwrap().len()
        ),
        (&json!(1), &json!(2), 2)
    );
    ws.call(&initialize(0, "2025-06-18"));
    assert_eq!(ws.call(&batch)["error"]["code"], -32600);
}

#[test]
fn a_stop_lets_running_calls_finish_and_says_goodbye() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    ws.send(&tool(1, "slow", json!({"ms": 100})));
    ws.call(&echo(2));
    let stopping = std::thread::spawn(move || server.stop());
    assert_eq!(ws.receive()["id"], 1);
    assert_eq!(ws.close_code(), 1001);
    stopping.join().unwrap().unwrap();
}
