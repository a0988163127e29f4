//! Several generators, several files.

use crate::stream::{GEN, Load, Report, Row, Stream, command, echo, report, row, verdict};
use std::path::PathBuf;

const OTHER: &str = "mcp-gen#beef01";

fn calls(from: &'static str, response_us: Vec<u64>) -> Load {
    Load {
        from,
        ..Load::of(vec![row("tools/call", Some("echo"), response_us)])
    }
}

/// A file of this test's own.
fn file(name: &str, stream: &Stream) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, &stream.bytes).unwrap();
    path
}

#[test]
fn percentiles_of_two_generators_come_from_merged_histograms() {
    // 99 % of all calls take 1 ms. The one generator's p99 is 1 ms, the other's 1 s: their average is half a second.
    let fast = calls(GEN, vec![1_000; 9_900]);
    let slow = calls(OTHER, vec![1_000_000; 100]);
    let mut s = Stream::default();
    s.start(GEN).start(OTHER).ready(2);
    fast.write(&mut s);
    slow.write(&mut s);
    let (v, exit) = verdict(
        &s,
        &["--fail-if", "p99 > 2ms", "--fail-if", "rate < 1000/s"],
    );
    assert_eq!(exit, 0, "{}", v["reasons"]);
    let total = &v["report"]["stages"][0]["total"];
    assert_eq!(total["response"]["p99_us"], 1_000);
    assert_eq!(total["response"]["count"], 10_000);
    assert!(total["response"]["p999_us"].as_u64().unwrap() >= 1_000_000);
    // Rates add, and time does not.
    assert_eq!(total["achieved_per_s"], 1_000.0);
    assert_eq!(total["asked_per_s"], 1_000.0);
    assert_eq!(v["report"]["generator"]["generators"], 2);
    assert_eq!(v["report"]["run"]["clients"], 50);
}

#[test]
fn a_generator_that_is_late_is_not_hidden_by_another_that_is_not() {
    let mut late = Load {
        from: OTHER,
        ..Load::of(vec![echo(100)])
    };
    late.rows[0].lag_us = 50_000;
    let mut s = Stream::default();
    s.start(GEN).start(OTHER).ready(2);
    calls(GEN, vec![1_000; 50_000]).write(&mut s);
    late.write(&mut s);
    let (v, exit) = verdict(&s, &[]);
    assert_eq!(exit, 3);
    assert!(
        v["reasons"][0]
            .as_str()
            .unwrap()
            .contains("mcp-gen#beef01 could not keep its schedule"),
        "{v}"
    );
}

#[test]
fn files_are_parts_of_one_run_and_each_must_be_whole() {
    let one = file("parts-1.jsonl", &calls(GEN, vec![1_000; 3_000]).stream());
    let mut s = Stream::default();
    s.start("mcp-scrape#ee0001").start(OTHER);
    calls(OTHER, vec![2_000; 3_000]).write(&mut s);
    s.end("mcp-scrape#ee0001", "done");
    let two = file("parts-2.jsonl", &s);
    let names = [one.to_str().unwrap(), two.to_str().unwrap()];
    let (v, exit) = verdict(&Stream::default(), &names);
    assert_eq!(exit, 0, "{}", v["reasons"]);
    assert_eq!(v["report"]["stages"][0]["total"]["ok"], 6_000);
    // The same in the other order, on stdin and in a file: the same report.
    let swapped = report(&s, &["--format", "json", names[0], "-"]);
    assert_eq!(swapped.json()["report"]["stages"], v["report"]["stages"]);
}

#[test]
fn the_streams_of_two_runs_are_refused() {
    let mut s = calls(GEN, vec![1_000; 10]).stream();
    s.put_in(
        "another-run",
        OTHER,
        record::kind::Start {
            tool: "mcp-gen".into(),
            ..Default::default()
        },
    );
    let report = report(&s, &[]);
    assert_eq!(report.exit, Some(2));
    assert!(
        report
            .stderr
            .contains("the input holds 2 runs (20261123T175233-7k3f9a2m, another-run)"),
        "{}",
        report.stderr
    );
    assert_eq!(report.stdout, "");
}

#[test]
fn a_stream_given_twice_is_refused() {
    let path = file("twice.jsonl", &calls(GEN, vec![1_000; 10]).stream());
    let output = command(&[path.to_str().unwrap(), path.to_str().unwrap()])
        .output()
        .unwrap();
    let report = Report::of(output);
    assert_eq!(report.exit, Some(2));
    assert!(
        report.stderr.contains("starts twice in the input"),
        "{}",
        report.stderr
    );
}

#[test]
fn rows_are_kept_apart_and_their_total_is_that_of_the_merged_histograms() {
    let rows: Vec<Row> = vec![
        row("tools/call", Some("echo"), vec![1_000; 990]),
        row("tools/call", Some("slow"), vec![500_000; 10]),
        row("resources/list", None, vec![2_000; 1_000]),
    ];
    let (v, exit) = verdict(
        &Load::of(rows).stream(),
        &["--fail-if", r#"p50{method="tools/call"} > 1ms"#],
    );
    assert_eq!(exit, 0, "{}", v["reasons"]);
    let stage = &v["report"]["stages"][0];
    let names: Vec<_> = stage["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["tool"].as_str().unwrap_or("-"))
        .collect();
    assert_eq!(names, ["-", "echo", "slow"]);
    assert_eq!(stage["total"]["response"]["p99_us"].as_u64(), Some(2_000));
}
