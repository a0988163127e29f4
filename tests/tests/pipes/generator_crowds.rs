//! Crowds: clients who only stay, and those who all connect at one instant, at the begin, in a stage, or after their server
//! was killed.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{
    PATIENCE, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up, until,
};
use serde_json::Value;
use std::time::Duration;

/// Runs `mcp-gen` and holds its counts against each other.
#[track_caller]
fn run(options: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen --warmup 0s --seed 7 -q {options}")).run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

fn count(r: &Value, name: &str) -> u64 {
    r[name].as_u64().unwrap()
}

/// A count of sessions over all stages, of a profile.
fn sessions(stream: &Stream, profile: &str, name: &str) -> u64 {
    let rows = stream.of("summary").into_iter();
    let own = rows.filter(|s| s["profile"] == profile);
    own.filter_map(|s| s["sessions"][name].as_u64()).sum()
}

/// The most connections of a profile that stood at the end of an interval of a stage.
fn stood(stream: &Stream, stage: &str, profile: &str) -> u64 {
    let rows = stream.of("interval").into_iter();
    let own = rows.filter(|i| i["stage"] == stage && i["profile"] == profile);
    own.filter_map(|i| i["connections"].as_u64())
        .max()
        .unwrap_or(0)
}

#[test]
fn an_idle_crowd_stays_beside_the_load_and_makes_no_calls() {
    let servers = [
        Server::start(&["--listen-tcp", "127.0.0.1:0"]),
        Server::start(&["--listen-tcp", "127.0.0.1:0"]),
    ];
    let urls = [
        servers.each_ref().map(Server::ws),
        servers.each_ref().map(Server::http),
        servers.each_ref().map(Server::tcp),
    ];
    for (model, due) in [("--rate 50/s", Some(200)), ("--closed --think 20ms", None)] {
        for [one, other] in &urls {
            let stream = run(&format!(
                "--url {one} --url {other} --protocol legacy --clients 4 {model} --for 1s --connect-for 2s --idle 60"
            ));
            let totals = stream.totals();
            assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
            assert!(
                due.is_none_or(|due| count(totals, "scheduled") == due),
                "{totals}"
            );
            assert_eq!(
                [
                    &totals["generator"]["clients"],
                    &totals["generator"]["idle"]
                ],
                [4, 60]
            );
            let of_idle = |s: &&Value| s["profile"] == "idle";
            let summaries = stream.of("summary");
            assert!(
                summaries
                    .into_iter()
                    .filter(of_idle)
                    .all(|s| s["method"] == "connect")
            );
            assert_eq!(sessions(&stream, "idle", "opened"), 60);
            assert_eq!(sessions(&stream, "idle", "lost"), 0);
            assert_eq!(sessions(&stream, "idle", "deleted"), 60);
            let places = stream.of("interval").into_iter().filter(|i| {
                i["profile"] == "idle" && i["stage"] == "steady" && i["connections"] == 30
            });
            let places: std::collections::BTreeSet<&str> =
                places.map(|i| i["target"].as_str().unwrap()).collect();
            assert_eq!(places.len(), 2, "each server has one half of them");
        }
    }
}

#[test]
fn a_profile_that_is_called_as_the_crowd_is_told() {
    let run = Pipeline::new("mcp-gen --url http://127.0.0.1:1/mcp --profile mine.toml --idle 3 -q")
        .before("mcp-gen profiles show normal | sed 's/\"normal\"/\"idle\"/' > mine.toml")
        .run();
    run.assert_stages(&[2]);
    assert!(
        run.stderr.contains("give it another name"),
        "{}",
        run.stderr
    );
}

#[test]
fn with_no_time_to_connect_all_do_at_one_instant_and_their_calls_are_due_from_there() {
    let server = Server::start(&[]);
    for url in [server.ws(), server.http()] {
        let stream = run(&format!(
            "--url {url} --protocol legacy --clients 200 --rate 2/s --connect-for 0s --for 1s"
        ));
        let totals = stream.totals();
        assert_eq!(
            (count(totals, "scheduled"), count(totals, "ok")),
            (400, 400),
            "{totals}"
        );
        assert_eq!(sessions(&stream, "normal", "opened"), 200);
        assert!(stream.warnings("late_client").is_empty());
        let at = |s: &&Value| s["stage"] == "steady" && s["method"] == "connect";
        let steady = stream.of("summary").into_iter().find(at).unwrap();
        assert!(
            count(&steady["connect"], "count") >= 200,
            "the histogram of the storm: {steady}"
        );
    }
}

#[test]
fn a_storm_is_a_stage_whose_clients_connect_at_its_begin() {
    let server = Server::start(&[]);
    let stream = run(&format!(
        "--url {} --protocol legacy --rate 4/s --connect-for 300ms --stages 'storm 50 clients for 1s, step 5 for 500ms, storm 150 for 1s'",
        server.ws()
    ));
    let opened: Vec<(&str, u64)> = stream
        .of("summary")
        .into_iter()
        .filter_map(|s| Some((s["stage"].as_str()?, s["sessions"]["opened"].as_u64()?)))
        .filter(|(_, n)| *n > 0)
        .collect();
    // 45 of the first storm leave and come again.
    assert_eq!(opened, [("storm-1", 50), ("storm-3", 145)]);
    assert_eq!(sessions(&stream, "normal", "reopened"), 45);
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    assert_eq!(count(totals, "scheduled"), 50 * 4 + 5 * 2 + 150 * 4);
    assert_eq!(stood(&stream, "storm-3", "normal"), 150);
}

/// The process of a server that mcp-deploy has started.
fn server_pid(stream: &[u8]) -> Option<i32> {
    let stream = Stream::parse(stream);
    let targets = stream.of("target");
    targets.last()?["pid"].as_i64().map(|pid| pid as i32)
}

#[test]
fn after_a_server_was_killed_all_clients_come_back_and_backoff_bounds_their_attempts() {
    for options in ["", "--reconnect-delay 0s"] {
        let running = Pipeline::new(format!(
            "mcp-deploy -q local --replicas 1 --transport ws | mcp-gen --warmup 0s --seed 7 -q --protocol legacy --clients 40 --idle 40 --rate 5/s --connect-for 500ms --for 60s --interval 200ms {options} > run.jsonl"
        ))
        .patience(Duration::from_secs(60))
        .start();
        running.until_calls("run.jsonl");
        let pid = server_pid(&running.folder().read("run.jsonl")).unwrap();
        running.signal_one(pid, libc::SIGKILL);
        let is_back = || {
            let stream = Stream::parse(&running.folder().read("run.jsonl"));
            let told = stream.of("interval").into_iter();
            let counts = told.filter_map(|i| i["sessions"]["reopened"].as_u64());
            counts.sum::<u64>() >= 80
        };
        until("all clients are back", PATIENCE, is_back);
        running.signal_one(running.stage("mcp-gen"), libc::SIGTERM);
        let done = running.finish();
        let stream = done.recorded("run.jsonl");
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        for profile in ["normal", "idle"] {
            let of = |name| sessions(&stream, profile, name);
            assert_eq!(
                (of("lost"), of("reopened"), of("opened")),
                (40, 40, 80),
                "{profile} {options}"
            );
            assert_eq!(of("deleted"), 40);
            // Told interval by interval, so that the storm can be seen.
            let told = stream.of("interval").into_iter();
            let own = told.filter(|i| i["profile"] == profile);
            let storm: Vec<u64> = own
                .filter_map(|i| i["sessions"]["reopened"].as_u64())
                .filter(|n| *n > 0)
                .collect();
            assert_eq!(storm.iter().sum::<u64>(), 40, "{storm:?}");
        }
        // Pauses double from 100 ms less half of it up to 5 s: in 30 s a client has 16 attempts at most.
        let failed = count(stream.totals(), "connect_failures");
        assert!(failed <= 80 * 16, "{failed}");
    }
}

#[test]
fn more_clients_than_files_may_be_open_are_refused_before_the_load() {
    let server = Server::start(&[]);
    for (options, words) in [
        ("--clients 200", "200 clients need"),
        ("--clients 20 --idle 180", "200 clients need"),
        ("--stages '0..200 clients in 5s'", "over 4 mcp-gen"),
    ] {
        let run = Pipeline::new(format!(
            "(ulimit -n 100; exec mcp-gen --url {} {options} -q)",
            server.ws()
        ))
        .run();
        run.assert_stages(&[2]);
        for words in [
            words,
            "this process may have 100",
            "--start-at",
            "--source-address",
        ] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
        assert!(!run.text().contains(r#""type":"interval""#));
    }
    // Who comes for a call only needs a file for so long.
    let run = Pipeline::new(format!(
        "(ulimit -n 100; exec mcp-gen --url {} --clients 200 --rate 1/s --for 1s --churn -q)",
        server.ws()
    ))
    .run();
    run.assert_stages(&[0]);
    assert_eq!(
        run.stream().totals()["ok"],
        run.stream().totals()["scheduled"]
    );
}
