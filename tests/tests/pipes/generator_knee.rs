//! The search for a knee: it brackets what the server can do, each step is a stage, and the report shows and judges it.

use pipe_tests::{Finished, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::Value;
use std::time::Duration;

const QUICK: &str = "--connect-for 300ms --interval 200ms --clients 4 --seed 3 --knee-step 500ms";

/// What a search must be like, whatever it found.
#[track_caller]
fn assert_is_consistent(stream: &Stream) {
    assert_intervals_add_up(stream);
    assert_conserved(stream);
    let knee = &stream.totals()["knee"];
    let steps = knee["steps"].as_array().expect("steps");
    let rate = |s: &Value| s["rate_per_s"].as_f64().expect("a rate");
    let best = |judgement: &str| {
        let of = steps.iter().filter(|s| s["judgement"] == judgement);
        of.map(rate).collect::<Vec<_>>()
    };
    let highest_met = best("met").into_iter().reduce(f64::max);
    let lowest_missed = best("missed").into_iter().reduce(f64::min);
    assert_eq!(knee["rate_per_s"].as_f64(), highest_met, "{knee}");
    assert_eq!(knee["too_much_per_s"].as_f64(), lowest_missed, "{knee}");
    for (i, step) in steps.iter().enumerate() {
        assert_eq!(step["stage"], format!("knee-{}", i + 1));
        let ended = |s: &&Value| s["stage"] == step["stage"] && s["state"] == "ended";
        let stage = stream.of("stage").into_iter().find(ended);
        let stage = stage.unwrap_or_else(|| panic!("{step} is no stage"));
        assert_eq!(stage["asked_per_s"].as_f64(), Some(rate(step)), "{stage}");
        // No step begins before all calls of the one before are over, so what is due is exactly the rate.
        let planned_s = stage["planned_us"].as_f64().expect("a length") / 1e6;
        let due = pipe_tests::scheduled(stream, step["stage"].as_str().expect("a name")) as f64;
        assert!(
            step["judgement"] == "unsettled"
                || step["judgement"] == "interrupted"
                || (due - rate(step) * planned_s).abs() <= 4.0,
            "{step}: {due} calls in {planned_s} s"
        );
    }
}

/// The same search as if of two generators at once, and of two that searched for different things, or at other times.
#[track_caller]
fn knees_of_two_generators_add_up_where_they_were_one_load(run: &Finished, found: f64) {
    let stream = String::from_utf8(run.file("run.jsonl")).expect("text");
    let other = format!(
        "s/{}/mcp-gen#0ther0/g",
        run.recorded("run.jsonl").only("mcp-gen", "start")["from"]
            .as_str()
            .expect("a name")
    );
    for (change, adds_up) in [
        ("", true),
        (
            r#"; s/"condition":"p50 < 200ms"/"condition":"p50 < 300ms"/"#,
            false,
        ),
        (r#"; /"stage":"knee-2"/s/"start_us":1/"start_us":2/"#, false),
    ] {
        let both = Pipeline::new(format!(
            "tee a.jsonl | sed '{other}{change}' > b.jsonl; mcp-report -q --json report.json --fail-if 'knee < 1/s' a.jsonl b.jsonl"
        ))
        .stdin(stream.clone())
        .run();
        let gate = &both.verdict("report.json")["gates"][0];
        if adds_up {
            assert_eq!(gate["value"].as_f64(), Some(2.0 * found), "{gate}");
        } else {
            let text = gate["text"].as_str().expect("a reason");
            assert!(text.contains("don't add up"), "{change}: {gate}");
        }
    }
}

#[test]
fn the_knee_of_a_server_is_bracketed_reported_and_judged() {
    // 4 workers of 20 ms do 200 calls/s at most.
    let server = Server::start(&["--latency", "20ms", "--workers", "4"]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} {QUICK} --find-knee 'p50 < 200ms' --knee-from 150/s | tee run.jsonl | mcp-report --json report.json --fail-if 'knee > 1M/s' --fail-if 'knee < 1/s'",
        server.ws()
    ))
    .patience(Duration::from_secs(120))
    .run();
    run.assert_stages_and_report(&[0, 0], "report.json");
    let stream = run.recorded("run.jsonl");
    assert_is_consistent(&stream);
    let knee = &stream.totals()["knee"];
    assert_eq!(knee["condition"], "p50 < 200ms");
    let found = knee["rate_per_s"].as_f64().expect("some rate is met");
    // On a machine that has other things to do the search may end low; what the server cannot do is never found.
    assert!((20.0..=250.0).contains(&found), "{knee}");
    knees_of_two_generators_add_up_where_they_were_one_load(&run, found);
    if knee["limited_by"] == "server" {
        let bad = knee["too_much_per_s"]
            .as_f64()
            .expect("some rate is missed");
        assert!(bad > found && bad <= found * 1.03 + 1.0, "{knee}");
        assert!(run.stderr.contains("the knee is at"), "{}", run.stderr);
    } else {
        assert_eq!(knee["limited_by"], "generator", "{knee}");
        assert_eq!(stream.warnings("generator_limit").len(), 1);
    }
    let page = run.text();
    for part in ["The knee", "p50 < 200ms", "knee-1", "Gates judge the steps"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let report = &run.verdict("report.json")["report"];
    assert_eq!(report["knees"][0]["rate_per_s"].as_f64(), Some(found));
    // What was beyond the knee is told and not judged.
    let stages = report["stages"].as_array().expect("stages");
    for stage in stages {
        let name = stage["stage"].as_str().unwrap_or_default();
        let steps = knee["steps"].as_array().expect("steps");
        let met = steps
            .iter()
            .any(|s| s["stage"] == name && s["judgement"] == "met");
        assert_eq!(stage["measured"], met, "{name}");
    }
}

#[test]
fn a_server_that_never_meets_the_condition_has_no_knee() {
    let server = Server::start(&["--latency", "20ms"]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} {QUICK} --find-knee 'p50 < 1ms' --knee-from 2/s | tee run.jsonl | mcp-report --json report.json --fail-if 'knee < 10/s'",
        server.http()
    ))
    .run();
    let stream = run.recorded("run.jsonl");
    assert_is_consistent(&stream);
    let knee = &stream.totals()["knee"];
    assert!(knee["rate_per_s"].is_null(), "{knee}");
    assert!(
        run.stderr.contains("no rate that was tried has p50 < 1ms"),
        "{}",
        run.stderr
    );
    let verdict = run.verdict("report.json");
    assert_eq!(verdict["gates"][0]["state"], "fail", "{verdict}");
}

