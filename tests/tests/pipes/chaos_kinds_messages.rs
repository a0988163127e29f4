//! Each kind of message fault on each wire: every third call of one tool is hit, each kind on a target of its own, and the
//! load counts as many errors, of the class that it should be, on that tool alone.

use Shows::{Class, Code, Large, Lost, Overtaken, Slow, Spared, Well};
use pipe_tests::faults::{assert_well_from, calls, count, fault, number, service_us, sums};
use pipe_tests::{Pipeline, Server, Stream, asking, assert_conserved, assert_intervals_add_up};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the load must show of as many calls as were hit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shows {
    /// They are errors of this class.
    Class(&'static str),
    /// The same, with this code.
    Code(&'static str, &'static str),
    /// They, and whatever else was on its way in their sessions, which then are opened again.
    Lost,
    /// They are answered well, and take so long at least, in µs.
    Slow(u64),
    /// They are answered well, with so many bytes at least.
    Large(u64),
    /// They are answered well, and after some that were sent later.
    Overtaken,
    /// They are answered well.
    Well,
    /// None is hit, and this is counted instead.
    Spared(&'static str),
}

const TIMEOUT: Shows = Class("timeout");
const BROKEN: Shows = Class("protocol_error");
const NO_HTTP: Shows = Spared("not_http");
const BUSY: Shows = Code("http_error", "http_429");
const INTERNAL: Shows = Code("http_error", "http_500");
const AWAY: Shows = Code("http_error", "http_503");
const RPC: Shows = Code("rpc_error", "rpc_-32000");
const MISMATCH: Shows = Code("rpc_error", "rpc_-32020");

/// A name, the kind with its parameters, and what is to be seen of it over HTTP with JSON (2026-07-28), HTTP with streams
/// (2025-11-25), WebSocket, lines, and HTTP+SSE.
type Row = (&'static str, &'static str, [Shows; 5]);

#[rustfmt::skip]
const ROWS: [Row; 18] = [
    ("dropped", "drop_answer:", [TIMEOUT; 5]),
    ("delayed", "delay_answer:delay=400ms,", [Slow(400_000); 5]),
    // The load has the first one, and calls the second one stray.
    ("doubled", "duplicate_answer:", [Spared("single"), Well, Well, Well, Well]),
    ("reordered", "reorder_answers:hold=600ms,", [Spared("single"), Spared("single"), Overtaken, Overtaken, Overtaken]),
    // On one connection the other answer has the id, and so both calls are answered, wrongly; over HTTP neither is.
    ("swapped", "swap_ids:", [BROKEN, BROKEN, Well, Well, Well]),
    // A line that is no JSON names no call.
    ("cut_off", "truncate_json:", [BROKEN, BROKEN, BROKEN, TIMEOUT, BROKEN]),
    ("tool", "tool_error:", [Class("tool_error"); 5]),
    ("rpc", "rpc_error:code=-32000,", [RPC; 5]),
    ("busy", "http_error:status=429,retry_after=1s,", [BUSY, BUSY, NO_HTTP, NO_HTTP, BUSY]),
    ("internal", "http_error:status=500,", [INTERNAL, INTERNAL, NO_HTTP, NO_HTTP, INTERNAL]),
    ("away", "http_error:status=503,", [AWAY, AWAY, NO_HTTP, NO_HTTP, AWAY]),
    ("gone", "session_gone:", [Spared("no_session"), Lost, NO_HTTP, NO_HTTP, Lost]),
    ("stream", "cut_stream:", [Spared("no_stream"), Class("stream_ended"), NO_HTTP, NO_HTTP, Spared("no_stream")]),
    ("torn", "cut_stream:by=rst,", [Spared("no_stream"), Class("stream_ended"), NO_HTTP, NO_HTTP, Spared("no_stream")]),
    // 250 bytes at least.
    ("dripping", "drip:size=32B,pause=50ms,", [Slow(350_000); 5]),
    ("large", "oversize:size=64KiB,", [Large(65_536); 5]),
    ("type", "wrong_result_type:", [BROKEN; 5]),
    // A modern request is refused by the server. A legacy stream of events that says text/html is no JSON.
    ("header", "header_mismatch:", [MISMATCH, BROKEN, NO_HTTP, NO_HTTP, Spared("no_content")]),
];

/// A wire by its place in the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wire {
    Json,
    Streams,
    Frames,
    Lines,
    Sse,
}

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
         --connect-for {connect_for_s}s --warmup 0s --interval 100ms --timeout 2s --calls all --allow-exec -q --for 4s \
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

/// A process is started for each target over stdio: what is no affair of lines is left to those over TCP.
fn rows(wire: Wire, url: &str) -> Vec<Row> {
    let mut rows = Vec::from(ROWS);
    rows.retain(|(.., shows)| !url.starts_with("stdio:") || shows[wire as usize] != NO_HTTP);
    rows
}

#[track_caller]
fn assert_shown(wire: Wire, stream: &Stream, rows: &[Row]) {
    assert_conserved(stream);
    assert_intervals_add_up(stream);
    // Answers that no call was waiting for, and how many more may be: of calls that went down with their session.
    let (mut strays, mut more) = (0, 0);
    for (name, kind, shows) in rows {
        let shows = shows[wire as usize];
        let what = format!("{kind} over {wire:?} shows {shows:?}");
        let (hit, matched) = (count(stream, name, "hit"), count(stream, name, "matched"));
        let (errors, codes) = (sums(stream, name, "errors"), sums(stream, name, "codes"));
        // Who was chosen, and has its answer when the fault is over, is counted as nothing.
        let chosen = matched / 3;
        let in_time = chosen.saturating_sub(2)..=chosen;
        if let Spared(reason) = shows {
            let spared = count(stream, name, reason);
            assert!(
                hit == 0 && in_time.contains(&spared),
                "{what}: {spared} of {matched}"
            );
            assert!(matched >= 9, "{what}: {matched}");
            assert_eq!(
                (&errors, &codes),
                (&BTreeMap::new(), &BTreeMap::new()),
                "{what}"
            );
            continue;
        }
        assert!(hit >= 3, "{what}: {hit} of {matched}");
        let is_swap = kind.starts_with("swap_ids");
        assert!(
            is_swap || in_time.contains(&hit),
            "{what}: {hit} of {matched}"
        );
        let own = calls(stream, name);
        let echoed = |is: &dyn Fn(&Value) -> bool| {
            let echoed = own.iter().filter(|c| c["tool"] == "echo" && is(c));
            echoed.count() as u64
        };
        for call in own.iter().filter(|c| shows != Lost && c["outcome"] != "ok") {
            assert_eq!(call["tool"], "echo", "{what}: {call}");
        }
        let (class, code) = match shows {
            Class(class) => (Some(class), None),
            Code(class, code) => (Some(class), Some(code)),
            _ => (None, None),
        };
        let as_hit = |name: Option<&str>| -> BTreeMap<String, u64> {
            name.map(|name| (name.to_owned(), hit))
                .into_iter()
                .collect()
        };
        match shows {
            Lost => {
                assert_eq!(
                    errors.keys().collect::<Vec<_>>(),
                    ["session_lost"],
                    "{what}"
                );
                assert!(errors["session_lost"] >= hit, "{what}: {errors:?}");
                more += errors["session_lost"] - hit;
                let sessions = sums(stream, name, "sessions");
                assert_eq!(
                    (sessions["expired"], sessions["reopened"]),
                    (hit, hit),
                    "{what}"
                );
            }
            // The other one may come when the fault is over, and then has its own id.
            Well if is_swap => {
                let unanswered = errors.values().sum::<u64>();
                assert!(
                    unanswered <= 1 && errors.keys().all(|c| c == "timeout"),
                    "{what}: {errors:?}"
                );
                strays += unanswered;
            }
            _ => assert_eq!((errors, codes), (as_hit(class), as_hit(code)), "{what}"),
        }
        match shows {
            Slow(us) => assert!(echoed(&|c| service_us(c) >= us) >= hit, "{what}"),
            Large(bytes) => assert_eq!(
                echoed(&|c| number(c, "received_bytes") >= bytes),
                hit,
                "{what}"
            ),
            Overtaken => assert!(overtaken(&own) >= hit / 2, "{what}: {}", overtaken(&own)),
            // Over HTTP all is over with the first answer.
            Well if !is_swap && wire != Wire::Streams => strays += hit,
            BROKEN if is_swap => strays += hit,
            _ => {}
        }
    }
    let totals = stream.totals();
    let told = number(&totals["generator"], "stray_answers");
    assert!(
        (strays..=strays + more).contains(&told),
        "{wire:?}: {told}, {strays}"
    );
    for (name, ..) in rows {
        assert_eq!(fault(stream, name, "ended")["text"], Value::Null);
    }
    let of = |what: &str| number(&totals["sessions"], what);
    assert_eq!(of("opened"), of("deleted") + of("expired"), "{totals}");
}

/// How many calls were done after one that was sent later.
fn overtaken(calls: &[&Value]) -> u64 {
    let mut latest = 0;
    let mut overtaken = 0;
    for call in calls {
        let index = number(call, "index");
        overtaken += u64::from(index < latest);
        latest = latest.max(index);
    }
    overtaken
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
    load(Wire::Lines, &url, 3, "");
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
