//! What real clients do besides calling: subscriptions, progress, cancellation, pages, completion, log messages.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{
    Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up, line_server,
};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LOAD: &str = "--connect-for 400ms --warmup 0s --seed 5 --interval 200ms -q";

/// Runs `mcp-gen`, and holds its counts against each other.
#[track_caller]
fn run(options: &str, files: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen {LOAD} {options}"))
        .before(files)
        .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

/// The reference server's transports, each with the era that a client is to speak.
fn ways(server: &Server) -> Vec<(String, &'static str)> {
    vec![
        (server.ws(), "legacy"),
        (server.ws(), "modern"),
        (server.tcp(), "legacy"),
        (server.tcp(), "modern"),
        (server.http(), "legacy"),
        (server.http(), "modern"),
        (server.sse(), "legacy"),
    ]
}

fn heard(stream: &Stream) -> Value {
    stream.totals()["heard"].clone()
}

fn n(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn clients_hear_of_changes_on_each_transport_and_how_long_that_took_is_measured() {
    let server = Server::start(&[
        "--listen-tcp",
        "127.0.0.1:0",
        "--change-every",
        "100ms",
        "--resources",
        "10",
    ]);
    for (url, era) in ways(&server) {
        let what = format!("{url} {era}");
        let stream = run(
            &format!(
                "--url {url} --protocol {era} --clients 3 --rate 20/s --for 1s --method tools/call --tool echo \
                 --subscribe 'mcpipe://text/1*'"
            ),
            "",
        );
        assert_eq!(
            stream.totals()["ok"],
            60,
            "{what}: {}",
            stream.totals()["errors"]
        );
        let heard = heard(&stream);
        // Texts 1 and 10, of each client.
        assert_eq!(heard["subscribed"], 6, "{what}: {heard}");
        let updates = n(&heard["notifications"]["resources/updated"]);
        // Each 100 ms two, of three clients; the first may come before all have subscribed, and a busy machine takes longer.
        assert!((30..=600).contains(&updates), "{what}: {heard}");
        assert_eq!(heard["notification"]["count"], updates, "{what}: {heard}");
        assert_eq!(
            heard["notification_gap"]["count"],
            updates - 3,
            "{what}: {heard}"
        );
        assert_eq!(heard["subscriptions_lost"], 0, "{what}: {heard}");
        let rows: Vec<&Value> = stream
            .of("summary")
            .into_iter()
            .filter(|s| s["final"] != true && !s["heard"].is_null())
            .collect();
        assert!(rows.iter().all(|row| row["method"] == "connect"), "{what}");
    }
}

#[test]
fn a_gate_judges_how_long_changes_took_to_be_heard() {
    let server = Server::start(&["--change-every", "20ms"]);
    let gates = [
        "notification.p50 > 1us",
        "notification.p50 > 1h",
        "progress_gap.p50 > 1h",
    ];
    let options: String = gates.map(|gate| format!(" --fail-if '{gate}'")).concat();
    let done = Pipeline::new(format!(
        "mcp-gen {LOAD} --url {} --clients 4 --rate 20/s --for 1s --subscribe '*' \
         | mcp-report --json report.json {options}",
        server.ws()
    ))
    .run();
    let judged = done.verdict("report.json")["gates"].clone();
    let states: Vec<&str> = (0..3)
        .map(|n| judged[n]["state"].as_str().unwrap())
        .collect();
    assert_eq!(states[..2], ["fail", "pass"], "{judged}");
    // Nobody asked for progress.
    assert_ne!(states[2], "pass", "{judged}");
}

#[test]
fn a_share_of_the_clients_subscribes_to_some_resources_and_anew_when_it_comes_back() {
    let server = Server::start(&["--change-every", "50ms", "--resources", "10"]);
    let profile = "cat > listener.toml <<'END'
name = \"listener\"
clients = 20
rate = \"5/s\"
connection_lifetime = \"500ms\"
[methods]
\"tools/list\" = 1
[subscribe]
resources = [\"mcpipe://text/2\", \"mcpipe://text/5\", \"mcpipe://text/7\"]
count = 2
share = \"50%\"
END";
    for (url, era) in [
        (server.ws(), "modern"),
        (server.http(), "legacy"),
        (server.http(), "modern"),
    ] {
        let stream = run(
            &format!("--url {url} --protocol {era} --profile listener.toml --for 1500ms"),
            profile,
        );
        let heard = heard(&stream);
        let subscribed = n(&heard["subscribed"]);
        assert!(subscribed.is_multiple_of(2), "{era}: {heard}");
        // Half of 20, drawn by dice, three times or four.
        assert!(
            (2 * 3 * 3..=2 * 17 * 5).contains(&subscribed),
            "{era}: {heard}"
        );
        assert!(
            n(&heard["notifications"]["resources/updated"]) > 20,
            "{era}: {heard}"
        );
        assert_eq!(
            heard["subscriptions_lost"], 0,
            "they left by themselves: {heard}"
        );
        assert_eq!(stream.totals()["errors"], serde_json::json!({}));
    }
}

#[test]
fn subscriptions_that_end_with_their_stream_or_session_are_lost_and_made_anew() {
    for (era, flags) in [
        ("modern", ["--cut-streams", "300ms"]),
        ("legacy", ["--session-ttl", "300ms"]),
    ] {
        let server = Server::start(&[&flags[..], &["--change-every", "50ms"]].concat());
        let stream = run(
            &format!(
                "--url {} --protocol {era} --clients 2 --rate 20/s --for 2s --method resources/list --subscribe 'mcpipe://text/3'",
                server.http()
            ),
            "",
        );
        let heard = heard(&stream);
        let (subscribed, lost) = (n(&heard["subscribed"]), n(&heard["subscriptions_lost"]));
        assert!(lost >= 2, "{era}: {heard}");
        // What stands at the end is not lost.
        assert!((lost..=lost + 2).contains(&subscribed), "{era}: {heard}");
        assert!(
            n(&heard["notifications"]["resources/updated"]) > 4,
            "{era}: {heard}"
        );
    }
}

#[test]
fn a_legacy_stream_that_is_cut_is_opened_again_and_its_subscriptions_stand() {
    let server = Server::start(&["--cut-streams", "200ms", "--change-every", "50ms"]);
    let stream = run(
        &format!(
            "--url {} --protocol legacy --clients 2 --rate 5/s --for 2s --method resources/list --subscribe 'mcpipe://text/3'",
            server.http()
        ),
        "",
    );
    let heard = heard(&stream);
    assert_eq!(
        (&heard["subscribed"], &heard["subscriptions_lost"]),
        (&2.into(), &0.into()),
        "{heard}"
    );
    assert!(n(&stream.totals()["resumed"]) > 0, "{}", stream.totals());
    // One stream of 200 ms has no more than five.
    assert!(
        n(&heard["notifications"]["resources/updated"]) > 2 * 10,
        "{heard}"
    );
}

#[test]
fn nobody_subscribes_where_there_is_nothing_to_subscribe_to_and_that_is_told() {
    let server = Server::start(&[]);
    let stream = run(
        &format!(
            "--url {} --clients 1 --rate 10/s --for 300ms --subscribe 'file:///no/*'",
            server.ws()
        ),
        "",
    );
    assert_eq!(heard(&stream), Value::Null);
    let told = stream.warnings("not_subscribed");
    assert_eq!(told.len(), 1);
    assert!(
        told[0]["text"].as_str().unwrap().contains("file:///no/*"),
        "{told:?}"
    );
}

#[test]
fn progress_is_counted_for_its_call_and_so_are_the_gaps() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    for (url, era) in ways(&server) {
        let what = format!("{url} {era}");
        let stream = run(
            &format!(
                "--url {url} --protocol {era} --clients 2 --rate 20/s --for 1s --method tools/call --tool progress \
                 --args 'progress={{\"n\":4,\"every_ms\":5}}' --progress 50%"
            ),
            "",
        );
        assert_eq!(
            stream.totals()["ok"],
            40,
            "{what}: {}",
            stream.totals()["errors"]
        );
        let heard = heard(&stream);
        let progress = n(&heard["notifications"]["progress"]);
        assert!(
            progress.is_multiple_of(4) && (4 * 6..=4 * 34).contains(&progress),
            "{what}: {heard}"
        );
        assert_eq!(
            heard["progress_gap"]["count"],
            progress / 4 * 3,
            "{what}: {heard}"
        );
        assert_eq!(heard["unknown_progress"], 0, "{what}: {heard}");
        let of_call = |s: &&Value| s["tool"] == "progress" && !s["heard"].is_null();
        let rows = stream.of("summary").into_iter().filter(of_call);
        let sum: u64 = rows
            .map(|row| n(&row["heard"]["notifications"]["progress"]))
            .sum();
        assert_eq!(sum, progress, "{what}: it stands in the row of its call");
    }
}

#[test]
fn a_cancelled_call_is_no_error_and_its_server_is_told() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let mut all = 0;
    for (url, era) in ways(&server) {
        let what = format!("{url} {era}");
        let stream = run(
            &format!(
                "--url {url} --protocol {era} --clients 2 --rate 20/s --for 1s --method tools/call --tool slow \
                 --args 'slow={{\"ms\":700}}' --cancel 50% --cancel-after 20ms"
            ),
            "",
        );
        let totals = stream.totals();
        let (ok, cancelled) = (n(&totals["ok"]), n(&totals["errors"]["cancelled"]));
        assert_eq!(ok + cancelled, 40, "{what}: {}", totals["errors"]);
        assert!((6..=34).contains(&cancelled), "{what}: {cancelled}");
        all += cancelled;
        assert_eq!(
            totals["heard"],
            Value::Null,
            "{what}: a cancelled call has no answer"
        );
        assert_eq!(totals["generator"]["stray_answers"], 0, "{what}");
    }
    let metrics = server.http().replace("/mcp", "/metrics");
    let page = Pipeline::new(format!("curl -s {metrics}")).run().text();
    let counted: u64 = page
        .lines()
        .filter(|l| l.contains("outcome=\"cancelled\"") && l.contains("tools/call"))
        .filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok())
        .sum();
    assert_eq!(counted, all, "the server has heard of each");
}

