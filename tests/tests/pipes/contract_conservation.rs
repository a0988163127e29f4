//! No call is lost or counted twice, whatever goes wrong: intervals add up to summaries, bucket for bucket.

use pipe_tests::{Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};

const LOAD: &str = "--connect-for 300ms --interval 200ms -q";

/// Runs `mcp-gen` and holds its counts against each other.
#[track_caller]
fn run(options: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen {LOAD} {options}")).run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    let end = stream.only("mcp-gen", "end");
    assert_eq!(end["dropped"], 0, "{end}");
    stream
}

/// The share of a class among all calls that were due.
fn share(stream: &Stream, class: &str) -> f64 {
    let totals = stream.totals();
    totals["errors"][class].as_f64().unwrap_or(0.0)
        / totals["scheduled"].as_f64().expect("the schema says so")
}

#[test]
fn a_good_run_makes_exactly_the_calls_that_were_asked_for() {
    let server = Server::start(&[]);
    for (url, threads) in [(server.http(), 1), (server.ws(), 2)] {
        let stream = run(&format!(
            "--url {url} --clients 10 --rate 100/s --warmup 200ms --for 1s --threads {threads} --seed 5"
        ));
        let totals = stream.totals();
        assert_eq!(totals["scheduled"], 1_200);
        assert_eq!(totals["ok"], 1_200, "{}", totals["errors"]);
        assert_eq!(pipe_tests::scheduled(&stream, "warm-up"), 200);
        assert_eq!(pipe_tests::scheduled(&stream, "steady"), 1_000);
        assert_eq!(totals["generator"]["stray_answers"], 0);
    }
}

#[test]
fn errors_of_the_server_are_counted_each_once() {
    let server = Server::start(&["--error-rate", "5%", "--seed", "3"]);
    for (url, threads) in [(server.http(), 2), (server.ws(), 1)] {
        let stream = run(&format!(
            "--url {url} --clients 8 --rate 100/s --warmup 0s --for 1s --threads {threads}"
        ));
        let failed = share(&stream, "rpc_error");
        // 800 calls with 5 %: six standard deviations to either side.
        assert!((0.004..0.1).contains(&failed), "{failed}");
        let totals = stream.totals();
        assert_eq!(
            totals["codes"]["rpc_-32603"], totals["errors"]["rpc_error"],
            "{totals}"
        );
    }
}

#[test]
fn the_closed_model_conserves_too() {
    let server = Server::start(&["--error-rate", "5%", "--latency", "2ms"]);
    for (url, more) in [
        (server.http(), "--threads 2"),
        (server.ws(), "--in-flight 4"),
        (server.http(), "--in-flight 4"),
    ] {
        let stream = run(&format!(
            "--closed --url {url} --clients 4 --warmup 200ms --for 800ms {more}"
        ));
        let totals = stream.totals();
        assert!(totals["ok"].as_u64() > Some(100), "{totals}");
        assert!(totals["asked_per_s"].is_null());
    }
}

#[test]
fn calls_that_time_out_are_counted_as_that_and_late_answers_are_strays() {
    // Answers come after twice the timeout. Calls alone are slow, so that the servers' lists are read in time.
    let server = Server::start(&[]);
    for (url, more) in [
        (server.ws(), "--rate 20/s"),
        (server.http(), "--rate 20/s --threads 2"),
        (server.ws(), "--closed"),
        (server.http(), "--closed"),
    ] {
        let stream = run(&format!(
            "--url {url} --clients 4 --warmup 0s --for 1s --timeout 200ms --tool slow --args 'slow={{\"ms\":400}}' {more}"
        ));
        let totals = stream.totals();
        let classes: Vec<&String> = totals["errors"].as_object().unwrap().keys().collect();
        assert!(
            totals["errors"]["timeout"].as_u64() > Some(3),
            "{url} {more}: {totals}"
        );
        assert!(
            classes
                .iter()
                .all(|c| ["timeout", "abandoned"].contains(&c.as_str())),
            "{url} {more}: {classes:?}"
        );
    }
}

