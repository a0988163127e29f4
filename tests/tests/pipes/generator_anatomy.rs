//! Where the time went: each transport has the parts of connections and answers that it should have, and no others.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use crate::tls_relay::TlsRelay;
#[allow(dead_code)] // it is for other tests, too
use pipe_tests::{
    Hostile, Pipeline, Server, Stream, answer, assert_conserved, assert_intervals_add_up, tools,
};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

const PARTS: [&str; 6] = ["tcp", "tls", "handshake", "first", "gap", "last"];

/// Makes a load at `target` (flags), and gives the stream and what the report says of the parts.
fn load(target: &str) -> (Stream, Value) {
    let run = Pipeline::new(format!(
        "mcp-gen {target} --clients 3 --rate 20/s --connect-for 800ms --warmup 0s --for 1s --interval 200ms --seed 3 -q \
         | tee run.jsonl | mcp-report -q --json report.json"
    ))
    .run();
    run.assert_stages_and_report(&[0, 0], "report.json");
    let stream = run.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    let report = run.verdict("report.json")["report"]["anatomy"].clone();
    (stream, report)
}

/// How often a part was counted in the whole run.
fn count(of: &Value, part: &str) -> u64 {
    of[part]["count"].as_u64().unwrap_or(0)
}

/// Asserts that these parts have figures, in the summary and in the report, and no others.
#[track_caller]
fn assert_has(wanted: &[&str], (stream, report): &(Stream, Value)) {
    let totals = stream.totals();
    for part in PARTS {
        let has = wanted.contains(&part);
        assert_eq!(count(totals, part) > 0, has, "{part}: {totals}");
        assert_eq!(report[part].is_object(), has, "{part}: {report}");
    }
    for row in stream.of("summary") {
        let is_of_connections = row["method"] == "connect";
        if row["final"] == true {
            continue;
        }
        let foreign = if is_of_connections {
            &PARTS[3..]
        } else {
            &PARTS[..3]
        };
        for part in foreign {
            assert_eq!(count(row, part), 0, "{part}: {row}");
        }
    }
}

#[test]
fn each_transport_has_its_own_parts() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let stdio = tools().join("mcp-deploy").display().to_string();
    for (target, parts) in [
        (format!("--url {}", server.ws()), &["tcp", "handshake"][..]),
        (
            format!("--url {} --protocol legacy", server.http()),
            &["tcp", "handshake", "first", "last"],
        ),
        (
            format!("--url {} --protocol modern", server.http()),
            &["tcp", "first", "last"],
        ),
        (
            format!("--url {} --protocol 2025-03-26 --batch 4", server.http()),
            &["tcp", "handshake", "first", "last"],
        ),
        (
            format!("--url {} --protocol modern", server.tcp()),
            &["tcp"],
        ),
        (format!("--url {}", server.sse()), &["tcp", "handshake"]),
        (format!("--stdio '{stdio} serve --stdio'"), &["handshake"]),
    ] {
        let run = load(&target);
        assert_has(parts, &run);
        let totals = run.0.totals();
        if parts.contains(&"first") {
            for part in ["first", "last"] {
                assert_eq!(
                    count(totals, part),
                    totals["ok"].as_u64().unwrap(),
                    "{part}"
                );
            }
        }
        let connects = totals["generator"]["connects"].as_u64().unwrap();
        for part in ["tcp", "handshake"].iter().filter(|p| parts.contains(p)) {
            // Only the first connection of a client to an HTTP server has anything to say before its calls.
            let most = count(totals, part) <= connects;
            let whole = count(totals, part) == connects || *part == "handshake";
            assert!(most && whole, "{part} of {connects}: {totals}");
        }
    }
}

#[test]
fn tls_is_told_apart_from_the_rest_of_a_connections_set_up() {
    let server = Server::start(&[]);
    let authority = server.http()["http://".len()..]
        .trim_end_matches("/mcp")
        .to_owned();
    let relay = TlsRelay::to(&authority);
    let run = load(&format!("--url {} --insecure", relay.url("wss")));
    assert_has(&["tcp", "tls", "handshake"], &run);
    let totals = run.0.totals();
    let mean = |part: &str| totals[part]["mean_us"].as_f64().unwrap();
    let sum = mean("tcp") + mean("tls") + mean("handshake");
    // Each of them is cut to whole microseconds, and kept to 3 digits.
    assert!(
        (sum - mean("connect")).abs() <= mean("connect") * 0.005 + 5.0,
        "{totals}"
    );
}

/// A server over HTTP whose answers to calls are streams: the head at once, three notifications, and the answer, each of them
/// 20 ms after the last.
fn streaming() -> Hostile {
    Hostile::listen(|mut client, _| {
        while let Some((_, body)) = Hostile::request(&mut client) {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            if !say(&mut client, &request) {
                return;
            }
        }
    })
}

/// Answers one request; whether the client is still there.
fn say(client: &mut TcpStream, request: &Value) -> bool {
    if request.get("id").is_none() {
        return client
            .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
            .is_ok();
    }
    let answer = answer(request, false).to_string();
    if request["method"] != "tools/call" {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        return client
            .write_all(&[head.as_bytes(), answer.as_bytes()].concat())
            .is_ok();
    }
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let news = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "on"}});
    let mut pieces = vec![head.to_owned()];
    for message in [
        &news.to_string(),
        &news.to_string(),
        &news.to_string(),
        &answer,
    ] {
        let event = format!("data: {message}\n\n");
        pieces.push(format!("{:x}\r\n{event}\r\n", event.len()));
    }
    pieces[4].push_str("0\r\n\r\n");
    pieces.iter().enumerate().all(|(n, piece)| {
        if n > 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        client.write_all(piece.as_bytes()).is_ok()
    })
}

#[test]
fn answers_that_are_streams_have_gaps_between_their_events() {
    let server = streaming();
    let target = format!(
        "--url http://127.0.0.1:{}/mcp --method tools/call",
        server.port()
    );
    let (stream, report) = load(&target);
    let totals = stream.totals();
    let ok = totals["ok"].as_u64().unwrap();
    assert!(ok > 0, "{totals}");
    assert_eq!(count(totals, "gap"), 3 * ok, "{totals}");
    assert_eq!([count(totals, "first"), count(totals, "last")], [ok, ok]);
    assert!(report["gap"]["max_us"].as_u64() >= Some(15_000), "{report}");
    // First and last are all of the service time, call by call.
    let mean = |part: &str| totals[part]["mean_us"].as_f64().unwrap();
    let (sum, service) = (mean("first") + mean("last"), mean("service"));
    assert!((sum - service).abs() <= service * 0.005 + 5.0, "{totals}");
    assert!(
        mean("last") > 40_000.0,
        "four events after the head: {totals}"
    );
}
