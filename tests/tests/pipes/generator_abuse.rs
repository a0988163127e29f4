//! Abuse beside the load: each kind on each transport, what counts as right, and that the load knows nothing of it.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use crate::tls_relay::TlsRelay;
use pipe_tests::{
    Counts, Folder, Pipeline, Server, Stream, abuse, assert_conserved, assert_intervals_add_up,
    line_server,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// 100 calls.
const LOAD: &str =
    "--clients 2 --rate 50/s --connect-for 500ms --warmup 0s --for 1s --interval 200ms --seed 7 -q";
/// 6 acts of each kind. The server gives a request 300 ms; it may take all of 8 s to show that.
const ALL: &str = "--abuse all=6% --abuse-hold 8s --timeout 10s";
const SERVE: [&str; 4] = ["--request-timeout", "300ms", "--listen-tcp", "127.0.0.1:0"];

fn run(target: &str, more: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen {target} {LOAD} {more}"))
        .patience(Duration::from_secs(60))
        .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

/// The load is as if nothing were.
#[track_caller]
fn assert_load_is_fine(stream: &Stream) {
    let totals = stream.totals();
    assert_eq!(
        (&totals["scheduled"], &totals["ok"]),
        (&100.into(), &100.into()),
        "{}",
        totals["errors"]
    );
}

/// So many of a kind were right, and this is all that came.
fn right(n: u64, came: &str) -> Counts {
    [("scheduled", n), ("right", n)]
        .into_iter()
        .map(|(name, n)| (name.to_owned(), n))
        .chain([(format!("came.{came}"), n)])
        .collect()
}

/// What our server answers over each transport, as (kind, what comes).
fn wanted(transport: &str, era: &str) -> BTreeMap<String, Counts> {
    let is_http = matches!(transport, "http" | "sse");
    let of = |http: &'static str, ws: &'static str, lines: &'static str| match transport {
        "http" | "sse" => http,
        "ws" => ws,
        _ => lines,
    };
    let unknown = match (transport, era) {
        ("http", "modern") => "http_404_rpc_-32601",
        _ => "rpc_-32601",
    };
    let slow = of("http_408_rpc_-32600", "ws_1008", "rpc_-32600");
    let mut all = vec![
        (
            "malformed_json",
            of("http_400_rpc_-32700", "rpc_-32700", "rpc_-32700"),
        ),
        (
            "truncated_frame",
            of("http_400_rpc_-32600", "closed", "rpc_-32700"),
        ),
        (
            "wrong_version",
            of("http_400_rpc_-32600", "rpc_-32600", "rpc_-32600"),
        ),
        ("unknown_method", unknown),
        ("invalid_params", "rpc_-32602"),
        ("duplicate_id", "both_answered"),
        (
            "oversized_body",
            of("http_413_rpc_-32600", "ws_1009", "rpc_-32600"),
        ),
    ];
    if transport != "stdio" {
        all.extend([
            ("disconnect", "served_again"),
            ("half_open", slow),
            // Before a WebSocket is agreed on, it is HTTP, and a head that never ends has no answer.
            (
                "slow_sender",
                if is_http || transport == "ws" {
                    "closed"
                } else {
                    "rpc_-32600"
                },
            ),
        ]);
    }
    if transport != "sse" {
        all.push(("never_reads", "stalled"));
    }
    all.into_iter()
        .map(|(kind, came)| (kind.to_owned(), right(6, came)))
        .collect()
}

#[test]
fn our_server_takes_every_kind_as_it_should_over_websocket_and_http() {
    let server = Server::start(&SERVE);
    for (transport, url) in [("ws", server.ws()), ("http", server.http())] {
        for era in ["modern", "legacy"] {
            let stream = run(&format!("--url {url} --protocol {era}"), ALL);
            assert_load_is_fine(&stream);
            assert_eq!(abuse(&stream), wanted(transport, era), "{transport} {era}");
        }
    }
}

#[test]
fn our_server_takes_every_kind_as_it_should_over_lines_and_the_old_transport() {
    let server = Server::start(&SERVE);
    for (transport, url) in [("tcp", server.tcp()), ("sse", server.sse())] {
        let stream = run(&format!("--url {url}"), ALL);
        assert_load_is_fine(&stream);
        let era = if transport == "tcp" {
            "modern"
        } else {
            "legacy"
        };
        assert_eq!(abuse(&stream), wanted(transport, era), "{transport}");
    }
}

#[test]
fn over_stdio_each_act_has_a_child_and_what_has_no_meaning_there_is_told_before() {
    let serve = "mcp-deploy serve --stdio";
    let stream = run(&format!("--stdio '{serve}'"), ALL);
    assert_load_is_fine(&stream);
    let wanted = wanted("stdio", "modern");
    for (kind, mut count) in abuse(&stream) {
        // More than 32 children at a time are not started, however long each lives.
        let tried = 6 - count.remove("other.not_tried").unwrap_or(0);
        assert!(tried > 0, "{kind}");
        count.insert("scheduled".to_owned(), tried);
        let came = wanted[&kind]
            .keys()
            .find_map(|name| name.strip_prefix("came."));
        assert_eq!(count, right(tried, came.unwrap()), "{kind}");
    }
    let told = stream.warnings("abuse_meaningless");
    let text = told[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("no disconnect, half_open, slow_sender over stdio:"),
        "{text}"
    );
}

#[test]
fn abuse_lies_under_tls_too() {
    let server = Server::start(&SERVE);
    let url = server.http();
    let authority = url["http://".len()..].trim_end_matches("/mcp").to_owned();
    let relay = TlsRelay::to(&authority);
    for scheme in ["wss", "https"] {
        let kinds = [
            "malformed_json",
            "unknown_method",
            "oversized_body",
            "duplicate_id",
            "disconnect",
        ];
        let flags: Vec<String> = kinds
            .iter()
            .map(|kind| format!("--abuse {kind}=6%"))
            .collect();
        let stream = run(
            &format!(
                "--url {} --ca-file {}",
                relay.url(scheme),
                relay.ca_file().display()
            ),
            &flags.join(" "),
        );
        assert_load_is_fine(&stream);
        let counted = abuse(&stream);
        let rights: Vec<(&str, u64)> = kinds.iter().map(|k| (*k, counted[*k]["right"])).collect();
        assert_eq!(rights, kinds.map(|kind| (kind, 6)), "{counted:?}");
    }
}

#[test]
fn answers_that_are_not_right_are_told_apart_and_can_fail_the_run() {
    // Takes any version, knows every method, swallows calls without a tool, and hangs up on what is no JSON.
    let server = line_server(true, |client, request, _| {
        use std::io::Write as _;
        let result = |id| serde_json::json!({"jsonrpc": "2.0", "id": id, "result": {}});
        match request["method"].as_str() {
            None => Some(true),
            Some("mcpipe/no-such-method") => {
                let text = format!("{}\n", result(&request["id"]));
                Some(client.write_all(text.as_bytes()).is_ok())
            }
            Some("tools/call") if request["params"]["name"].is_null() => Some(false),
            _ => None,
        }
    });
    let run = Pipeline::new(format!(
        "mcp-gen --url tcp://127.0.0.1:{} {LOAD} --timeout 1s --method tools/call --abuse malformed_json=3% --abuse wrong_version=4% \
         --abuse unknown_method=5% --abuse invalid_params=6% | tee run.jsonl \
         | mcp-report --json report.json --fail-if 'abuse_wrong > 17' --fail-if 'abuse_right < 1%'",
        server.port()
    ))
    .patience(Duration::from_secs(60))
    .run();
    assert!(
        matches!(run.stages[..], [0, 0, 1]),
        "{:?} {}",
        run.stages,
        run.stderr
    );
    let stream = run.recorded("run.jsonl");
    assert_load_is_fine(&stream);
    let wrong = |n: u64, class: &str, came: &str| -> Counts {
        [
            ("scheduled".to_owned(), n),
            (format!("other.{class}"), n),
            (format!("came.{came}"), n),
        ]
        .into()
    };
    assert_eq!(
        abuse(&stream),
        [
            (
                "malformed_json".to_owned(),
                wrong(3, "no_answer", "silence")
            ),
            (
                "wrong_version".to_owned(),
                wrong(4, "wrong_answer", "result")
            ),
            (
                "unknown_method".to_owned(),
                wrong(5, "wrong_answer", "result")
            ),
            ("invalid_params".to_owned(), wrong(6, "closed", "closed")),
        ]
        .into()
    );
    let report = run.verdict("report.json");
    let values: Vec<_> = report["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (&g["state"], &g["value"]))
        .collect();
    assert_eq!(values[0].1, 18.0, "{report}");
    assert_eq!(values[1].1, 0.0, "{report}");
    assert_eq!(report["report"]["abuse"]["wrong_version"]["scheduled"], 4);
    let table = run.stderr.clone() + &run.text();
    assert!(
        table.contains("malformed_json") && table.contains("silence \u{d7} 3"),
        "{table}"
    );
}

/// (client, index, method, tool) and the offset of due from the begin of the stage.
fn calls(stream: &Stream) -> BTreeSet<(u64, u64, String, String, u64)> {
    let stages = stream.of("stage");
    let steady = stages.iter().find(|s| s["stage"] == "steady").unwrap();
    let start = steady["start_us"].as_u64().unwrap();
    let number = |c: &serde_json::Value, name: &str| c[name].as_u64().unwrap();
    let text = |c: &serde_json::Value, name: &str| c[name].as_str().unwrap_or("").to_owned();
    stream
        .of("call")
        .into_iter()
        .map(|c| {
            (
                number(c, "client"),
                number(c, "index"),
                text(c, "method"),
                text(c, "tool"),
                // Half a microsecond may be rounded either way.
                (number(c, "due_us") - start + 1) / 4,
            )
        })
        .collect()
}

#[test]
fn the_load_has_the_same_calls_with_abuse_and_without() {
    let server = Server::start(&[]);
    let target = format!("--url {} --calls all", server.ws());
    let plain = run(&target, "");
    let beside = run(&target, "--abuse malformed_json=50% --abuse disconnect=20%");
    assert!(plain.totals()["abuse"].is_null());
    assert_eq!(abuse(&beside)["malformed_json"]["scheduled"], 50);
    let without_time =
        |s: &Stream| -> Vec<_> { calls(s).into_iter().map(|c| (c.0, c.1, c.2, c.3)).collect() };
    assert_eq!(without_time(&plain), without_time(&beside));
    for (a, b) in calls(&plain).iter().zip(&calls(&beside)) {
        assert!(a.4.abs_diff(b.4) <= 1, "{a:?} {b:?}");
    }
}

#[test]
fn what_is_due_beyond_the_limit_is_not_tried_and_counted_so() {
    let server = Server::start(&[]);
    let stream = run(
        &format!("--url {}", server.http()),
        "--abuse half_open=20% --abuse-at-once 2 --abuse-hold 5s",
    );
    assert_load_is_fine(&stream);
    let counted = &abuse(&stream)["half_open"];
    let of = |name: &str| counted.get(name).copied().unwrap_or(0);
    // Two hold their places until long after the last is due: our server waits for 30 s.
    assert_eq!(
        (
            of("scheduled"),
            of("other.no_answer"),
            of("other.not_tried")
        ),
        (20, 2, 18),
        "{counted:?}"
    );
}

#[test]
fn a_signal_ends_all_acts_at_once() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --clients 2 --rate 50/s --connect-for 300ms --warmup 0s --for 60s --interval 200ms -q \
         --abuse half_open=10% --abuse-hold 10m | tee -i run.jsonl",
        server.ws()
    ))
    .start();
    run.until_written("run.jsonl", r#""kind":"half_open""#);
    run.signal(libc::SIGINT);
    let done = run.finish();
    let stream = done.recorded("run.jsonl");
    assert_conserved(&stream);
    let counted = &abuse(&stream)["half_open"];
    assert_eq!(
        (counted.get("other.cancelled"), counted.get("right")),
        (Some(&counted["scheduled"]), None),
        "{counted:?}"
    );
}

