//! Lines over TCP: the same calls as over WebSocket, one message a line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use server::{Limits, Options};

use crate::support::*;

/// A client that speaks lines.
struct Lines(BufReader<TcpStream>);

impl Lines {
    fn to(server: &Running) -> Self {
        Self(BufReader::new(connect(server.lines)))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "{line:?}");
        serde_json::from_str(&line).unwrap()
    }

    fn call(&mut self, message: &Value) -> Value {
        self.send(&format!("{message}\n"));
        self.receive()
    }
}

#[test]
fn both_eras_are_spoken_as_lines_and_one_connection_is_one_session() {
    let server = Running::start(Options::default());
    let mut lines = Lines::to(&server);
    assert_eq!(
        lines.call(&modern(request(1, "server/discover", json!({}))))["result"]["resultType"],
        "complete"
    );
    assert_eq!(
        lines.call(&initialize(2, "2025-06-18"))["result"]["protocolVersion"],
        "2025-06-18"
    );
    lines.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    assert_eq!(lines.call(&echo(3))["id"], 3);
    assert_eq!(
        server.metric("mcp_server_sessions_active{transport=\"tcp\"}"),
        1.0
    );
    assert_eq!(
        server.metric("mcp_server_requests_total{method=\"tools/call\",transport=\"tcp\",era=\"legacy\",outcome=\"ok\"}"),
        1.0
    );
    drop(lines);
    server.until_metric("mcp_server_connections_active{transport=\"tcp\"}", 0.0);
}

#[test]
fn a_line_that_is_no_message_is_answered_and_the_next_one_counts() {
    let server = Running::start(Options::default());
    let mut lines = Lines::to(&server);
    for (text, code) in [
        ("nonsense\n", -32700),
        ("[]\r\n", -32600),
        ("\n\n7\n", -32600),
    ] {
        lines.send(text);
        assert_eq!(lines.receive()["error"]["code"], code, "{text:?}");
    }
    lines.0.get_mut().write_all(b"\xFF\xFE\n").unwrap();
    assert_eq!(lines.receive()["error"]["code"], -32700);
    assert_eq!(lines.call(&echo(1))["id"], 1);
}

#[test]
fn what_was_asked_before_the_end_of_the_stream_is_answered_a_last_line_without_lf_too() {
    let server = Running::start(Options::default());
    let mut lines = Lines::to(&server);
    let (slow, last) = (tool(1, "slow", json!({"ms": 100})), echo(2));
    lines.send(&format!("{slow}\n{last}"));
    lines.0.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(lines.receive()["id"], 2);
    assert_eq!(lines.receive()["id"], 1);
    assert_eq!(lines.0.read(&mut [0; 1]).unwrap(), 0, "and then it ends");
}

#[test]
fn thousands_of_lines_in_one_write_are_answered_in_order_however_they_are_cut() {
    let server = Running::start(Options::default());
    let mut lines = Lines::to(&server);
    let all: String = (0..5_000).map(|id| format!("{}\n", echo(id))).collect();
    let mut writer = lines.0.get_ref().try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        for part in all.as_bytes().chunks(7_001) {
            writer.write_all(part).unwrap();
        }
    });
    for id in 0..5_000 {
        assert_eq!(lines.receive()["id"], id);
    }
    writing.join().unwrap();
}

#[test]
fn a_line_that_never_ends_is_refused_at_its_limit() {
    let server = Running::start(Options {
        limits: Limits {
            frame_bytes: 10_000,
            ..Limits::default()
        },
        ..Options::default()
    });
    let mut lines = Lines::to(&server);
    lines.send(&"x".repeat(100_000));
    assert_eq!(lines.receive()["error"]["code"], -32600);
    assert_eq!(lines.0.read(&mut [0; 1]).unwrap_or(0), 0);
    assert_eq!(Lines::to(&server).call(&echo(1))["id"], 1);
}

#[test]
fn a_client_that_does_not_read_is_not_read_from_and_gets_all_its_answers_later() {
    let server = Running::start(Options::default());
    let mut lines = Lines::to(&server);
    let call = format!("{}\n", tool(1, "payload", json!({"bytes": 100_000})));
    let mut writer = lines.0.get_ref().try_clone().unwrap();
    let asked = 2_000;
    let writing = std::thread::spawn(move || {
        for _ in 0..asked {
            writer.write_all(call.as_bytes()).unwrap();
        }
    });
    // 200 MB wait in no buffer of the server's: others are served as ever.
    assert_eq!(Lines::to(&server).call(&echo(2))["id"], 2);
    for _ in 0..asked {
        assert_eq!(lines.receive()["id"], 1);
    }
    writing.join().unwrap();
}

#[test]
fn a_stop_lets_running_calls_finish() {
    let server = Running::start(Options::default());
    let mut lines = Lines::to(&server);
    lines.send(&format!("{}\n", tool(1, "slow", json!({"ms": 100}))));
    lines.call(&echo(2));
    let stopping = std::thread::spawn(move || server.stop());
    assert_eq!(lines.receive()["id"], 1);
    stopping.join().unwrap().unwrap();
    lines
        .0
        .get_ref()
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    assert_eq!(lines.0.read(&mut [0; 1]).unwrap_or(0), 0);
}
