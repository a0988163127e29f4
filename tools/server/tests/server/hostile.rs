//! Whatever a client sends, only its own call or connection suffers.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;
use server::Options;
use tungstenite::Message;

use crate::support::*;

fn runner(cases: u32) -> TestRunner {
    // Few every day, many in tests/long.
    let factor = std::env::var("MCPIPE_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok());
    TestRunner::new(Config {
        cases: cases.saturating_mul(factor.unwrap_or(1)),
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..Config::default()
    })
}

fn still_serves(server: &Running) {
    assert_eq!(server.http().send("GET", "/health", &[], "").status, 200);
    assert_eq!(server.websocket().call(&echo(1))["id"], 1);
}

#[test]
fn random_bytes_end_at_most_their_own_connection() {
    let server = Running::start(Options::default());
    runner(200)
        .run(&vec(any::<u8>(), 0..2_000), |bytes| {
            let mut stream = connect(server.address);
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(Shutdown::Write);
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            Ok(())
        })
        .unwrap();
    still_serves(&server);
}

#[test]
fn half_a_request_of_any_length_is_harmless() {
    let server = Running::start(Options::default());
    let body = echo(1).to_string();
    let whole = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut open = Vec::new();
    for end in 0..whole.len() {
        let mut stream = connect(server.address);
        stream.write_all(&whole.as_bytes()[..end]).unwrap();
        // Half of them hang up, half of them just wait.
        if end % 2 == 0 {
            drop(stream);
        } else {
            open.push(stream);
        }
    }
    still_serves(&server);
}

#[test]
fn random_frames_end_at_most_their_own_connection() {
    let server = Running::start(Options::default());
    runner(200)
        .run(&vec(any::<u8>(), 0..500), |bytes| {
            let mut ws = server.websocket();
            let stream = ws.0.get_mut();
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(Shutdown::Write);
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            Ok(())
        })
        .unwrap();
    still_serves(&server);
}

#[test]
fn random_text_in_a_frame_is_answered_or_ignored_and_the_connection_stays() {
    let server = Running::start(Options::default());
    let ws = std::cell::RefCell::new(server.websocket());
    let tokens = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"jsonrpc\"",
        "\"2.0\"",
        "\"id\"",
        "1",
        "null",
        "\"method\"",
        "\"ping\"",
        "\"tools/call\"",
        "\"params\"",
        "\"name\"",
        "\"echo\"",
        "\"arguments\"",
        "\"message\"",
        "\"_meta\"",
        "-",
        "1e9",
        "\\",
        "\"",
        "\"\\ud800\"",
        " ",
        "\u{e9}",
    ]);
    runner(300)
        .run(&vec(tokens, 0..40), |parts| {
            let mut ws = ws.borrow_mut();
            ws.send_text(&parts.concat());
            // A marker shows that whatever was said to the text has been said.
            ws.send(&json!({"jsonrpc": "2.0", "id": "marker", "method": "ping"}));
            loop {
                let Message::Text(text) = ws.0.read().unwrap() else {
                    continue;
                };
                if text.contains("\"marker\"") {
                    return Ok(());
                }
            }
        })
        .unwrap();
}

#[test]
fn a_frame_that_claims_to_be_huge_is_refused_before_it_is_held() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    // A masked text frame of 2^62 bytes.
    let mut head = vec![0x81, 0x80 | 127];
    head.extend((1_u64 << 62).to_be_bytes());
    head.extend([0; 4]);
    ws.0.get_mut().write_all(&head).unwrap();
    assert_eq!(ws.close_code(), 1009);
    still_serves(&server);
}

#[test]
fn a_flood_of_cancellations_and_repeated_ids_is_survived() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    for _ in 0..200 {
        ws.send(&tool(1, "slow", json!({"ms": 60_000})));
    }
    for _ in 0..200 {
        ws.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
    }
    assert_eq!(
        ws.call(&echo(2))["id"],
        2,
        "all that had the id are cancelled"
    );
    still_serves(&server);
}

#[test]
fn a_stop_does_not_wait_for_clients_that_hang_on() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let mut stream = server.http();
    stream.write(
        "GET",
        "/mcp",
        &[
            ("mcp-session-id", &session),
            ("accept", "text/event-stream"),
        ],
        "",
    );
    stream.head();
    let mut slow = server.websocket();
    slow.send(&tool(1, "slow", json!({"ms": 60_000})));
    slow.call(&echo(2));
    let idle = connect(server.address);
    let mut half = connect(server.address);
    half.write_all(b"POST /mcp HTTP/1.1\r\nhost: loc").unwrap();
    half.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // It would take a minute to answer, and for ever to read the rest.
    server.stop().unwrap();
    drop(idle);
    assert_eq!(half.read(&mut [0; 1]).unwrap_or(0), 0);
}
