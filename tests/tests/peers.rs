//! Our tools on servers that we did not write, and clients that we did not write on our server.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

#[path = "peer/chaos.rs"]
mod chaos;
#[path = "peer/loads.rs"]
mod loads;
mod peer;

use peer::{Peer, command, installed, script};
use pipe_tests::{
    Finished, Hostile, Pipeline, Server, Stream, abuse, assert_conserved, assert_intervals_add_up,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const TIMES: &str = "--for 2s --warmup 500ms --connect-for 1s --seed 7";
/// 4 clients at 40/s: far below what the slowest of these servers can do.
const LOAD: &str = "--clients 4 --rate 40/s";
const STEADY_CALLS: u64 = 4 * 40 * 2;

/// One at a time: two servers and two generators on two cores would measure each other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `deploy | mcp-gen flags | mcp-report` until the generator could keep its schedule: on a busy machine the verdict
/// INVALID is right, and says nothing about what is tested here.
fn measure(deploy: &str, flags: &str, before: impl Fn()) -> Finished {
    let mut tries = 0;
    loop {
        before();
        let done = Pipeline::new(format!(
            "{deploy} | mcp-gen {TIMES} {flags} | tee run.jsonl | mcp-report --format json --json report.json"
        ))
        .run();
        tries += 1;
        let report = done.verdict("report.json");
        let reasons = report["reasons"].as_array().unwrap();
        let only_late = |r: &Value| r.as_str().unwrap().contains("could not keep its schedule");
        let busy = report["verdict"] == "INVALID" && reasons.iter().all(only_late);
        if !busy || tries == 6 {
            return done;
        }
    }
}

/// What a report must say on a server.
struct Expected<'a> {
    era: &'a str,
    revision: &'a str,
    transport: &'a str,
    server: &'a str,
    tools: &'a [&'a str],
}

const MODERN: Expected = Expected {
    era: "modern",
    revision: "2026-07-28",
    transport: "http",
    server: "",
    tools: &["echo", "plan_trip"],
};
const LEGACY: Expected = Expected {
    era: "legacy",
    revision: "2025-11-25",
    ..MODERN
};

/// Sums of a field over the rows of all stages, by tool.
fn by_tool(report: &Value, field: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for stage in report["report"]["stages"].as_array().unwrap() {
        for row in stage["rows"].as_array().unwrap() {
            if let Some(tool) = row["tool"].as_str() {
                *sums.entry(tool.to_owned()).or_default() += row[field].as_u64().unwrap();
            }
        }
    }
    sums
}

fn steady(report: &Value) -> &Value {
    let stages = report["report"]["stages"].as_array().unwrap();
    stages.iter().find(|s| s["stage"] == "steady").unwrap()
}

#[track_caller]
fn assert_dialect(report: &Value, expected: &Expected) {
    for dialect in report["report"]["dialects"].as_array().unwrap() {
        let said = ["era", "revision", "transport"].map(|f| dialect[f].as_str().unwrap());
        assert_eq!(said, [expected.era, expected.revision, expected.transport]);
        let server = dialect["server"].as_str().unwrap_or("");
        assert!(server.starts_with(expected.server), "{dialect}");
    }
}

/// Asserts all that a report without an error must say.
#[track_caller]
fn assert_clean(done: &Finished, expected: &Expected) -> (Stream, Value) {
    done.assert_stages_and_report(&[0, 0, 0], "report.json");
    let (stream, report) = (done.recorded("run.jsonl"), done.verdict("report.json"));
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert!(!report["report"]["dialects"].as_array().unwrap().is_empty());
    assert_dialect(&report, expected);
    let total = &steady(&report)["total"];
    let scheduled = total["scheduled"].as_u64().unwrap();
    // Each client may have one more or less at the edges of the stage.
    assert!(scheduled.abs_diff(STEADY_CALLS) <= 4, "{scheduled}");
    for stage in report["report"]["stages"].as_array().unwrap() {
        let total = &stage["total"];
        assert_eq!(total["ok"], total["scheduled"], "{total}");
        assert_eq!(total["errors"], serde_json::json!({}), "{total}");
    }
    let called: Vec<String> = by_tool(&report, "ok").into_keys().collect();
    assert_eq!(called, expected.tools);
    (stream, report)
}