#[test]
fn a_server_slower_than_the_load_gives_waiting_calls_that_are_answered_or_abandoned() {
    let server = Server::start(&["--latency", "20ms", "--workers", "1"]);
    for (url, more) in [
        (server.http(), "--max-connections 1"),
        (server.ws(), "--in-flight 2"),
        (server.ws(), "--in-flight 2 --threads 2"),
    ] {
        let stream = run(&format!(
            "--url {url} --clients 4 --rate 40/s --warmup 0s --for 1s --timeout 800ms --max-backlog 500ms {more}"
        ));
        let totals = stream.totals();
        assert_eq!(totals["scheduled"], 160, "{totals}");
        assert!(share(&stream, "abandoned") > 0.1, "{url} {more}: {totals}");
        assert!(totals["ok"].as_u64() > Some(10), "{url} {more}: {totals}");
    }
}

#[test]
fn a_server_that_dies_in_the_middle_fails_calls_and_loses_none() {
    for (websocket, more) in [
        (false, "--rate 50/s --threads 2"),
        (true, "--rate 50/s"),
        (false, "--closed"),
        (true, "--closed"),
    ] {
        let (mut dying, staying) = (
            Server::start(&["--latency", "5ms"]),
            Server::start(&["--latency", "5ms"]),
        );
        let url = |s: &Server| if websocket { s.ws() } else { s.http() };
        let running = Pipeline::new(format!(
            "mcp-gen {LOAD} --url {} --url {} --clients 6 --warmup 0s --for 1200ms --timeout 500ms {more} > run.jsonl",
            url(&dying),
            url(&staying)
        ))
        .start();
        running.until_calls("run.jsonl");
        dying.kill();
        let run = running.finish();
        run.assert_stages(&[0]);
        let stream = run.recorded("run.jsonl");
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        let totals = stream.totals();
        let errors = totals["errors"].as_object().unwrap();
        assert!(
            ["connect_failed", "connection_closed", "abandoned"]
                .iter()
                .any(|c| errors.contains_key(*c)),
            "websocket {websocket} {more}: {errors:?}"
        );
        // The other half of the clients goes on.
        assert!(
            totals["ok"].as_u64() > totals["scheduled"].as_u64().map(|n| n / 4),
            "{totals}"
        );
    }
}

#[test]
fn a_replica_that_is_killed_and_restarted_serves_again_within_the_run() {
    let running = Pipeline::new(
        "mcp-deploy local -n 2 | mcp-gen --clients 4 --rate 40/s --connect-for 300ms --warmup 0s --for 2500ms --timeout 500ms \
         --interval 100ms | tee -i run.jsonl | mcp-report -q --json report.json > /dev/null",
    )
    .start();
    running.until_calls("run.jsonl");
    let target = Stream::parse(&running.folder().read("run.jsonl"));
    let pid = target.of("target")[0]["pid"].as_i64().unwrap();
    running.signal_one(pid as i32, libc::SIGKILL);
    running.until_written("run.jsonl", r#""event":"restarted""#);
    let run = running.finish();
    run.assert_stages_and_report(&[0, 0, 0], "report.json");
    let stream = run.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    let restarted = stream
        .of("event")
        .into_iter()
        .find(|e| e["event"] == "restarted")
        .unwrap()["ts_us"]
        .as_u64();
    let name = target.of("target")[0]["name"].clone();
    let ok_after = stream.of("interval").into_iter().any(|i| {
        i["target"] == name && i["start_us"].as_u64() > restarted && i["ok"].as_u64() > Some(0)
    });
    assert!(ok_after, "no call to {name} was ok after its restart");
}

#[test]
fn two_hundred_clients_over_seventy_targets_are_folded_and_still_add_up() {
    // More targets than there are rows for: the rest is `other`.
    let server = Server::start(&[]);
    let targets: String = (0..70)
        .map(|i| {
            format!(
                "{{\"type\":\"target\",\"name\":\"t{i}\",\"url\":\"{}\"}}\n",
                server.http()
            )
        })
        .collect();
    let run = Pipeline::new(format!(
        "mcp-gen {LOAD} --clients 210 --rate 5/s --warmup 0s --for 1s --threads 2"
    ))
    .stdin(targets)
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(stream.totals()["ok"], 1_050);
    assert!(stream.of("interval").iter().any(|i| i["target"] == "other"));
}
