//! Who speaks first: starts before targets, one run for all, one `ready`, and sentences where the targets are missing.

use pipe_tests::{Pipeline, Server, Stream, assert_conserved};
use serde_json::{Value, json};

const LOAD: &str = "--clients 2 --rate 20/s --connect-for 100ms --warmup 0s --for 200ms -q";

#[test]
fn every_start_precedes_every_target_and_the_last_tool_introduces_itself_first() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 3 | mcp-chaos | mcp-gen {LOAD} | mcp-scrape"
    ))
    .run();
    run.assert_stages(&[0; 4]);
    // checked() has seen that no start comes behind a target and that all are of one run.
    let stream = run.stream();
    let order: Vec<&str> = stream
        .of("start")
        .iter()
        .filter_map(|s| s["tool"].as_str())
        .collect();
    assert_eq!(order, ["mcp-scrape", "mcp-gen", "mcp-chaos", "mcp-deploy"]);
    let kinds: Vec<&str> = stream
        .records()
        .filter_map(|r| r["type"].as_str())
        .collect();
    assert_eq!(
        kinds[..8],
        [
            "start", "start", "start", "start", "target", "target", "target", "ready"
        ]
    );
    let ends: Vec<&str> = stream
        .of("end")
        .iter()
        .filter_map(|e| e["from"].as_str()?.split('#').next())
        .collect();
    assert_eq!(
        ends,
        ["mcp-gen", "mcp-scrape"],
        "what stands upstream cannot deliver its own"
    );
    assert_eq!(stream.of("ready").len(), 1);
    // The generator counts from the t0 that mcp-deploy has named.
    let t0 = &stream.only("mcp-deploy", "ready")["t0_us"];
    assert_eq!(stream.of("stage")[0]["start_us"], *t0);
}

#[test]
fn a_target_written_by_hand_is_enough() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        r#"echo '{{"type":"target","url":"{}"}}' | mcp-gen {LOAD} | mcp-report --json report.json"#,
        server.ws()
    ))
    .run();
    run.assert_stages_and_report(&[0, 0], "report.json");
}

#[test]
fn without_a_ready_from_upstream_the_generator_writes_its_own() {
    let server = Server::start(&[]);
    let by_hand = Pipeline::new(format!("mcp-gen {LOAD}"))
        .stdin(format!(
            "{{\"type\":\"target\",\"url\":\"{}\"}}\n",
            server.http()
        ))
        .run();
    let by_flag = Pipeline::new(format!("mcp-gen {LOAD} --url {}", server.http())).run();
    for (run, targets) in [(by_hand, 0), (by_flag, 1)] {
        run.assert_stages(&[0]);
        let stream = run.stream();
        assert_eq!(stream.from("mcp-gen", "target").len(), targets);
        let ready = stream.only("mcp-gen", "ready");
        assert_eq!(ready["t0_us"], stream.of("stage")[0]["start_us"]);
        assert_eq!(stream.totals()["ok"], 8);
    }
}

/// What `mcp-gen` makes of these records.
fn fed(records: &[Value]) -> Stream {
    let lines: String = records.iter().map(|r| format!("{r}\n")).collect();
    let run = Pipeline::new(format!("mcp-gen {LOAD}")).stdin(lines).run();
    run.assert_stages(&[0]);
    run.stream()
}

fn ready(ago_us: u64) -> Value {
    json!({
        "type": "ready",
        "t0_us": record::clock::unix_us() - ago_us,
        "t0_mono_us": record::clock::mono_us() - ago_us,
        "boot_id": record::clock::boot_id(),
    })
}

/// A stream that breaks off behind its `ready` while a slow server is still being asked what it offers: no load is begun
/// on servers that went with the tool.
#[test]
fn a_tool_upstream_that_is_gone_before_the_load_ends_the_run() {
    let server = Server::start(&["--latency", "400ms"]);
    let start = json!({
        "type": "start", "run": "r-1", "from": "mcp-deploy#1", "tool": "mcp-deploy", "version": "1", "pid": 1, "host": "h",
        "boot_id": "b", "kernel": "k", "cpus": 1, "args": [],
    });
    let target = json!({"type": "target", "url": server.http()});
    let lines = format!("{start}\n{target}\n{}\n", ready(0));
    let run = Pipeline::new("mcp-gen --clients 1 --rate 5/s --for 1h > run.jsonl")
        .stdin(lines)
        .run();
    run.assert_stages(&[2]);
    let stream = run.recorded("run.jsonl");
    assert_eq!(stream.only("mcp-gen", "end")["why"], "failed");
    assert!(
        run.stderr.contains("without its last word"),
        "{}",
        run.stderr
    );
    assert!(stream.from("mcp-gen", "interval").is_empty());
}

