//! Faults that end connections, or let nothing through: which calls fail, of which class, and that the load comes back.
//! One load for all of them, each on a target of its own.

use pipe_tests::faults::{
    assert_back, calls, count, fault, number, service_us, sums, target, window,
};
use pipe_tests::{Folder, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What the load saw, and when the servers behind the two partitions answered, by CLOCK_MONOTONIC.
struct Run {
    stream: Stream,
    answered_us: BTreeMap<&'static str, Vec<u64>>,
}

/// The run that all tests here look at; where it fails, the next one makes it again.
fn seen() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(run)
}

fn run() -> Run {
    let folder = Folder::new();
    let truth = |name: &str| folder.path().join(name).display().to_string();
    let plain = Server::start(&[]);
    let up = Server::start(&["--truth", &truth("up")]);
    let down = Server::start(&["--truth", &truth("down")]);
    let others = ["reset", "timeout", "limit_data", "corrupt", "refuse"];
    let run = Pipeline::new(
        "mcp-chaos -q reset:name=reset@1s+2s timeout:name=timeout@1s+2s limit_data:size=4kB,name=limit_data@1s+2s \
           corrupt:rate=0.1%,name=corrupt@1s+2s refuse:existing=reset,name=refuse@1s+2s partition:side=up,name=up@1s+2s \
           partition:side=down,name=down@1s+2s --seed 7 \
         | mcp-gen --clients 14 --rate 20/s --connect-for 300ms --warmup 0s --interval 100ms --timeout 1s --calls all -q \
           --for 8s > run.jsonl",
    )
    .stdin(
        others.map(|name| target(name, &plain.http())).concat()
            // One connection all the time: a new one reaches nobody, whichever way is cut.
            + &target("up", &up.ws())
            + &target("down", &down.ws()),
    )
    .run();
    run.assert_stages(&[0, 0]);
    drop((up, down));
    let answered_us = ["up", "down"].map(|name| {
        let lines = String::from_utf8_lossy(&folder.read(name)).into_owned();
        let lines = lines
            .lines()
            .filter_map(|l| serde_json::from_str::<Value>(l).ok());
        // The first line says whose they are.
        let instants = lines.filter_map(|l| l["answered_mono_us"].as_u64());
        (name, instants.collect())
    });
    Run {
        stream: run.recorded("run.jsonl"),
        answered_us: answered_us.into(),
    }
}

/// The outcomes of the calls that were sent while the fault was on, up to so long before its end.
fn outcomes(name: &str, before_us: u64) -> BTreeMap<String, usize> {
    let stream = &seen().stream;
    let (began, ended) = window(stream, name);
    let mut outcomes = BTreeMap::new();
    for call in calls(stream, name) {
        let sent_us = call["sent_us"].as_u64().unwrap_or(0);
        if sent_us > began && sent_us < ended - before_us {
            let outcome = call["outcome"].as_str().unwrap();
            *outcomes.entry(outcome.to_owned()).or_default() += 1;
        }
    }
    outcomes
}

/// The classes of the errors on a target, all of which must be among these; how many errors there are.
#[track_caller]
fn errors_among(name: &str, classes: &[&str]) -> u64 {
    let errors = sums(&seen().stream, name, "errors");
    for class in errors.keys() {
        assert!(classes.contains(&class.as_str()), "{name}: {errors:?}");
    }
    errors.values().sum()
}

#[test]
fn nothing_is_lost_whatever_ends_connections() {
    assert_conserved(&seen().stream);
    assert_intervals_add_up(&seen().stream);
}

#[test]
fn a_reset_ends_each_call_as_a_closed_connection() {
    let errors = errors_among("reset", &["connection_closed"]);
    // 2 clients at 20/s, for 2 s.
    assert!((70..=84).contains(&errors), "{errors}");
    let while_on = outcomes("reset", 50_000);
    assert_eq!(while_on.keys().collect::<Vec<_>>(), ["connection_closed"]);
    assert!(count(&seen().stream, "reset", "connections_closed") >= errors);
    assert_back(&seen().stream, "reset", 2_500_000);
}