/// One server, found out and measured; what the server has counted is what the report says.
fn assert_measures(of: &str, mode: &str, flags: &str, expected: &Expected) {
    let _alone = alone();
    let peer = Peer::start(of, mode);
    let before = Mutex::new(BTreeMap::new());
    let done = measure(
        &format!("mcp-deploy attach {}", peer.url()),
        &format!("{LOAD} {flags}"),
        || *before.lock().unwrap() = peer.calls(),
    );
    let (_, report) = assert_clean(&done, expected);
    let before = before.into_inner().unwrap();
    let mut counted = peer.calls();
    for (tool, n) in &mut counted {
        *n -= before.get(tool).copied().unwrap_or(0);
    }
    assert_eq!(
        by_tool(&report, "ok"),
        counted,
        "{of} {mode}: report and server"
    );
}

#[test]
fn python_2_is_found_to_be_modern_in_both_of_its_modes() {
    for mode in ["stateful-sse", "stateless-json"] {
        assert_measures(
            "py2",
            mode,
            "",
            &Expected {
                server: "py2",
                ..MODERN
            },
        );
    }
}

#[test]
fn python_2_is_spoken_to_in_the_legacy_era_where_that_is_asked_for() {
    let server = "py2";
    for (mode, protocol, revision) in [
        ("stateful-sse", "legacy", "2025-11-25"),
        ("stateless-json", "legacy", "2025-11-25"),
        ("stateful-sse", "2025-03-26", "2025-03-26"),
    ] {
        let expected = Expected {
            revision,
            server,
            ..LEGACY
        };
        assert_measures("py2", mode, &format!("--protocol {protocol}"), &expected);
    }
}

#[test]
fn python_1_is_found_to_be_legacy_over_http_websocket_and_http_with_sse() {
    let expected = Expected {
        server: "py1",
        ..LEGACY
    };
    assert_measures("py1", "http", "", &expected);
    for transport in ["ws", "sse"] {
        let expected = Expected {
            transport,
            ..expected
        };
        assert_measures("py1", transport, "", &expected);
    }
}

#[test]
fn rmcp_is_found_to_be_modern_in_both_modes_and_speaks_legacy_on_demand() {
    let server = "rmcp";
    for mode in ["stateful-sse", "stateless-json"] {
        assert_measures("rmcp", mode, "", &Expected { server, ..MODERN });
        let legacy = Expected { server, ..LEGACY };
        assert_measures("rmcp", mode, "--protocol legacy", &legacy);
    }
}

const EVERYTHING: Expected = Expected {
    server: "mcp-servers/everything",
    tools: &[
        "echo",
        "get-annotated-message",
        "get-env",
        "get-resource-links",
        "get-resource-reference",
        "get-structured-content",
        "get-sum",
        "get-tiny-image",
    ],
    ..LEGACY
};
const LONG: &str = "trigger-long-running-operation";

#[test]
fn server_everything_is_measured_without_the_one_tool_that_takes_ten_seconds() {
    let _alone = alone();
    let peer = Peer::start("everything", "");
    let attach = format!("mcp-deploy attach {}", peer.url());
    let done = measure(&attach, &format!("{LOAD} --skip-tool {LONG}"), || ());
    assert_clean(&done, &EVERYTHING);
    let done = measure(&attach, &format!("{LOAD} --tool echo"), || ());
    assert_clean(
        &done,
        &Expected {
            tools: &["echo"],
            ..EVERYTHING
        },
    );
}

#[test]
fn sessions_on_servers_of_others_come_and_go_and_calls_on_deleted_ones_are_refused() {
    let _alone = alone();
    // server-everything says 400 of a session that is gone, the Python SDKs say 404.
    for (of, mode) in [("py1", "http"), ("py2", "stateful-sse"), ("everything", "")] {
        let peer = Peer::start(of, mode);
        let run = Pipeline::new(format!(
            "mcp-gen --url {} --protocol legacy --profile message-bomber --method ping --clients 4 --rate 5/s --connect-for 200ms --warmup 0s --for 1s --seed 7 -q --churn --call-deleted",
            peer.url()
        ))
        .run();
        run.assert_stages(&[0]);
        let stream = run.stream();
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        let totals = stream.totals();
        assert_eq!(
            [&totals["scheduled"], &totals["ok"]],
            [20, 20],
            "{of}: {totals}"
        );
        let sessions = &totals["sessions"];
        for (count, n) in [("opened", 20), ("delete_refused", 0), ("dead_served", 0)] {
            assert_eq!(sessions[count], n, "{of}: {count} of {sessions}");
        }
        // The load ends with the last calls, and a busy server may be too late for the farewell of the last ones.
        let count = |name: &str| sessions[name].as_u64().unwrap();
        assert_eq!(
            count("deleted") + count("abandoned"),
            20,
            "{of}: {sessions}"
        );
        assert!(
            count("deleted") > 10 && count("dead_refused") > 10,
            "{of}: {sessions}"
        );
    }
}

