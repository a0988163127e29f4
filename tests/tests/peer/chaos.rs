//! Faults in front of servers that we did not write: what the load counts is what was done to their answers.

use super::alone;
use super::peer::{Peer, installed};
use pipe_tests::faults::{assert_back, calls, count, number, service_us, sums, window};
use pipe_tests::{Pipeline, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every other call is hit; each kind has a target of its own, all of which are the same server.
const MESSAGES: [(&str, &str, &str); 4] = [
    ("dropped", "drop_answer:", "timeout"),
    ("rpc", "rpc_error:code=-32000,", "rpc_error"),
    ("tool", "tool_error:", "tool_error"),
    ("cut_off", "truncate_json:keep=40%,", "protocol_error"),
];
const NETWORK: [(&str, &str); 2] = [("late", "latency:latency=300ms,"), ("reset", "reset:")];

/// A client on each target, at ten calls a second; faults are there for two seconds, `from_ms` after t0.
fn load(url: &str, transport: &str, from_ms: u64, connect_for: &str) -> Stream {
    let messages = MESSAGES.map(|(name, kind, _)| (name, format!("{kind}nth=2,")));
    let network = NETWORK.map(|(name, kind)| (name, kind.to_owned()));
    let all: Vec<(&str, String)> = messages.into_iter().chain(network).collect();
    let plan: String = all
        .iter()
        .map(|(name, kind)| format!("{kind}name={name}@{from_ms}ms+2s "))
        .collect();
    let targets: String = all
        .iter()
        .map(
            |(name, _)| json!({"type": "target", "name": name, "url": url, "transport": transport}),
        )
        .map(|target| format!("{target}\n"))
        .collect();
    let run = Pipeline::new(format!(
        "mcp-chaos -q {plan} --seed 7 | mcp-gen --clients 6 --rate 10/s --method tools/call --tool echo --allow-exec \
         --connect-for {connect_for} --warmup 0s --interval 200ms --timeout 2s --calls all --seed 7 -q --for 8s > run.jsonl"
    ))
    .stdin(targets)
    .patience(Duration::from_secs(120))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(stream.totals()["dialects"][0]["transport"], transport);
    stream
}

#[track_caller]
fn assert_messages(stream: &Stream, of_lines: bool) {
    for (name, kind, class) in MESSAGES {
        let (hit, matched) = (count(stream, name, "hit"), count(stream, name, "matched"));
        assert!(hit >= 5, "{kind}: {hit} of {matched}");
        // A line that is no JSON names no call.
        let class = if of_lines && name == "cut_off" {
            "timeout"
        } else {
            class
        };
        let wanted: BTreeMap<String, u64> = [(class.to_owned(), hit)].into();
        assert_eq!(sums(stream, name, "errors"), wanted, "{kind}");
    }
}

#[track_caller]
fn assert_network(stream: &Stream, classes: &[&str]) {
    let (began, ended) = window(stream, "late");
    let mut late: Vec<&Value> = calls(stream, "late");
    // The record is written once the fault has been taken back, and then what waits goes at once.
    late.retain(|c| number(c, "sent_us") > began && number(c, "done_us") < ended - 50_000);
    assert!(late.len() >= 5, "{}", late.len());
    for call in late {
        assert!(service_us(call) >= 300_000, "{call}");
    }
    assert_eq!(sums(stream, "late", "errors"), BTreeMap::new());
    let errors = sums(stream, "reset", "errors");
    for class in errors.keys() {
        assert!(classes.contains(&class.as_str()), "{errors:?}");
    }
    assert!(errors.values().sum::<u64>() > 0);
    assert!(count(stream, "reset", "connections_closed") > 0);
    assert_back(stream, "reset", 2_500_000);
}

#[test]
fn faults_in_front_of_server_everything_over_stdio() {
    let _alone = alone();
    let index = "node/node_modules/@modelcontextprotocol/server-everything/dist/index.js";
    let command = format!("stdio:node {} stdio", installed(index));
    // Six of them start at once, and a seventh for each client.
    let stream = load(&command, "stdio", 8_000, "7s");
    assert_messages(&stream, true);
    assert_network(
        &stream,
        &["connection_closed", "connect_failed", "abandoned"],
    );
}

#[test]
fn faults_in_front_of_a_python_server_over_sse_and_websocket() {
    let _alone = alone();
    for (mode, classes) in [
        (
            "sse",
            &[
                "stream_ended",
                "connection_closed",
                "connect_failed",
                "session_lost",
                "abandoned",
            ][..],
        ),
        ("ws", &["connection_closed", "connect_failed", "abandoned"]),
    ] {
        let peer = Peer::start("py1", mode);
        let stream = load(&peer.url(), mode, 2_500, "2s");
        assert_messages(&stream, false);
        assert_network(&stream, classes);
    }
}
