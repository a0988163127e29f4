//! The shapes of the load: stages of clients and of rates, Poisson arrivals, think time. Each stage asks for a number of
//! calls that can be computed, and makes that many, however late the machine is.

use pipe_tests::{Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up, scheduled};
use serde_json::Value;
use std::time::Duration;

fn load(url: &str, options: &str) -> Stream {
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --connect-for 1s --interval 200ms --seed 5 -q {options} | tee run.jsonl | mcp-report -q --json report.json"
    ))
    .patience(Duration::from_secs(60))
    .run();
    run.assert_stages_and_report(&[0, 0], "report.json");
    let stream = run.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

/// What was said of a stage when it ended.
#[track_caller]
fn ended<'a>(stream: &'a Stream, name: &str) -> &'a Value {
    let of = |s: &&Value| s["stage"] == name && s["state"] == "ended";
    let stages = stream.of("stage").into_iter();
    stages
        .clone()
        .find(of)
        .unwrap_or_else(|| panic!("no stage {name}: {:#?}", stages.collect::<Vec<_>>()))
}

fn names(stream: &Stream) -> Vec<&str> {
    let ended = |s: &&Value| s["state"] == "ended";
    let stages = stream.of("stage").into_iter().filter(ended);
    stages.filter_map(|s| s["stage"].as_str()).collect()
}

/// Asserts that as many calls were due as the stage asked for, give or take `off`. Where the machine had other things to
/// do and clients connected late, they were due fewer.
#[track_caller]
fn asked(stream: &Stream, stage: &str, calls: f64, off: f64) {
    let found = scheduled(stream, stage) as f64;
    let late = !stream.warnings("late_client").is_empty();
    assert!(
        found <= calls + off && (late || found >= calls - off),
        "{stage}: {found} calls were due, and {calls} were asked for"
    );
}

#[test]
fn stages_of_rates_have_as_many_calls_as_the_area_under_them() {
    let server = Server::start(&[]);
    for (url, clients) in [(server.ws(), 7), (server.http(), 3)] {
        let stream = load(
            &url,
            &format!(
                "--clients {clients} --stages 'rate 100..900/s in 1s, hold 500ms, spike 1500/s for 300ms, ..0 in 1s, step 200/s for 500ms'"
            ),
        );
        assert_eq!(
            names(&stream),
            [
                "connect", "ramp-1", "hold-2", "spike-3", "ramp-4", "step-5", "drain"
            ]
        );
        // Each client's first call of a stage may lie on either side of its edge.
        let off = f64::from(clients);
        for (stage, calls) in [
            ("ramp-1", 500.0),
            ("hold-2", 450.0),
            ("spike-3", 450.0),
            ("ramp-4", 450.0),
            ("step-5", 100.0),
        ] {
            asked(&stream, stage, calls, off);
        }
        let ramp = ended(&stream, "ramp-1");
        assert_eq!(
            [&ramp["from_per_s"], &ramp["asked_per_s"], &ramp["to_per_s"]],
            [100.0, 500.0, 900.0]
        );
        assert_eq!(ended(&stream, "hold-2")["asked_per_s"], 900.0);
        assert!(ended(&stream, "hold-2")["from_per_s"].is_null());
    }
}

#[test]
fn clients_come_and_go_with_their_connections_and_their_calls() {
    let server = Server::start(&[]);
    for url in [server.ws(), server.http()] {
        let stream = load(
            &url,
            "--rate 20/s --stages '0..40 clients in 1s, hold 1s, step 4 for 1s, ..20 in 1s'",
        );
        // A client has at most one call more or less than its time there is long.
        for (stage, calls, off) in [
            ("ramp-1", 400.0, 40.0),
            ("hold-2", 800.0, 40.0),
            ("step-3", 80.0, 4.0),
            ("ramp-4", 240.0, 20.0),
        ] {
            asked(&stream, stage, calls, off);
        }
        let last = ended(&stream, "ramp-4");
        assert_eq!([&last["clients_from"], &last["clients"]], [4, 20]);
        let clients = stream.totals()["generator"]["clients"].as_u64();
        assert_eq!(clients, Some(40));
        // 16 of them came a second time, with connections of their own (on HTTP a client may have several).
        let connects = stream.totals()["generator"]["connects"].as_u64();
        assert!(connects >= Some(40 + 16), "{connects:?}");
        assert_eq!(
            stream.totals()["ok"],
            stream.totals()["scheduled"],
            "who leaves waits for the answers: {}",
            stream.totals()["errors"]
        );
    }
}