/// It says `readOnlyHint`, so it is called; that it takes 10 s is counted as what it is, and the way out is told.
#[test]
fn a_read_only_tool_that_takes_longer_than_the_timeout_is_counted_and_told() {
    let _alone = alone();
    let peer = Peer::start("everything", "");
    let done = measure(
        &format!("mcp-deploy attach {}", peer.url()),
        "--timeout 1s --clients 20 --rate 5/s",
        || (),
    );
    done.assert_stages_and_report(&[0, 0, 0], "report.json");
    let (stream, report) = (done.recorded("run.jsonl"), done.verdict("report.json"));
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_dialect(&report, &EVERYTHING);
    let rows = steady(&report)["rows"].as_array().unwrap();
    for row in rows {
        let (scheduled, errors) = (row["scheduled"].as_u64().unwrap(), &row["errors"]);
        if row["tool"] == LONG {
            assert!(scheduled > 0, "{row}");
            assert_eq!(
                (row["ok"].as_u64(), &errors["timeout"]),
                (Some(0), &row["scheduled"])
            );
        } else {
            assert_eq!(
                (row["ok"].as_u64(), errors),
                (Some(scheduled), &serde_json::json!({}))
            );
        }
    }
    let warnings = stream.warnings("slow_tool");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0]["text"].as_str().unwrap().contains(LONG));
    let remedy = format!("--skip-tool {LONG}");
    assert!(warnings[0]["remedy"].as_str().unwrap().contains(&remedy));
    assert!(done.stderr.contains(&remedy), "{}", done.stderr);
}

#[test]
fn replicas_of_a_server_of_somebody_else_are_started_measured_and_ended() {
    let _alone = alone();
    for (of, mode) in [("rmcp", "stateful-sse"), ("py2", "stateless-json")] {
        let command = command(of, mode);
        let deploy = format!(
            "mcp-deploy local --replicas 2 --command '{command}' --url 'http://127.0.0.1:{{port}}/mcp'"
        );
        // That nothing is left of them afterwards is asserted for every pipeline.
        let done = measure(&deploy, LOAD, || ());
        let (stream, report) = assert_clean(
            &done,
            &Expected {
                server: of,
                ..MODERN
            },
        );
        assert_eq!(stream.from("mcp-deploy", "target").len(), 2);
        let targets = steady(&report)["targets"].as_array().unwrap();
        assert_eq!(targets.len(), 2);
        for target in targets {
            let ok = target["ok"].as_u64().unwrap();
            assert!(
                ok.abs_diff(STEADY_CALLS / 2) <= 2,
                "half of the clients each: {target}"
            );
        }
    }
}

#[test]
fn a_host_that_python_2_does_not_know_is_told_with_the_way_out() {
    let peer = Peer::start("py2", "stateless-json");
    let done = Pipeline::new(format!(
        "mcp-gen --url {} --host-header mcp.example --for 1s",
        peer.url()
    ))
    .run();
    done.assert_stages(&[2]);
    let fatal = done.stream().warnings("fatal")[0]["text"].to_string();
    for words in ["mcp.example", "HTTP 421", "--host-header"] {
        assert!(fatal.contains(words), "{words:?} is not in {fatal}");
    }
}

#[test]
fn an_era_that_a_server_does_not_speak_is_told_with_the_one_that_it_speaks() {
    let peer = Peer::start("py1", "http");
    let done = Pipeline::new(format!(
        "mcp-gen --url {} --protocol modern --for 1s",
        peer.url()
    ))
    .run();
    done.assert_stages(&[2]);
    let fatal = done.stream().warnings("fatal")[0]["text"].to_string();
    for words in ["modern", "2025-11-25", "--protocol"] {
        assert!(fatal.contains(words), "{words:?} is not in {fatal}");
    }
}

