//! Each kind of message fault on each wire: every third call of one tool is hit, each kind on a target of its own, and the
//! load counts as many errors, of the class that it should be, on that tool alone; and nobody is left on the server.

use crate::chaos_kinds_rows::{Wire, rows};
use crate::chaos_kinds_shown::assert_shown;
use pipe_tests::faults::{assert_well_from, count, number, sums};
use pipe_tests::{Pipeline, Server, Stream, asking, assert_conserved};
use serde_json::json;

/// One client on each target, twenty-five calls a second, half of which are calls of `echo`.
fn load(wire: Wire, url: &str, connect_for_s: u64, options: &str) -> Stream {
    let rows = rows(wire, url);
    let plan: Vec<String> = rows
        .iter()
        .map(|(name, kind, _)| {
            format!(
                "{kind}nth=3,tool=echo,name={name}@{}ms+2s",
                connect_for_s * 1_000 + 300
            )
        })
        .collect();
    let transport = (wire == Wire::Sse).then_some("sse");
    let targets: String = rows
        .iter()
        .map(|(name, ..)| json!({"type": "target", "name": name, "url": url, "transport": transport}))
        .map(|target| format!("{target}\n"))
        .collect();
    let run = Pipeline::new(format!(
        "mcp-chaos -q {} --seed 7 | mcp-gen --clients {} --rate 25/s --method tools/call --tool add --tool echo {options} \
         --connect-for {connect_for_s}s --warmup 0s --interval 100ms --timeout 3s --calls all --allow-exec -q --for 4s \
         > run.jsonl",
        plan.join(" "),
        rows.len()
    ))
    .stdin(targets)
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    assert_shown(wire, &stream, &rows);
    stream
}

/// What a server says of itself, the asking not counted.
fn served(server: &Server, what: &str) -> u64 {
    let url = server.http();
    let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
    let request = asking::request(address, "GET", "/metrics", "connection: close\r\n", "");
    let (_, text) = asking::ask(address, &request);
    let lines = text.lines().filter(|line| line.starts_with(what));
    let sum: f64 = lines
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    sum as u64
}

/// A server has no connection left, and of sessions those that were told gone without its knowledge.
fn assert_nobody_is_left(server: &Server, lost_sessions: u64) {
    pipe_tests::until("connections end", pipe_tests::PATIENCE, || {
        served(server, "mcp_server_connections_active") == 1
    });
    assert_eq!(served(server, "mcp_server_sessions_active"), lost_sessions);
}

/// Answers take 100 ms, so that there is always another one to change places with.
const SERVED: [&str; 2] = ["--latency", "100ms"];

#[test]
fn each_fault_lands_in_its_class_over_http() {
    let server = Server::start(&SERVED);
    load(Wire::Json, &server.http(), 1, "--max-connections 60");
    assert_nobody_is_left(&server, 0);
}

#[test]
fn each_fault_lands_in_its_class_over_streams_of_a_session() {
    let server = Server::start(&[&SERVED[..], &["--answers", "sse"]].concat());
    let options = "--max-connections 60 --protocol legacy";
    let stream = load(Wire::Streams, &server.http(), 1, options);
    assert_nobody_is_left(&server, count(&stream, "gone", "hit"));
}

#[test]
fn each_fault_lands_in_its_class_over_websocket() {
    let server = Server::start(&SERVED);
    load(Wire::Frames, &server.ws(), 1, "");
    assert_nobody_is_left(&server, 0);
}

#[test]
fn each_fault_lands_in_its_class_over_tcp() {
    let server = Server::start(&[&SERVED[..], &["--listen-tcp", "127.0.0.1:0"]].concat());
    load(Wire::Lines, &server.tcp(), 1, "");
    assert_nobody_is_left(&server, 0);
}

#[test]
fn each_fault_lands_in_its_class_over_stdio() {
    // That nobody is left there is looked at after each pipeline.
    let url = format!("stdio:mcp-deploy serve --stdio {}", SERVED.join(" "));
    load(Wire::Lines, &url, 6, "");
}

#[test]
fn each_fault_lands_in_its_class_over_http_and_sse() {
    let server = Server::start(&SERVED);
    load(Wire::Sse, &server.sse(), 1, "");
    assert_nobody_is_left(&server, 0);
}

#[test]
fn a_stream_that_a_get_opened_ends_too_where_all_methods_are_named() {
    let server = Server::start(&SERVED);
    let target = json!({"type": "target", "name": "mine", "url": server.sse(), "transport": "sse"});
    let run = Pipeline::new(
        // A stream is cut if it was asked for while the fault is on, so those that there are have to go.
        "mcp-chaos -q cut_stream:method=*,events=5@900ms+2s reset@1s+50ms --seed 7 | mcp-gen --clients 2 --rate 10/s --method tools/call \
         --connect-for 500ms --warmup 0s --interval 100ms --timeout 2s --calls all -q --for 6s > run.jsonl",
    )
    .stdin(format!("{target}\n"))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    let errors = sums(&stream, "mine", "errors");
    let cut = crate::chaos::one(&stream, "f1", "ended");
    let hit = number(&cut["counts"], "hit");
    // Each event is an answer, or says where to POST to.
    assert!(hit >= 2, "{cut}");
    assert!(errors.values().sum::<u64>() > 0, "{errors:?}");
    for class in errors.keys() {
        let ended = [
            "stream_ended",
            "connection_closed",
            "session_lost",
            "abandoned",
        ];
        assert!(ended.contains(&class.as_str()), "{errors:?}");
    }
    assert_well_from(&stream, "mine", number(cut, "at_us") + 1_500_000);
    assert_conserved(&stream);
    assert_nobody_is_left(&server, 0);
}