#[test]
fn connections_stand_only_while_their_clients_are_there() {
    let server = Server::start(&[]);
    let stream = load(
        &server.ws(),
        "--rate 10/s --stages 'step 12 clients for 700ms, step 2 for 1500ms'",
    );
    let stood: Vec<u64> = stream
        .of("interval")
        .into_iter()
        .filter(|i| i["stage"] == "step-2")
        .filter_map(|i| i["connections"].as_u64())
        .collect();
    assert!(
        stood.last() == Some(&2),
        "2 clients are left, and so are connections: {stood:?}"
    );
}

#[test]
fn in_the_closed_model_only_those_who_are_there_call() {
    let server = Server::start(&["--latency", "10ms"]);
    let stream = load(
        &server.ws(),
        "--closed --stages '1 clients for 500ms, step 10 for 500ms, step 0 for 700ms, step 3 for 500ms'",
    );
    for (stage, clients) in [("step-1", 1), ("step-2", 10), ("step-4", 3)] {
        let calls = scheduled(&stream, stage);
        // Each call takes 10 ms at least.
        assert!(
            calls > 0 && calls <= clients * 51,
            "{stage}: {calls} calls of {clients} clients"
        );
        assert!(ended(&stream, stage)["asked_per_s"].is_null());
    }
    assert_eq!(scheduled(&stream, "step-3"), 0);
}

#[test]
fn poisson_arrivals_are_the_same_for_the_same_seed_and_as_many_as_asked_for() {
    let server = Server::start(&[]);
    let options = "--arrivals poisson --clients 5 --rate 100/s --warmup 0s --for 2s --calls all";
    let offsets = |stream: &Stream| -> Vec<(u64, u64, u64)> {
        let t0 = stream.of("ready")[0]["t0_us"].as_u64().unwrap_or_default();
        let of = |c: &Value, field: &str| c[field].as_u64().unwrap_or_default();
        let calls = stream.of("call").into_iter();
        let mut calls: Vec<_> = calls
            .map(|c| (of(c, "client"), of(c, "index"), of(c, "due_us") - t0))
            .collect();
        calls.sort_unstable();
        calls
    };
    let streams = [load(&server.ws(), options), load(&server.ws(), options)];
    let [one, other] = [offsets(&streams[0]), offsets(&streams[1])];
    assert_eq!(one.len(), other.len(), "the same number of calls");
    for (a, b) in one.iter().zip(&other) {
        // t0 is a microsecond's multiple in Unix time, and not always in the monotonic one.
        assert!(
            (a.0, a.1) == (b.0, b.1) && a.2.abs_diff(b.2) <= 1,
            "{a:?} {b:?}"
        );
    }
    asked(&streams[0], "steady", 1_000.0, 160.0);
    let mut instants: Vec<u64> = one.iter().map(|c| c.2).collect();
    instants.sort_unstable();
    let gaps: Vec<u64> = instants.windows(2).map(|w| w[1] - w[0]).collect();
    let short = gaps.iter().filter(|g| **g < 1_000).count() as f64 / gaps.len() as f64;
    // 1 - e^-0.5 of exponential gaps are shorter than half of the mean, and none or all of even ones.
    assert!((short - 0.393).abs() < 0.08, "{short}");
    assert_eq!(streams[0].totals()["generator"]["arrivals"], "poisson");
}

#[test]
fn users_think_between_an_answer_and_the_next_call() {
    let server = Server::start(&["--latency", "5ms"]);
    for url in [server.ws(), server.http()] {
        for think in ["45ms", "exp:45ms", "uniform:40ms..50ms"] {
            let stream = load(
                &url,
                &format!("--clients 4 --closed --in-flight 5 --think {think} --warmup 0s --for 1s"),
            );
            // 20 users, each with a cycle of 50 ms or more: 400 calls; a slow machine makes fewer.
            let calls = scheduled(&stream, "steady");
            assert!((40..=480).contains(&calls), "{think}: {calls}");
            assert_eq!(stream.totals()["ok"], stream.totals()["scheduled"]);
        }
    }
}

#[test]
fn a_total_rate_is_shared_by_all_clients() {
    let server = Server::start(&[]);
    let stream = load(
        &server.ws(),
        "--clients 30 --total-rate 300/s --warmup 0s --for 1s",
    );
    asked(&stream, "steady", 300.0, 1.0);
    assert_eq!(ended(&stream, "steady")["asked_per_s"], 300.0);
}