#[test]
fn a_second_ready_is_ignored_with_a_warning() {
    let server = Server::start(&[]);
    let target = json!({"type": "target", "url": server.http()});
    let (first, second) = (ready(0), ready(0));
    let stream = fed(&[target, first.clone(), second]);
    assert_eq!(stream.warnings("second_ready").len(), 1);
    assert_eq!(stream.of("stage")[0]["start_us"], first["t0_us"]);
    assert_eq!(stream.totals()["ok"], 8);
}

#[test]
fn an_old_ready_as_of_a_replayed_file_is_ignored_with_a_warning() {
    let server = Server::start(&[]);
    let target = json!({"type": "target", "url": server.http()});
    let old = ready(61_000_000);
    let stream = fed(&[target.clone(), old.clone()]);
    assert_eq!(stream.warnings("old_ready").len(), 1);
    assert_ne!(stream.of("stage")[0]["start_us"], old["t0_us"]);
    assert_eq!(stream.totals()["ok"], 8);
    // One of another boot is as old as its Unix time says.
    let mut elsewhere = ready(61_000_000);
    elsewhere["boot_id"] = json!("00000000-0000-0000-0000-000000000000");
    assert_eq!(fed(&[target, elsewhere]).warnings("old_ready").len(), 1);
}

#[test]
fn a_recorded_run_can_be_replayed_into_the_generator() {
    let first = Pipeline::new(format!("mcp-deploy -q local -n 2 | mcp-gen {LOAD}")).run();
    let server = Server::start(&[]);
    // As a person would: the old stream, pointed at a server that is up.
    let old: String = first
        .stream()
        .lines
        .iter()
        .filter_map(|line| {
            let mut value = line.value.clone()?;
            match value["type"].as_str()? {
                "target" => value["url"] = server.http().into(),
                "ready" => {
                    value["t0_us"] = (value["t0_us"].as_u64()? - 100_000_000).into();
                    value["t0_mono_us"] =
                        (value["t0_mono_us"].as_u64()?.saturating_sub(100_000_000)).into();
                }
                _ => {}
            }
            Some(format!("{value}\n"))
        })
        .collect();
    let run = Pipeline::new(format!("mcp-gen {LOAD}")).stdin(old).run();
    run.assert_stages(&[0]);
    // Two generators of one run are in this stream, so it is not held against the rules for one.
    let stream = Stream::parse(&run.stdout);
    assert_eq!(stream.warnings("old_ready").len(), 1, "{}", run.text());
    assert_eq!(stream.from("mcp-gen", "end").len(), 2);
}

#[test]
fn a_pipe_at_stdin_beside_url_is_not_read_and_told_of() {
    let server = Server::start(&[]);
    let other = r#"{"type":"target","url":"http://127.0.0.1:9/mcp"}"#;
    let run = Pipeline::new(format!("mcp-gen {LOAD} --url {}", server.http()))
        .stdin(format!("{other}\n"))
        .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    let told = stream.warnings("stdin_ignored");
    assert_eq!(told.len(), 1);
    assert!(told[0]["remedy"].as_str().is_some_and(|r| r.contains('-')));
    assert!(!run.text().contains("127.0.0.1:9/"));
    assert_eq!(stream.totals()["ok"], 8);
}

#[test]
fn with_a_dash_both_the_url_and_stdin_are_targets() {
    let (one, two) = (Server::start(&[]), Server::start(&[]));
    let run = Pipeline::new(format!("mcp-gen {LOAD} --url {} -", one.http()))
        .stdin(format!(
            "{{\"type\":\"target\",\"name\":\"two\",\"url\":\"{}\"}}\n",
            two.ws()
        ))
        .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert!(stream.warnings("stdin_ignored").is_empty());
    let called: std::collections::BTreeSet<&str> = stream
        .of("interval")
        .iter()
        .filter_map(|i| i["target"].as_str())
        .collect();
    assert_eq!(
        called.into_iter().collect::<Vec<_>>(),
        [one.http().as_str(), "two"]
    );
}