#[test]
fn profiles_say_shares_too_and_flags_win() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let file = folder.path().join("rude.toml");
    let text = "name = \"rude\"\nclients = 2\nrate = \"50/s\"\n[methods]\n\"tools/list\" = 1\n[abuse]\nall = \"10%\"\nunknown_method = 0.2\n\
                oversized_body = 0\nhalf_open = 0\nslow_sender = 0\nnever_reads = 0\n";
    std::fs::write(&file, text).unwrap();
    let stream = run(
        &format!("--url {} --profile {}", server.ws(), file.display()),
        "--abuse disconnect=0%",
    );
    assert_load_is_fine(&stream);
    let counted = abuse(&stream);
    let of = |kind: &str| counted.get(kind).map_or(0, |count| count["right"]);
    assert_eq!(
        [
            "wrong_version",
            "unknown_method",
            "oversized_body",
            "disconnect"
        ]
        .map(of),
        [10, 20, 0, 0],
        "{counted:?}"
    );
    std::fs::write(&file, text.replace("half_open", "halfopen")).unwrap();
    let refused = Pipeline::new(format!("mcp-gen profiles show {}", file.display())).run();
    refused.assert_stages(&[2]);
    assert!(
        refused.stderr.contains("half_open") && refused.stderr.contains("line 6"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_kinds_are_listed_and_a_closed_load_has_none() {
    let listed = Pipeline::new("mcp-gen abuse").run();
    listed.assert_stages(&[0]);
    for kind in wanted("ws", "modern").keys() {
        assert!(
            listed.text().contains(&format!("{kind}\n  sent:")),
            "{kind}"
        );
    }
    let closed =
        Pipeline::new("mcp-gen --url ws://127.0.0.1:9/mcp --closed --abuse all=1% --for 1s").run();
    closed.assert_stages(&[2]);
    assert!(
        closed.stderr.contains("the closed model has none"),
        "{}",
        closed.stderr
    );
}