#[test]
fn the_report_shows_the_stages_beside_each_other_and_judges_one_by_its_label() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --connect-for 300ms -q --rate 50/s --stages '0..10 clients in 500ms, hold 500ms, ..0 in 300ms, step 2 for 300ms' | mcp-report -q --json report.json --fail-if 'scheduled{{stage=\"hold-2\"}} > 400'",
        server.ws()
    ))
    .run();
    run.assert_stages_and_report(&[0], "report.json");
    let page = run.text();
    for part in [
        "Stages",
        "ramp-1",
        "0 \u{2192} 10",
        "hold-2",
        "step-4",
        "--stage NAME",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn ctrl_c_in_a_ramp_ends_it_well() {
    let server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} --connect-for 300ms -q --rate 20/s --interval 100ms --stages '0..100 clients in 60s' | tee -i run.jsonl > /dev/null",
        server.ws()
    ))
    .outlives_signals()
    .start();
    running.until_calls("run.jsonl");
    running.signal(libc::SIGINT);
    let run = running.finish();
    run.assert_stages(&[128 + libc::SIGINT, 0]);
    let stream = run.recorded("run.jsonl");
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
    assert_eq!(stream.only("mcp-gen", "end")["why"], "interrupted");
}

#[test]
fn what_does_not_go_together_is_said_before_anything_is_called() {
    for (options, says) in [
        ("--stages '0..9 clients in 1x'", "character 17"),
        ("--stages '0..9 clients in 1s' --clients 3", "leave it out"),
        ("--stages 'rate 1..9/s in 1s' --rate 3/s", "leave them out"),
        ("--stages 'rate 1..9/s in 1s' --closed", "leave them out"),
        (
            "--stages '0..9 clients in 1s' --total-rate 3/s",
            "use --rate",
        ),
        ("--stages '0..9 clients in 1s' --for 3s", "--for"),
        ("--think 1s", "--closed"),
        ("--think gauss:1s --closed", "exp:200ms"),
        ("--arrivals poisson --closed", "--closed"),
        ("--arrivals bursty", "poisson"),
    ] {
        let run = Pipeline::new(format!("mcp-gen --url ws://127.0.0.1:1/mcp {options}")).run();
        run.assert_stages(&[2]);
        assert!(run.stderr.contains(says), "{options}: {}", run.stderr);
    }
}

#[test]
fn two_generators_start_at_the_same_instant() {
    let server = Server::start(&[]);
    let at = record::clock::unix_us() / 1_000_000 + 3;
    // The first line names the run, which is one for both.
    let target = format!(
        r#"{{"v":1,"type":"target","run":"20261123T180000-two0gens","url":"{}"}}"#,
        server.ws()
    );
    let one = format!(
        "echo '{target}' | mcp-gen --start-at {at} --connect-for 1s --warmup 0s -q --clients 3 --rate 20/s --for 500ms"
    );
    let run = Pipeline::new(format!(
        "{one} > a.jsonl & {one} > b.jsonl; wait; mcp-report -q --json report.json a.jsonl b.jsonl"
    ))
    .run();
    for file in ["a.jsonl", "b.jsonl"] {
        let stream = run.recorded(file);
        let t0_us = at * 1_000_000;
        assert_eq!(stream.only("mcp-gen", "ready")["t0_us"], t0_us);
        assert_eq!(ended(&stream, "connect")["start_us"], t0_us);
        assert_eq!(ended(&stream, "steady")["start_us"], t0_us + 1_000_000);
        asked(&stream, "steady", 30.0, 0.0);
        assert_conserved(&stream);
        assert_intervals_add_up(&stream);
        let sent = stream
            .of("interval")
            .into_iter()
            .find(|i| i["sent"].as_u64() > Some(0));
        assert!(sent.is_some_and(|i| i["start_us"].as_u64() >= Some(t0_us)));
    }
    let report = &run.verdict("report.json")["report"];
    let both: u64 = ["a.jsonl", "b.jsonl"]
        .map(|file| scheduled(&run.recorded(file), "steady"))
        .iter()
        .sum();
    assert_eq!(report["stages"][0]["total"]["scheduled"], both, "{report}");
    // Who does it again needs both, and an instant that is to come.
    let commands = report["run"]["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 2);
    for command in commands {
        let words: Vec<&str> = command
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert!(
            words.windows(2).any(|w| w == ["--start-at", "WHEN"]),
            "{words:?}"
        );
        assert!(words.contains(&"--seed"), "{words:?}");
    }
}

#[test]
fn a_start_in_the_past_is_refused_and_the_way_out_said() {
    for (at, says) in [
        ("1700000000", "ago"),
        ("2023-11-14T22:13:20Z", "'+1 min'"),
        ("4102444800", "in seconds"),
        ("1795456800000", "seconds since 1970"),
        ("tomorrow", "seconds since 1970"),
    ] {
        let run = Pipeline::new(format!(
            "mcp-gen --url ws://127.0.0.1:1/mcp --start-at {at}"
        ))
        .run();
        run.assert_stages(&[2]);
        assert!(run.stderr.contains(says), "{at}: {}", run.stderr);
    }
}