/// Runs a client of somebody else; it checks each answer, prints a line a step, and exits 0 when all held.
#[track_caller]
fn assert_walks(client: &str, steps: usize) {
    let done = Pipeline::new(client).run();
    done.assert_stages(&[0]);
    let ok = done
        .text()
        .lines()
        .filter(|line| line.starts_with("ok "))
        .count();
    assert!(ok >= steps, "{ok} steps of {steps}: {}", done.text());
}

#[test]
fn the_official_python_2_client_walks_our_server_in_both_eras() {
    let (python, script) = (installed("py2/bin/python"), script("py_client.py"));
    for form in ["json", "sse"] {
        let server = Server::start(&["--answers", form]);
        for era in ["legacy", "modern"] {
            let url = server.http();
            assert_walks(
                &format!("{python} {script} {url} --era {era} --reference"),
                25,
            );
        }
    }
    let server = Server::start(&[]);
    assert_walks(
        &format!("{python} {script} {} --era auto", server.http()),
        12,
    );
}

#[test]
fn the_official_python_1_client_walks_our_server_over_http_and_websocket() {
    let (python, script) = (installed("py1/bin/python"), script("py1_client.py"));
    let server = Server::start(&[]);
    for url in [server.http(), server.ws()] {
        assert_walks(&format!("{python} {script} {url}"), 8);
    }
}

#[test]
fn the_official_typescript_clients_walk_our_server() {
    installed("node/.stamp");
    for form in ["json", "sse"] {
        let server = Server::start(&["--answers", form]);
        for sdk in [1, 2] {
            let script = script("ts_client.mjs");
            assert_walks(&format!("node {script} {} --sdk {sdk}", server.http()), 8);
        }
    }
}

