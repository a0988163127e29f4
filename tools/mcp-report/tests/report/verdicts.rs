//! Each verdict, its reasons and its exit status.

use crate::stream::{Load, Stream, echo, report, row, verdict};
use record::kind::Warning;

fn reasons(v: &serde_json::Value) -> String {
    v["reasons"].to_string()
}

#[test]
fn a_whole_run_within_its_gates_passes() {
    let stream = Load::of(vec![echo(4_000)]).stream();
    let (v, exit) = verdict(
        &stream,
        &["--fail-if", "p99 > 200ms", "--fail-if", "error_rate > 1%"],
    );
    assert_eq!((v["verdict"].as_str(), exit), (Some("PASS"), 0), "{v}");
    assert_eq!(reasons(&v), "[]");
    assert_eq!(v["gates"][0]["state"], "pass");
    assert!(
        (v["gates"][0]["value"].as_f64().unwrap() - 3_960.0).abs() < 4.0,
        "{v}"
    );
    assert_eq!(v["gates"][1]["value"], 0.0);
}

#[test]
fn a_gate_that_holds_fails_the_run() {
    let stream = Load::of(vec![echo(4_000).errors(&[("rpc_error", 50)])]).stream();
    let (v, exit) = verdict(&stream, &["--fail-if", "error_rate > 1%"]);
    assert_eq!((v["verdict"].as_str(), exit), (Some("FAIL"), 1));
    assert!(reasons(&v).contains("error_rate > 1%: it is 1.23 %"), "{v}");
    assert_eq!(v["gates"][0]["state"], "fail");
}

#[test]
fn a_generator_that_shed_its_load_is_invalid_and_that_beats_a_failed_gate() {
    let stream = Load::of(vec![echo(4_000).errors(&[("shed", 40)])]).stream();
    let (v, exit) = verdict(&stream, &["--fail-if", "p99 > 1us"]);
    assert_eq!((v["verdict"].as_str(), exit), (Some("INVALID"), 3));
    assert!(
        reasons(&v).contains("shed 40 of 4,040 calls (0.99 %)"),
        "{v}"
    );
    assert_eq!(v["gates"][0]["state"], "fail");
    let few = Load::of(vec![echo(4_000).errors(&[("shed", 4)])]).stream();
    assert_eq!(verdict(&few, &[]).1, 0, "0.1 % is still believed");
}

#[test]
fn lag_is_held_against_the_gated_percentile() {
    // Latencies of 1 to 40 ms, a lag of 3 ms: a tenth of p99 (39.6 ms) is more, a tenth of p50 (20 ms) is less.
    let mut calls = row("ping", None, (1..=4_000).map(|i| i * 10).collect());
    calls.lag_us = 3_000;
    let stream = Load::of(vec![calls.clone()]).stream();
    assert_eq!(verdict(&stream, &[]).1, 0);
    assert_eq!(verdict(&stream, &["--fail-if", "p99 > 1s"]).1, 0);
    let (v, exit) = verdict(&stream, &["--fail-if", "p99 > 1s", "--fail-if", "p50 > 1s"]);
    assert_eq!(exit, 3);
    assert!(
        reasons(&v).contains("lag p99 was 3.00 ms, more than 2.00 ms"),
        "{v}"
    );
    // 1 ms is believed, however fast the server.
    let mut fast = echo(2_000);
    fast.lag_us = 1_000;
    assert_eq!(verdict(&Load::of(vec![fast.clone()]).stream(), &[]).1, 0);
    fast.lag_us = 1_100;
    assert_eq!(verdict(&Load::of(vec![fast]).stream(), &[]).1, 3);
}

#[test]
fn calls_that_a_slow_server_kept_waiting_do_not_make_a_run_invalid() {
    let mut calls = echo(4_000).errors(&[("abandoned", 400)]);
    calls.unsent = 400;
    let (v, exit) = verdict(
        &Load::of(vec![calls.clone()]).stream(),
        &["--fail-if", "achieved < 99%"],
    );
    assert_eq!((v["verdict"].as_str(), exit), (Some("FAIL"), 1), "{v}");
    calls.errors.push(("shed", 1));
    let (v, exit) = verdict(&Load::of(vec![calls]).stream(), &[]);
    assert_eq!(exit, 3);
    assert!(reasons(&v).contains("sent only"), "{v}");
}

#[test]
fn a_generator_that_stood_still_or_was_stolen_from_is_invalid() {
    let mut load = Load::of(vec![echo(4_000)]);
    load.health.max_gap_us = 1_200_000;
    let (v, exit) = verdict(&load.stream(), &[]);
    assert_eq!(exit, 3);
    assert!(reasons(&v).contains("stood still for 1.20 s"), "{v}");
    load.health.max_gap_us = 0;
    load.health.steal_percent = Some(7.5);
    let (v, exit) = verdict(&load.stream(), &[]);
    assert_eq!(exit, 3);
    assert!(reasons(&v).contains("7.5 %"), "{v}");
}

#[test]
fn an_interrupted_run_is_shown_and_not_judged() {
    let mut load = Load::of(vec![echo(4_000)]);
    load.why = "interrupted";
    let (v, exit) = verdict(&load.stream(), &["--fail-if", "p99 > 1us"]);
    assert_eq!((v["verdict"].as_str(), exit), (Some("NONE"), 3));
    assert_eq!(v["gates"][0]["state"], "not judged");
    assert_eq!(v["report"]["run"]["interrupted"], true);
    assert_eq!(v["report"]["stages"][0]["total"]["ok"], 4_000);
    let shown = report(&load.stream(), &[]).stdout;
    assert!(
        shown.starts_with("NONE") && shown.contains("interrupted"),
        "{shown}"
    );
}

#[test]
fn why_a_tool_gave_up_is_repeated_and_the_exit_status_is_2() {
    let mut stream = Load::of(vec![echo(4_000)]).stream();
    let warning =
        Warning::new("fatal", "nobody listens on ws://127.0.0.1:1").remedy("start a server first");
    stream.put("mcp-gen#3f2a9c", warning);
    let report = report(&stream, &["--quiet", "--fail-if", "p99 > 1us"]);
    assert_eq!(report.exit, Some(2));
    let sentence = "mcp-gen: nobody listens on ws://127.0.0.1:1; start a server first";
    assert_eq!(report.stderr, format!("mcp-report: {sentence}\n"));
    assert!(report.stdout.contains(sentence), "{}", report.stdout);
    let failed = Load {
        why: "failed",
        ..Load::of(vec![echo(4_000)])
    }
    .stream();
    let (v, exit) = verdict(&failed, &[]);
    assert_eq!(exit, 2);
    assert!(
        reasons(&v).contains("mcp-gen#3f2a9c failed with exit status 2"),
        "{v}"
    );
}

#[test]
fn a_stream_without_a_generator_says_what_to_do() {
    let report = report(&Stream::default(), &[]);
    assert_eq!(report.exit, Some(2));
    assert!(
        report
            .stderr
            .contains("no generator in the stream: pipe mcp-gen into me"),
        "{}",
        report.stderr
    );
}

#[test]
fn a_run_that_measured_nothing_does_not_pass() {
    let mut calls = echo(4_000);
    calls.stage = "warm-up";
    let (v, exit) = verdict(
        &Load::of(vec![calls]).stream(),
        &["--fail-if", "error_rate > 1%"],
    );
    assert_eq!((v["verdict"].as_str(), exit), (Some("INVALID"), 3));
    assert!(reasons(&v).contains("no call was measured"), "{v}");
}
