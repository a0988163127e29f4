//! The known truth: what the file says is what happened, judged by order, counts and the server's own instants.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde_json::{Value, json};
use server::Options;

use crate::support::*;

/// A file in the build's own folder for such things, by test.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.jsonl", std::process::id()))
}

/// The first line and the others; the server has stopped.
fn read(path: &PathBuf) -> (Value, Vec<Value>) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::remove_file(path).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.next().unwrap(), lines.collect())
}

fn us(line: &Value, field: &str) -> u64 {
    line[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} in {line}"))
}

#[test]
fn every_call_on_every_transport_has_one_line() {
    let path = file("every-call");
    let server = Running::start(Options {
        truth: Some(path.clone()),
        seed: 7,
        ..Options::default()
    });
    let session = server.session("2025-11-25");
    let mut http = server.http();
    for id in 10..13 {
        http.post(&[("mcp-session-id", &session)], &echo(id).to_string());
    }
    let mut progress = tool(20, "progress", json!({"n": 2}));
    progress["params"]["_meta"] = json!({"progressToken": 1});
    http.post(&[("mcp-session-id", &session)], &progress.to_string());
    let mut ws = server.websocket();
    for id in 30..33 {
        ws.send(&echo(id));
    }
    for _ in 30..33 {
        ws.receive();
    }
    let mut text_id = echo(0);
    text_id["id"] = json!("x\"y");
    ws.call(&text_id);
    server.stop().unwrap();
    let (first, lines) = read(&path);
    assert_eq!(first["seed"], 7);
    let start_us = us(&first, "start_mono_us");
    let ids: Vec<_> = lines.iter().map(|line| line["id"].clone()).collect();
    assert_eq!(json!(ids), json!([1, 10, 11, 12, 20, 30, 31, 32, "x\"y"]));
    let mut last_us = start_us;
    for line in &lines {
        assert!(
            us(line, "received_mono_us") <= us(line, "answered_mono_us"),
            "{line}"
        );
        assert!(
            us(line, "answered_mono_us") >= last_us,
            "in the order of writing"
        );
        last_us = us(line, "answered_mono_us");
    }
    assert_eq!(lines[1]["session"], session.as_str());
    assert!(
        lines[5]["session"].is_u64(),
        "a WebSocket is named by its number"
    );
    assert_eq!(lines[0]["method"], "initialize");
    assert!(
        lines[1]["peer_port"].is_u64() && lines[1]["peer_port"] == lines[2]["peer_port"],
        "a kept connection is one port"
    );
    assert_ne!(lines[2]["peer_port"], lines[5]["peer_port"]);
}

#[test]
fn no_answer_leaves_before_its_latency_is_over_and_the_handshake_has_none() {
    let path = file("latency");
    let server = Running::start(Options {
        truth: Some(path.clone()),
        latency: Some("uniform:min=2ms,max=4ms".parse().unwrap()),
        ..Options::default()
    });
    let session = server.session("2025-11-25");
    server.post(&[("mcp-session-id", &session)], &echo(2));
    server.post(
        &[("mcp-session-id", &session)],
        &request(3, "ping", json!({})),
    );
    let mut ws = server.websocket();
    ws.call(&modern(request(4, "server/discover", json!({}))));
    for method in ["tools/list", "resources/list", "prompts/list"] {
        ws.call(&request(5, method, json!({})));
    }
    server.stop().unwrap();
    let (_, lines) = read(&path);
    assert_eq!(lines.len(), 7);
    for line in &lines {
        let took_us = us(line, "answered_mono_us") - us(line, "received_mono_us");
        let handshake =
            ["initialize", "server/discover"].contains(&line["method"].as_str().unwrap());
        // No upper bound: that is the machine's. A handshake without latency is below the lower one
        // on any machine that could run this at all, but that too is only its word.
        assert!(handshake || took_us >= 2_000, "{line}");
    }
}