#[test]
fn a_black_hole_answers_no_call() {
    let errors = errors_among("timeout", &["timeout", "abandoned", "connection_closed"]);
    assert!(errors > 0);
    // Who still waits at its end has a hole in his stream, and so is cut off.
    let while_on = outcomes("timeout", 50_000);
    assert!(while_on.get("timeout") > Some(&0), "{while_on:?}");
    assert_eq!(while_on.get("ok"), None, "{while_on:?}");
    assert!(count(&seen().stream, "timeout", "bytes_dropped") > 0);
    assert_back(&seen().stream, "timeout", 2_500_000);
}

#[test]
fn a_connection_ends_after_so_many_bytes() {
    let errors = errors_among("limit_data", &["stream_ended", "connection_closed"]);
    let cut = count(&seen().stream, "limit_data", "connections_cut");
    assert!(cut >= 6, "{cut}");
    // A connection that ends between two answers spoils none.
    assert!(errors <= cut && errors * 2 >= cut, "{errors} of {cut}");
    let (began, ended) = window(&seen().stream, "limit_data");
    let while_on = calls(&seen().stream, "limit_data")
        .into_iter()
        .filter(|c| number(c, "done_us") > began && number(c, "done_us") < ended);
    let bytes: u64 = while_on.map(|c| number(c, "received_bytes")).sum();
    let connections = count(&seen().stream, "limit_data", "connections");
    assert!(bytes <= connections * 4_000, "{bytes} on {connections}");
    assert!(bytes >= cut * 2_000, "{bytes} on {cut}");
    assert_back(&seen().stream, "limit_data", 2_500_000);
}

#[test]
fn flipped_bits_are_told_from_answers_and_hang_nobody() {
    let errors = errors_among(
        "corrupt",
        &[
            "protocol_error",
            "http_error",
            "rpc_error",
            "stream_ended",
            "connection_closed",
            "timeout",
        ],
    );
    let flipped = count(&seen().stream, "corrupt", "bytes_corrupted");
    // 0.1% of some 80 answers of some 700 bytes; four standard deviations and what the methods differ by.
    assert!((25..=110).contains(&flipped), "{flipped}");
    assert!((1..=flipped).contains(&errors), "{errors} of {flipped}");
    assert!(sums(&seen().stream, "corrupt", "errors").contains_key("protocol_error"));
    assert_back(&seen().stream, "corrupt", 2_500_000);
}

#[test]
fn who_is_refused_fails_to_connect_and_nobody_else_does() {
    errors_among(
        "refuse",
        &["connect_failed", "connection_closed", "abandoned"],
    );
    let while_on = outcomes("refuse", 0);
    assert_eq!(while_on.get("ok"), None, "{while_on:?}");
    let refused = sums(&seen().stream, "refuse", "errors")["connect_failed"];
    assert!(refused >= 30, "{refused}");
    assert_eq!(
        seen().stream.totals()["errors"]["connect_failed"],
        refused,
        "on the other targets everybody could connect"
    );
    assert_back(&seen().stream, "refuse", 2_500_000);
}

#[test]
fn a_partition_of_one_way_lets_the_other_one_through() {
    for (side, serves) in [("up", false), ("down", true)] {
        let errors = errors_among(side, &["timeout", "abandoned"]);
        assert!(errors > 0, "{side}");
        // What was sent meanwhile arrives when it is over: a call of the last second is late, and answered.
        let while_on = outcomes(side, 1_200_000);
        assert_eq!(while_on.keys().collect::<Vec<_>>(), ["timeout"], "{side}");
        let late = calls(&seen().stream, side)
            .into_iter()
            .filter(|c| c["outcome"] == "ok" && service_us(c) > 300_000);
        assert!(late.count() > 0, "{side}: what waited comes");
        assert_back(&seen().stream, side, 2_500_000);
        // What was on its way when it began may arrive; and its end is told a little after all that waited has come.
        let began = number(fault(&seen().stream, side, "began"), "mono_us");
        let (from, to) = (began + 100_000, began + 1_500_000);
        let answered = seen().answered_us[side].iter();
        let answered = answered.filter(|us| (from..to).contains(us)).count();
        assert_eq!(answered > 0, serves, "{side}: the server gave {answered}");
    }
}