#[test]
fn a_slow_server_that_keeps_up_is_not_called_saturated() {
    let server = Server::start(&["--latency", "1100ms"]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} --connect-for 6s --interval 200ms --clients 4 --seed 3 --knee-step 500ms -q --find-knee 'p50 < 10s' --knee-from 100/s | tee -i run.jsonl > /dev/null",
        server.ws()
    ))
    .outlives_signals()
    .start();
    running.until_written("run.jsonl", r#""stage":"knee-3","state":"began""#);
    running.signal(libc::SIGINT);
    let stream = running.finish().recorded("run.jsonl");
    assert_is_consistent(&stream);
    let knee = &stream.totals()["knee"];
    // The first step finds out how long calls take; whoever comes after settles for as long.
    for step in knee["steps"].as_array().expect("steps") {
        assert_ne!(step["judgement"], "missed", "{knee}");
    }
    let planned = |name: &str| {
        let of = stream.of("stage").into_iter().find(|s| s["stage"] == name);
        of.and_then(|s| s["planned_us"].as_u64()).expect("a stage")
    };
    assert_eq!(planned("settle-1"), 500_000);
    assert!(planned("settle-2") >= 1_100_000, "{knee}");
}

#[test]
fn a_step_before_clients_are_connected_proves_nothing() {
    // Each of the answers that a legacy client needs to begin takes longer than the first step.
    let server = Server::start(&["--latency", "1500ms"]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} {QUICK} -q --find-knee 'p50 < 10s' --knee-from 100/s | tee -i run.jsonl > /dev/null",
        server.http()
    ))
    .outlives_signals()
    .start();
    running.until_written("run.jsonl", r#""stage":"knee-2","state":"began""#);
    running.signal(libc::SIGINT);
    let stream = running.finish().recorded("run.jsonl");
    let knee = &stream.totals()["knee"];
    let first = &knee["steps"][0];
    assert_eq!(first["judgement"], "unsettled", "{knee}");
    assert!(knee["too_much_per_s"].is_null(), "{knee}");
    let second = stream
        .of("stage")
        .into_iter()
        .find(|s| s["stage"] == "knee-2");
    assert_eq!(second.expect("it began")["asked_per_s"], 100.0);
}