#[test]
fn the_toxiproxy_client_for_node_drives_our_proxy() {
    installed("node/node_modules/toxiproxy-node-client");
    let running = Pipeline::new("mcp-chaos -q --api 127.0.0.1:0 > run.jsonl").start();
    running.until_written("run.jsonl", r#""event":"api_served""#);
    let text = String::from_utf8(running.folder().read("run.jsonl")).unwrap();
    let (_, rest) = text.split_once(r#""url":""#).unwrap();
    let (url, _) = rest.split_once('"').unwrap();
    assert_walks(
        &format!("node {} {url}", script("toxiproxy_client.mjs")),
        29,
    );
    running.signal_one(running.stage("mcp-chaos"), libc::SIGTERM);
    let stream = running.finish().recorded("run.jsonl");
    let count = |state: &str| {
        let faults = stream.from("mcp-chaos", "fault").into_iter();
        faults.filter(|f| f["state"] == state).count()
    };
    // Seven toxics, one of them changed, one more, and the proxy taken down.
    assert_eq!((count("began"), count("ended")), (10, 10));
}

#[test]
fn servers_over_stdio_are_children_of_the_generator() {
    let everything = "node/node_modules/@modelcontextprotocol/server-everything/dist/index.js";
    let python = |of: &str| {
        let script = script(&format!("{of}_server.py"));
        format!(
            "{} {script} --mode stdio",
            installed(&format!("{of}/bin/python"))
        )
    };
    for (command, era, server) in [
        (python("py2"), "modern", "py2"),
        (python("py1"), "legacy", "py1"),
        (
            format!("node {} stdio", installed(everything)),
            "legacy",
            "mcp-servers/everything",
        ),
    ] {
        let _alone = alone();
        let done = Pipeline::new(format!(
            "mcp-gen --stdio '{command}' --clients 2 --rate 20/s --connect-for 4s --warmup 0s --for 1s \
             --method tools/call --tool echo -q | tee run.jsonl | mcp-report --json report.json"
        ))
        .run();
        done.assert_stages_and_report(&[0, 0], "report.json");
        let stream = done.recorded("run.jsonl");
        assert_conserved(&stream);
        assert_eq!(stream.totals()["ok"], 40, "{}", stream.totals()["errors"]);
        let dialect = &stream.totals()["dialects"][0];
        assert_eq!(
            (&dialect["transport"], &dialect["era"]),
            (&"stdio".into(), &era.into())
        );
        assert!(
            dialect["server"].as_str().unwrap().starts_with(server),
            "{dialect}"
        );
    }
}

#[test]
fn server_everything_answers_batches_with_an_event_for_each_call() {
    let _alone = alone();
    let peer = Peer::start("everything", "");
    let done = Pipeline::new(format!(
        "mcp-gen --url {} --protocol 2025-03-26 --batch 4 --closed --clients 2 --connect-for 1s --warmup 0s --for 1s \
         --method tools/call --tool echo -q | tee run.jsonl | mcp-report --json report.json",
        peer.url()
    ))
    .run();
    done.assert_stages_and_report(&[0, 0], "report.json");
    let stream = done.recorded("run.jsonl");
    assert_conserved(&stream);
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    assert!(
        totals["generator"]["batches"].as_u64() > Some(3),
        "{totals}"
    );
}

/// Its event store makes it one of the servers whose answers can be had again.
#[test]
fn an_answer_of_server_everything_that_was_lost_with_its_connection_is_resumed() {
    let _alone = alone();
    let peer = Peer::start("everything", "");
    let url = peer.url();
    let (authority, path) = url["http://".len()..].split_once('/').unwrap();
    let (authority, cuts) = (authority.to_owned(), Arc::new(AtomicU64::new(0)));
    let cut = Arc::clone(&cuts);
    let relay = Hostile::listen(move |client, n| {
        let cuts = Arc::clone(&cut);
        Hostile::relay(client, &authority, move |piece| {
            // The first answers of its tool never arrive; the event before them did.
            let is_answer = piece.windows(9).any(|w| w == b"\"content\"");
            let is_lost = n > 0 && is_answer && cuts.fetch_add(1, Relaxed) < 5;
            (!is_lost).then_some(piece)
        });
    });
    let done = Pipeline::new(format!(
        "mcp-gen --url http://127.0.0.1:{}/{path} --protocol 2025-11-25 --clients 2 --rate 4/s --connect-for 1s \
         --warmup 0s --for 2s --method tools/call --tool {LONG} --args '{LONG}={{\"duration\":0.2,\"steps\":1}}' \
         -q | tee run.jsonl | mcp-report --json report.json",
        relay.port()
    ))
    .run();
    done.assert_stages_and_report(&[0, 0], "report.json");
    let stream = done.recorded("run.jsonl");
    assert_conserved(&stream);
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    assert!(totals["resumed"].as_u64() > Some(0), "{totals}");
}

/// A profile whose clients listen, and the calls that make these servers speak.
fn listeners(calls: &str) -> String {
    format!(
        "cat > listeners.toml <<'END'
name = \"listeners\"
clients = 2
rate = \"10/s\"
progress = \"100%\"
log_level = \"debug\"
pages = 10
[subscribe]
count = 2
[methods]
\"tools/list\" = 1
\"completion/complete\" = 1
{calls}
END"
    )
}

/// What clients of a server of somebody else heard in two seconds.
#[track_caller]
fn listen(target: &str, calls: &str) -> Value {
    let done = Pipeline::new(format!(
        "mcp-gen {target} --profile listeners.toml --connect-for 4s --warmup 0s --for 2s --seed 7 -q \
         | tee run.jsonl | mcp-report --json report.json"
    ))
    .before(&listeners(calls))
    .run();
    done.assert_stages_and_report(&[0, 0], "report.json");
    let stream = done.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(stream.totals()["errors"], serde_json::json!({}));
    assert_eq!(stream.totals()["ok"], 40);
    assert_eq!(stream.warnings("subscription_refused").len(), 0);
    assert_eq!(stream.warnings("level_refused").len(), 0);
    stream.totals()["heard"].clone()
}

#[test]
fn clients_listen_to_server_everything_over_http_and_stdio() {
    let calls = r#"
[[call]]
method = "tools/call"
tool = "toggle-subscriber-updates"
[[call]]
method = "tools/call"
tool = "trigger-long-running-operation"
arguments = { duration = 0.2, steps = 4 }
"#;
    let _alone = alone();
    let peer = Peer::start("everything", "");
    let everything =
        installed("node/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    for target in [
        format!("--url {}", peer.url()),
        format!("--stdio 'node {everything} stdio'"),
    ] {
        let heard = listen(&target, calls);
        assert_eq!(heard["subscribed"], 4, "{target}: {heard}");
        let told = &heard["notifications"];
        assert!(
            told["resources/updated"].as_u64() > Some(0),
            "{target}: {heard}"
        );
        let progress = told["progress"].as_u64().unwrap();
        assert!(
            progress.is_multiple_of(4) && progress > 0,
            "{target}: {heard}"
        );
        assert_eq!(heard["progress_gap"]["count"], progress / 4 * 3, "{target}");
        assert_eq!(heard["unknown_progress"], 0, "{target}: {heard}");
    }
}

#[test]
fn clients_listen_to_python_2_in_the_modern_era() {
    let calls = r#"
[[call]]
method = "tools/call"
tool = "touch_notes"
arguments = { steps = 3 }
"#;
    let _alone = alone();
    let peer = Peer::start("py2", "stateful-sse");
    let heard = listen(&format!("--url {}", peer.url()), calls);
    assert_eq!(heard["subscribed"], 4, "{heard}");
    let told = &heard["notifications"];
    assert_eq!(told["subscriptions/acknowledged"], 2, "{heard}");
    assert!(told["resources/updated"].as_u64() > Some(0), "{heard}");
    let progress = told["progress"].as_u64().unwrap();
    assert!(progress.is_multiple_of(3) && progress > 0, "{heard}");
}

/// What they make of abuse is theirs, and docs/ABUSE.md tells it; that nothing is lost and that honest clients don't notice is
/// ours.
#[test]
fn bad_clients_are_counted_apart_and_honest_ones_are_served_beside_them() {
    for (of, mode) in [
        ("py2", "stateful-sse"),
        ("py1", "ws"),
        ("py1", "sse"),
        ("everything", ""),
    ] {
        let _alone = alone();
        let peer = Peer::start(of, mode);
        let done = Pipeline::new(format!(
            "mcp-gen --url {} --clients 4 --rate 10/s --for 2s --warmup 0s --connect-for 1s --seed 7 -q --method tools/call --tool echo \
             --abuse all=4% --abuse-hold 3s --timeout 8s | tee run.jsonl | mcp-report --json report.json",
            peer.url()
        ))
        .patience(std::time::Duration::from_secs(90))
        .run();
        done.assert_stages_and_report(&[0, 0], "report.json");
        let stream = done.recorded("run.jsonl");
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        let totals = stream.totals();
        assert_eq!(totals["ok"], 80, "{of} {mode}: {}", totals["errors"]);
        let counted = abuse(&stream);
        assert!(counted.len() >= 10, "{counted:?}");
        for (kind, count) in &counted {
            let scheduled = count["scheduled"];
            assert!(scheduled.abs_diff(3) <= 1, "{of} {mode} {kind}: {count:?}");
            // A server that is busy with others may take too long to set up what comes before the act.
            let failed = count.get("other.connect_failed").copied().unwrap_or(0);
            if kind == "disconnect" {
                let right = count.get("right").copied().unwrap_or(0);
                assert_eq!(right + failed, scheduled, "{of} {mode}: {count:?}");
            }
        }
        println!("{of} {mode}: {counted:#?}");
    }
}

#[test]
fn the_official_python_sdk_is_measured_behind_a_server_of_http_2() {
    let _alone = alone();
    for (mode, flags) in [("h2", "--http2 always"), ("h2-tls", "--insecure")] {
        let peer = Peer::start("py2", mode);
        for era in ["legacy", "modern"] {
            let done = Pipeline::new(format!(
                "mcp-gen --url {} {flags} --protocol {era} --clients 2 --rate 15/s --for 1s --warmup 0s --connect-for 1s --timeout 20s -q | tee run.jsonl | mcp-report",
                peer.url()
            ))
            .run();
            let stream = done.recorded("run.jsonl");
            assert_intervals_add_up(&stream);
            assert_conserved(&stream);
            let totals = stream.totals();
            assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
            assert!(totals["ok"].as_u64().unwrap() > 0, "{totals}");
            assert_eq!(totals["dialects"][0]["http"], "2", "{mode} {era}");
        }
    }
}