#[test]
fn no_target_at_all_is_wrong_usage_with_a_sentence() {
    for script in [
        "mcp-gen < /dev/null",
        "mcp-gen -q <&-",
        "mcp-gen --clients 0 --url http://127.0.0.1:9/mcp",
    ] {
        let run = Pipeline::new(script).run();
        assert_eq!(run.status.code(), Some(2), "{script}: {}", run.stderr);
        assert!(
            run.stderr.starts_with("mcp-gen: "),
            "{script}: {}",
            run.stderr
        );
        assert_eq!(run.text(), "", "{script}");
    }
}

#[test]
fn a_stream_without_targets_is_a_failure_that_the_report_repeats() {
    for feed in ["true", "echo '{\"type\":\"x\"}'", "echo nonsense"] {
        let run = Pipeline::new(format!("{feed} | mcp-gen {LOAD} | mcp-report")).run();
        run.assert_stages(&[0, 2, 2]);
        assert!(
            run.stderr.contains("no target came on stdin"),
            "{}",
            run.stderr
        );
        assert!(
            run.text().contains("no target came on stdin"),
            "{}",
            run.text()
        );
    }
}

#[test]
fn a_tool_that_fails_says_why_before_its_end_and_the_report_repeats_it() {
    let run = Pipeline::new(format!(
        "mcp-gen {LOAD} --url http://127.0.0.1:9/mcp | mcp-scrape | tee -i run.jsonl | mcp-report"
    ))
    .run();
    run.assert_stages(&[2, 0, 0, 2]);
    let stream = run.recorded("run.jsonl");
    let fatal = stream.warnings("fatal");
    assert_eq!(fatal.len(), 1);
    let end = stream.only("mcp-gen", "end");
    assert_eq!((&end["why"], &end["exit"]), (&json!("failed"), &json!(2)));
    let sentence = fatal[0]["text"].as_str().unwrap();
    // The table is wrapped to a terminal's width.
    let told = run.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(sentence), "{sentence}\n{told}");
}

#[test]
fn usage_errors_of_every_tool_are_2_name_the_tool_and_leave_stdout_empty() {
    for tool in [
        "mcp-deploy local",
        "mcp-chaos",
        "mcp-gen",
        "mcp-scrape",
        "mcp-report",
    ] {
        let run = Pipeline::new(format!("{tool} --no-such-flag")).run();
        assert_eq!(run.status.code(), Some(2), "{tool}");
        assert_eq!(run.text(), "", "{tool}");
        assert!(run.stderr.contains(tool), "{tool}: {}", run.stderr);
    }
}

#[test]
fn t0_comes_after_a_slow_server_has_been_asked_and_no_call_is_missed() {
    let server = Server::start(&["--latency", "400ms"]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --clients 4 --rate 10/s --connect-for 500ms --warmup 0s --for 1s -q",
        server.ws()
    ))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    let kinds: Vec<&str> = stream
        .records()
        .filter_map(|r| r["type"].as_str())
        .filter(|kind| ["start", "target", "ready"].contains(kind))
        .collect();
    assert_eq!(kinds, ["start", "target", "ready"]);
    // It is asked who it is and for its tools at least, one after the other.
    let start = stream.only("mcp-gen", "start")["ts_us"].as_u64().unwrap();
    let t0 = stream.only("mcp-gen", "ready")["t0_us"].as_u64().unwrap();
    assert!(t0 > start + 800_000, "{} µs", t0 - start);
    assert!(stream.warnings("late_start").is_empty());
    assert_eq!(stream.totals()["scheduled"], 40, "{}", stream.totals());
    assert_conserved(&stream);
}

#[test]
fn calls_due_while_the_servers_are_still_asked_are_counted_where_upstream_put_t0() {
    let server = Server::start(&["--latency", "900ms"]);
    let run = Pipeline::new(
        "mcp-gen --clients 4 --rate 10/s --connect-for 200ms --warmup 0s --for 4s -q \
         | tee run.jsonl | mcp-report -q --json report.json",
    )
    .stdin(format!(
        "{}\n{}\n",
        json!({"type": "target", "url": server.ws()}),
        ready(0)
    ))
    .run();
    let stream = run.recorded("run.jsonl");
    assert_eq!(stream.warnings("late_start").len(), 1);
    let totals = stream.totals();
    assert_eq!(totals["scheduled"], 160, "{totals}");
    // Two answers take 1.8 s at least, so what was due in the first 0.6 s is more than a second late.
    let shed = totals["errors"]["shed"].as_u64();
    assert!(shed >= Some(20), "{totals}");
    assert_ne!(run.verdict("report.json")["verdict"], "PASS");
    assert_conserved(&stream);
}