fn say(client: &mut TcpStream, message: &Value) -> bool {
    client.write_all(format!("{message}\n").as_bytes()).is_ok()
}

#[test]
fn an_answer_to_a_cancelled_call_is_counted_and_not_stray() {
    // It answers each call 400 ms after it came, one after the other, and has never heard of cancelling.
    let server = line_server(false, |_, message, _| {
        if message["method"] == "tools/call" {
            std::thread::sleep(Duration::from_millis(400));
        }
        None
    });
    let stream = run(
        &format!(
            "--url tcp://127.0.0.1:{} --clients 2 --rate 2/s --for 2s --method tools/call --cancel 100% --cancel-after 10ms",
            server.port()
        ),
        "",
    );
    let totals = stream.totals();
    assert_eq!(totals["errors"], json!({"cancelled": 8}));
    // The last answers may come when nobody reads any more.
    let late = n(&heard(&stream)["late_answers"]);
    assert!((4..=8).contains(&late), "{late}");
    assert_eq!(totals["generator"]["stray_answers"], 0);
}

#[test]
fn what_a_server_asks_is_answered_and_what_it_tells_of_nothing_is_counted() {
    let replies: Arc<Mutex<Vec<Value>>> = Arc::default();
    let heard_by_server = Arc::clone(&replies);
    let asks = [
        "ping",
        "roots/list",
        "sampling/createMessage",
        "elicitation/create",
    ];
    let server = line_server(false, move |client, message, _| {
        if message["method"] == "tools/call" {
            for method in asks {
                say(
                    client,
                    &json!({"jsonrpc": "2.0", "id": method, "method": method, "params": {}}),
                );
            }
            for token in [
                json!(7),
                json!("0-999999"),
                json!("1-0"),
                json!(null),
                json!({}),
            ] {
                let params = json!({"progressToken": token, "progress": 1});
                say(
                    client,
                    &json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}),
                );
            }
            for method in [
                "notifications/message",
                "notifications/made/up",
                "notifications/resources/updated",
            ] {
                say(client, &json!({"jsonrpc": "2.0", "method": method}));
            }
        }
        if message.get("method").is_none() {
            heard_by_server.lock().unwrap().push(message.clone());
            return Some(true);
        }
        None
    });
    let stream = run(
        &format!(
            "--url tcp://127.0.0.1:{} --clients 1 --rate 10/s --for 500ms --method tools/call --progress 100%",
            server.port()
        ),
        "",
    );
    let totals = stream.totals();
    assert_eq!((&totals["ok"], &totals["errors"]), (&5.into(), &json!({})));
    let heard = heard(&stream);
    assert_eq!(
        heard["notifications"],
        json!({"progress": 25, "message": 5, "other": 5, "resources/updated": 5})
    );
    assert_eq!(heard["unknown_progress"], 25, "{heard}");
    assert_eq!(
        heard["notification"],
        Value::Null,
        "it does not say when it changed: {heard}"
    );
    let replies = replies.lock().unwrap();
    for method in asks {
        let of_method: Vec<&Value> = replies.iter().filter(|r| r["id"] == method).collect();
        assert!(of_method.len() >= 4, "{method}: {replies:?}");
        for reply in of_method {
            if method == "ping" {
                assert_eq!(reply["result"], json!({}), "{reply}");
            } else {
                assert_eq!(reply["error"]["code"], -32601, "{reply}");
            }
        }
    }
}