#[test]
fn a_server_that_dies_ends_the_search_and_no_gate_on_the_knee_passes() {
    let mut server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} {QUICK} -q --find-knee 'p50 < 10s' --knee-from 20/s | tee run.jsonl | mcp-report --json report.json --fail-if 'knee > 1M/s'",
        server.http()
    ))
    .start();
    running.until_written("run.jsonl", r#""stage":"knee-2","state":"began""#);
    server.kill();
    let run = running.finish();
    run.assert_stages(&[0, 0, run.stages[2]]);
    let stream = run.recorded("run.jsonl");
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
    let knee = &stream.totals()["knee"];
    assert_eq!(knee["limited_by"], "unreachable", "{knee}");
    assert_eq!(stream.warnings("unreachable").len(), 1);
    let verdict = run.verdict("report.json");
    assert_eq!(verdict["gates"][0]["state"], "fail", "{verdict}");
    assert!(
        run.text().contains("no client could connect any more"),
        "{}",
        run.text()
    );
}

#[test]
fn ctrl_c_in_a_search_ends_it_with_what_was_found() {
    let server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} {QUICK} -q --find-knee 'p50 < 10s' --knee-from 20/s | tee -i run.jsonl > /dev/null",
        server.ws()
    ))
    .outlives_signals()
    .start();
    running.until_written("run.jsonl", r#""stage":"knee-2","state":"began""#);
    running.signal(libc::SIGINT);
    let run = running.finish();
    run.assert_stages(&[128 + libc::SIGINT, 0]);
    let stream = run.recorded("run.jsonl");
    assert_is_consistent(&stream);
    let knee = &stream.totals()["knee"];
    assert!(knee["limited_by"].is_null(), "{knee}");
    assert_eq!(knee["steps"][0]["rate_per_s"], 20.0);
    let last = knee["steps"].as_array().and_then(|s| s.last());
    assert_eq!(
        last.map(|s| &s["judgement"]),
        Some(&"interrupted".into()),
        "{knee}"
    );
    let page = Pipeline::new("mcp-report")
        .stdin(run.file("run.jsonl"))
        .run()
        .text();
    assert!(
        page.contains("before the run was interrupted") && !page.contains("Gates judge"),
        "{page}"
    );
}

#[test]
fn a_profile_with_think_time_is_searched_by_the_clock() {
    let server = Server::start(&["--latency", "2ms"]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} {} -q --profile users.toml --find-knee 'p50 < 1ms' --knee-from 20/s",
        server.ws(),
        QUICK.replace("--clients 4", "")
    ))
    .before("printf 'name = \"users\"\nclients = 2\nthink = \"50ms\"\n[methods]\n\"tools/call\" = 1\n' > users.toml")
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_is_consistent(&stream);
    assert_eq!(stream.totals()["generator"]["model"], "open");
    assert_eq!(stream.totals()["knee"]["steps"][0]["rate_per_s"], 20.0);
}

#[test]
fn a_search_takes_no_other_rate_or_length_and_says_what_a_condition_is() {
    for (options, says) in [
        ("--find-knee 'p99 < 200'", "like 200ms"),
        ("--find-knee 'p99 > 200ms'", "no '<'"),
        ("--find-knee 'speed < 3'", "error_rate < 1%"),
        ("--find-knee 'p99 < 1s' --rate 3/s", "--rate"),
        ("--find-knee 'p99 < 1s' --for 3s", "--for"),
        ("--find-knee 'p99 < 1s' --closed", "--closed"),
        ("--find-knee 'p99 < 1s' --stages '1/s for 1s'", "--stages"),
        ("--knee-from 3/s", "--find-knee"),
        ("--knee-step 3s", "--find-knee"),
    ] {
        let run = Pipeline::new(format!("mcp-gen --url ws://127.0.0.1:1/mcp {options}")).run();
        run.assert_stages(&[2]);
        assert!(run.stderr.contains(says), "{options}: {}", run.stderr);
    }
}