#[test]
fn workers_serve_one_after_the_other_in_order_of_arrival() {
    let path = file("workers");
    let server = Running::start(Options {
        truth: Some(path.clone()),
        latency: Some("3ms".parse().unwrap()),
        workers: NonZeroUsize::new(1),
        ..Options::default()
    });
    let mut ws = server.websocket();
    for id in 0..6 {
        ws.send(&echo(id));
    }
    let ids: Vec<_> = (0..6)
        .map(|_| ws.receive()["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5]);
    server.stop().unwrap();
    let (_, lines) = read(&path);
    let received_us = us(&lines[0], "received_mono_us");
    for (k, line) in (1..).zip(&lines) {
        let since_us = us(line, "answered_mono_us") - received_us;
        assert!(
            since_us >= k * 3_000,
            "call {k} was done after {since_us} us, before its turn"
        );
    }
}

#[test]
fn nothing_leaves_during_a_stall_and_then_all_in_order() {
    let path = file("stall");
    let server = Running::start(Options {
        truth: Some(path.clone()),
        stall: Some("150ms/300ms".parse().unwrap()),
        ..Options::default()
    });
    let mut ws = server.websocket();
    let mut id = 0;
    let burst = |ws: &mut Ws, id: &mut u64| {
        for method in ["ping", "tools/list", "resources/list"] {
            ws.send(&request(*id, method, json!({})));
            *id += 1;
        }
        ws.send_text("nonsense");
        let answers: Vec<_> = (0..4).map(|_| ws.receive()["id"].clone()).collect();
        let expected = json!([*id - 3, *id - 2, *id - 1, null]);
        assert_eq!(
            json!(answers),
            expected,
            "in order, the error that has no call too"
        );
    };
    // The file is written once a second, and shows when a call fell into a stall.
    until("a call falls into a stall", || {
        burst(&mut ws, &mut id);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let start_us = us(&lines.next().unwrap(), "start_mono_us");
        lines.any(|line| is_in_stall(us(&line, "received_mono_us") - start_us))
    });
    let session = server.session("2025-11-25");
    assert_eq!(
        server
            .post(&[("mcp-session-id", &session)], &echo(id))
            .status,
        200
    );
    server.stop().unwrap();
    let (first, lines) = read(&path);
    assert_eq!(
        (us(&first, "stall_for_us"), us(&first, "stall_every_us")),
        (150_000, 300_000)
    );
    let start_us = us(&first, "start_mono_us");
    for line in &lines {
        // What came just before a window may be written within it where the machine is slow, so only
        // calls that came during one are judged: they leave when it is over.
        let received_us = us(line, "received_mono_us") - start_us;
        if is_in_stall(received_us) {
            let end_us = received_us.next_multiple_of(300_000);
            assert!(
                us(line, "answered_mono_us") - start_us >= end_us,
                "{line} left during the stall"
            );
        }
    }
}

/// Of `150ms/300ms`, counted from the start.
fn is_in_stall(since_start_us: u64) -> bool {
    since_start_us % 300_000 >= 150_000
}

#[test]
fn errors_are_injected_at_the_same_calls_for_the_same_seed() {
    let failing = |seed| {
        let server = Running::start(Options {
            error_rate: 0.2,
            seed,
            ..Options::default()
        });
        let mut ws = server.websocket();
        assert!(
            ws.call(&initialize(0, "2025-11-25"))["result"].is_object(),
            "never the handshake"
        );
        let ids: Vec<u64> = (1..=200)
            .filter(|id| {
                let answer = ws.call(&echo(*id));
                assert_eq!(answer["id"], *id);
                answer["error"]["code"] == -32603
            })
            .collect();
        ids
    };
    let first = failing(1);
    assert!((15..=70).contains(&first.len()), "{} of 200", first.len());
    assert_eq!(first, failing(1));
    assert_ne!(first, failing(2));
}

#[test]
fn a_truth_file_that_cannot_be_made_is_an_error_at_the_start() {
    let server = Running::start(Options {
        truth: Some(PathBuf::from("/nonexistent/truth.jsonl")),
        ..Options::default()
    });
    let error = server.stop().unwrap_err().to_string();
    assert!(error.contains("truth and audit files"), "{error}");
}

#[test]
fn each_session_leaks_what_it_was_told_to() {
    let resident = || -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let server = Running::start(Options {
        leak_bytes_per_session: 4 << 20,
        ..Options::default()
    });
    let before = resident();
    for _ in 0..16 {
        let session = server.session("2025-11-25");
        server
            .http()
            .send("DELETE", "/mcp", &[("mcp-session-id", &session)], "");
    }
    // Other tests run beside this one and give memory back, so only most of it is asked for.
    let grown = resident().saturating_sub(before);
    assert!(grown > 32 << 20, "grew by {grown} bytes");
}

#[test]
fn each_execution_of_a_call_with_a_token_stands_in_the_audit_file_across_servers() {
    let (audit, truth) = (file("audit"), file("audit-truth"));
    let start = |error_rate| {
        Running::start(Options {
            audit: Some(audit.clone()),
            truth: Some(truth.clone()),
            error_rate,
            ..Options::default()
        })
    };
    let with_token = |id, token: &str| {
        let mut call = echo(id);
        call["params"]["_meta"] = json!({"mcpipe/token": token});
        call
    };
    let server = start(0.0);
    let mut ws = server.websocket();
    ws.call(&with_token(1, "a"));
    ws.call(&with_token(2, "a"));
    ws.call(&echo(3));
    let mut unknown = with_token(4, "never");
    unknown["params"]["name"] = json!("no such tool");
    ws.call(&unknown);
    // Executed, and never answered.
    let mut slow = tool(5, "slow", json!({"ms": 60_000}));
    slow["params"]["_meta"] = json!({"mcpipe/token": 5});
    ws.send(&slow);
    ws.call(&request(6, "ping", json!({})));
    drop(ws);
    server.stop().unwrap();
    let (_, lines) = read(&truth);
    let tokens: Vec<_> = lines.iter().map(|line| line["token"].clone()).collect();
    assert_eq!(json!(tokens), json!(["a", "a", null, "never", null]));
    let server = start(1.0);
    server.websocket().call(&with_token(1, "failed"));
    server.stop().unwrap();
    let server = start(0.0);
    server.websocket().call(&with_token(1, "b"));
    server.stop().unwrap();
    let text = std::fs::read_to_string(&audit).unwrap();
    let executed: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["token"].clone())
        .collect();
    assert_eq!(json!(executed), json!(["a", "a", 5, "b"]));
    for path in [audit, truth] {
        std::fs::remove_file(path).unwrap();
    }
}