/// Rows of calls by their method: how many were due.
fn scheduled(stream: &Stream, method: &str) -> u64 {
    let rows = stream.of("summary").into_iter();
    let own = rows.filter(|s| s["method"] == method);
    own.map(|row| n(&row["scheduled"])).sum()
}

#[test]
fn lists_are_followed_page_by_page_up_to_the_last_that_is_wanted() {
    // 10 texts are 4 pages, 8 tools are 3.
    let server = Server::start(&["--page-size", "3"]);
    for (url, era) in [(server.ws(), "legacy"), (server.http(), "modern")] {
        for (flags, pages_of_tools) in [("--pages 100", 3), ("--pages 2", 2), ("", 1)] {
            let truth = format!(
                "--url {url} --protocol {era} --profile low-load --clients 1 --rate 100/s --for 500ms --calls all {flags}"
            );
            let stream = run(&truth, "");
            assert_eq!(
                stream.totals()["errors"],
                serde_json::json!({}),
                "{era} {flags}"
            );
            let calls = stream.of("call");
            let tools: Vec<&&Value> = calls
                .iter()
                .filter(|c| c["method"] == "tools/list")
                .collect();
            assert!(tools.len() > pages_of_tools, "{era} {flags}");
            // Each round begins with a call without a cursor, which is some 30 bytes shorter.
            let sizes: Vec<u64> = tools.iter().map(|c| n(&c["sent_bytes"])).collect();
            let least = *sizes.iter().min().unwrap();
            let first_pages = sizes.iter().filter(|size| **size < least + 20).count();
            let rounds = tools.len() as f64 / pages_of_tools as f64;
            assert!(
                (first_pages as f64 - rounds).abs() <= 1.0,
                "{era} {flags}: {first_pages} of {rounds}"
            );
        }
    }
}

#[test]
fn arguments_of_prompts_and_templates_are_completed_where_a_server_can() {
    let server = Server::start(&[]);
    let profile = "cat > writer.toml <<'END'
name = \"writer\"
clients = 2
rate = \"20/s\"
[methods]
\"completion/complete\" = 1
END";
    for (url, era) in [(server.ws(), "legacy"), (server.http(), "modern")] {
        let stream = run(
            &format!("--url {url} --protocol {era} --profile writer.toml --for 500ms --calls all"),
            profile,
        );
        assert_eq!(scheduled(&stream, "completion/complete"), 20, "{era}");
        // summary has an argument, text, that the reference server cannot complete: -32602.
        let errors = n(&stream.totals()["errors"]["rpc_error"]);
        assert_eq!(n(&stream.totals()["ok"]) + errors, 20, "{era}");
        assert!(n(&stream.totals()["ok"]) > 0, "{era}");
    }
}

#[test]
fn log_messages_come_from_the_level_on_that_was_asked_for() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    for (url, era) in ways(&server) {
        for (level, each) in [("warning", 3), ("critical", 0)] {
            let what = format!("{url} {era} {level}");
            let stream = run(
                &format!(
                    "--url {url} --protocol {era} --clients 2 --rate 10/s --for 500ms --method tools/call --tool log \
                     --args 'log={{\"n\":3,\"level\":\"error\"}}' --log-level {level}"
                ),
                "",
            );
            assert_eq!(
                stream.totals()["ok"],
                10,
                "{what}: {}",
                stream.totals()["errors"]
            );
            let messages = &heard(&stream)["notifications"]["message"];
            assert_eq!(messages.as_u64().unwrap_or(0), 10 * each, "{what}");
            assert!(stream.warnings("level_refused").is_empty(), "{what}");
        }
    }
}

#[test]
fn the_example_of_clients_that_listen_runs_as_written_and_is_reported() {
    let page = include_str!("../../../docs/PROFILES.md");
    let blocks = page.split("```bash\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| Some(rest.split_once("\n```")?.0));
    let example = blocks.find(|b| b.contains("listeners.toml")).unwrap();
    // 3 is INVALID: a busy machine can make it so.
    let done = Pipeline::new(format!("( {example} ) || (( $? == 3 ))")).run();
    assert!(done.status.success(), "{:?}: {}", done.status, done.stderr);
    let text = done.text();
    for words in [
        "What clients heard",
        "resources/updated",
        "subscriptions accepted",
        "change to read",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
}
