//! Gates on streams: which calls they judge, and what they find.

use crate::stream::{Load, Row, Stream, echo, report, row, verdict};

/// (state, value, text) of a single gate.
fn judged(stream: &Stream, gate: &str, more: &[&str]) -> (String, Option<f64>, String) {
    let args: Vec<&str> = ["--fail-if", gate]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    let (v, _) = verdict(stream, &args);
    let g = &v["gates"][0];
    assert_eq!(g["gate"], gate);
    let text = g["text"].as_str().unwrap_or_default().to_owned();
    (
        g["state"].as_str().unwrap().to_owned(),
        g["value"].as_f64(),
        text,
    )
}

fn mixed() -> Stream {
    let list = row("resources/list", None, vec![50_000; 3_000]);
    let mut warm = echo(2_000);
    warm.stage = "warm-up";
    let echo = echo(4_000).errors(&[
        ("tool_error", 40),
        ("timeout", 10),
        ("cancelled", 5),
        ("input_required", 5),
    ]);
    Load::of(vec![echo, list, warm]).stream()
}

#[test]
fn labels_choose_the_calls() {
    let s = mixed();
    for (gate, value) in [
        (r#"scheduled > 1000000"#, 7_060.0),
        (r#"scheduled{method="tools/call"} > 1000000"#, 4_060.0),
        (
            r#"scheduled{tool="echo",stage="steady"} > 1000000"#,
            4_060.0,
        ),
        (r#"scheduled{stage="warm-up"} > 1000000"#, 2_000.0),
        (r#"scheduled{profile="normal"} > 1000000"#, 7_060.0),
        (r#"ok{target="local-1"} > 1000000"#, 7_000.0),
        (r#"ok{target="local-2"} > 1000000"#, 0.0),
        (r#"errors > 1000000"#, 50.0),
        (r#"errors{class="cancelled"} > 1000000"#, 5.0),
        (r#"errors{class="shed"} > 1000000"#, 0.0),
        (r#"rate < 1/s"#, 700.0),
        (r#"rate{method="resources/list"} < 1/s"#, 300.0),
        (r#"achieved < 1%"#, 1.0),
        (r#"max{method="resources/list"} > 1s"#, 50_015.0),
        (r#"lag.p99 > 1s"#, 20.0),
        (r#"service.p50{method="resources/list"} > 1s"#, 25_007.0),
    ] {
        let (state, found, text) = judged(&s, gate, &[]);
        assert_eq!(
            (state.as_str(), found),
            ("pass", Some(value)),
            "{gate} {text}"
        );
    }
}

#[test]
fn the_error_rate_leaves_out_what_is_no_error() {
    // 50 errors (not the cancelled, not those that asked back) of 4,060 calls.
    let gate = r#"error_rate{method="tools/call"} > 1.3%"#;
    let (state, value, _) = judged(&mixed(), gate, &[]);
    assert_eq!((state.as_str(), value), ("pass", Some(50.0 / 4_060.0)));
    let shed = Load::of(vec![echo(99).errors(&[("rpc_error", 1), ("shed", 100)])]).stream();
    assert_eq!(
        judged(&shed, "error_rate > 50%", &[]).1,
        Some(0.01),
        "shed calls are in neither"
    );
}

#[test]
fn an_expected_class_counts_as_ok() {
    let expect = ["--expect", "tool_error"];
    let gate = r#"error_rate{method="tools/call"} > 50%"#;
    assert_eq!(judged(&mixed(), gate, &expect).1, Some(10.0 / 4_060.0));
    assert_eq!(judged(&mixed(), "errors > 1000", &expect).1, Some(10.0));
    assert_eq!(judged(&mixed(), "rate < 1/s", &expect).1, Some(704.0));
    let wrong = report(&mixed(), &["--expect", "tool_eror"]);
    assert_eq!(wrong.exit, Some(2));
    assert!(
        wrong.stderr.contains("write one of tool_error"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn calls_that_never_came_back_are_slower_than_any_limit() {
    let with = |n: u64| {
        Load::of(vec![
            echo(10_000 - n).errors(&[("timeout", n - 1), ("stream_ended", 1)]),
        ])
        .stream()
    };
    // 100 of 10,000: p99 is the slowest call that came back, and no longer the 9,801st.
    let (state, value, _) = judged(&with(100), "p99 > 1s", &[]);
    assert_eq!(state, "pass");
    assert!(value.unwrap() >= 9_900.0, "{value:?}");
    let (state, value, text) = judged(&with(101), "p99 > 1h", &[]);
    assert_eq!((state.as_str(), value), ("fail", None));
    assert_eq!(
        text,
        "> timeout: 101 of 10,000 calls (1.01 %) never came back"
    );
    assert_eq!(judged(&with(101), "max > 1h", &[]).0, "fail");
    // Other errors came back: they are in the error rate, not in the percentile.
    let refused = Load::of(vec![echo(5_000).errors(&[("rpc_error", 5_000)])]).stream();
    assert_eq!(judged(&refused, "p99 > 1s", &[]).0, "pass");
    let shown = report(&with(101), &["--fail-if", "p99 > 1h"]);
    assert_eq!(shown.exit, Some(1));
    assert!(shown.stdout.contains("> timeout"), "{}", shown.stdout);
}

#[test]
fn a_percentile_of_too_few_calls_is_not_judged() {
    let stream = |n| Load::of(vec![echo(n)]).stream();
    let (state, value, text) = judged(&stream(1_999), "p99 > 1s", &[]);
    assert_eq!(state, "too few samples");
    assert!(
        value.is_some() && text.contains("1,999 calls are too few: this takes 2,000"),
        "{text}"
    );
    assert_eq!(judged(&stream(2_000), "p99 > 1s", &[]).0, "pass");
    assert_eq!(
        judged(&stream(2_000), "p99.9 > 1s", &[]).0,
        "too few samples"
    );
    assert_eq!(
        judged(&stream(10), "max > 1s", &[]).0,
        "pass",
        "max has no share beyond it to fill"
    );
    assert_eq!(verdict(&stream(1_999), &["--fail-if", "p99 > 1s"]).1, 3);
    let both = ["--fail-if", "p99 > 1s", "--fail-if", "max > 1us"];
    assert_eq!(
        verdict(&stream(1_999), &both).1,
        1,
        "FAIL wins over too few samples"
    );
}

#[test]
fn a_gate_that_matches_nothing_says_what_there_is() {
    for (gate, part) in [
        (
            r#"p99{method="tools/cal"} > 1s"#,
            "it matches no calls (methods: resources/list, tools/call)",
        ),
        (r#"p99{tool="ecco"} > 1s"#, "(tools: echo)"),
        (r#"p99{stage="ramp"} > 1s"#, "(stages: steady, warm-up)"),
        (
            r#"errors{target="local-9"} > 1"#,
            "(targets: local-1, local-2)",
        ),
        (
            r#"p99{method="resources/list",tool="echo"} > 1s"#,
            "it matches no calls of the measured stages",
        ),
        (r#"connect.p99 > 1s"#, "there are no calls"),
    ] {
        let (state, _, text) = judged(&mixed(), gate, &[]);
        assert_eq!(state, "not judged", "{gate}");
        assert!(text.contains(part), "{gate}: {text}");
    }
    assert_eq!(
        verdict(&mixed(), &["--fail-if", r#"p99{tool="ecco"} > 1s"#]).1,
        3
    );
}

#[test]
fn a_gate_that_cannot_be_read_is_a_usage_error_with_its_column() {
    for (gate, parts) in [
        ("p99 > 200", ["column 7", "200ms"]),
        ("p98.x > 1s", ["column 1", "p99.9"]),
        ("error_rate > 10ms", ["column 14", "1%"]),
    ] {
        let report = report(&Stream::default(), &["--fail-if", gate]);
        assert_eq!(report.exit, Some(2));
        assert_eq!(report.stdout, "");
        assert!(
            parts.iter().all(|p| report.stderr.contains(p)),
            "{}",
            report.stderr
        );
    }
}

#[test]
fn connections_have_a_gate_of_their_own_and_are_no_calls() {
    let connect = Row {
        stage: "connect",
        ..row("connect", None, vec![])
    };
    let mut s = Load::of(vec![echo(4_000), connect]).stream();
    let mut h = record::Histogram::default();
    h.record_n(7_000, 3_000);
    let set_up = h.with_hdr();
    let text = String::from_utf8(s.bytes.clone()).unwrap();
    let lines = text.lines().map(|line| {
        let mut v: serde_json::Value = serde_json::from_str(line).unwrap();
        if v["type"] == "summary" && v["method"] == "connect" {
            v["connect"] = serde_json::to_value(&set_up).unwrap();
        }
        format!("{v}\n")
    });
    s.bytes = lines.collect::<String>().into_bytes();
    let (state, value, text) = judged(&s, "connect.p99 > 1s", &[]);
    assert_eq!(state, "pass", "{text}");
    assert!((value.unwrap() - 7_000.0).abs() < 8.0);
    // Nobody has said how long its parts took.
    let (state, _, _) = judged(&s, "tcp.p99 > 1s", &[]);
    assert_eq!(state, "not judged");
    let (v, _) = verdict(&s, &[]);
    assert_eq!(v["report"]["connections"]["connect"]["count"], 3_000);
    assert_eq!(v["report"]["stages"].as_array().unwrap().len(), 1);
}

#[test]
fn the_parts_of_answers_are_added_up_over_rows_and_judged_like_any_latency() {
    let s = Load::of(vec![
        echo(4_000),
        row("resources/list", None, vec![900; 4_000]),
    ])
    .stream();
    let (state, value, text) = judged(&s, "first.p99 > 1ms", &[]);
    assert_eq!(state, "fail", "{text}");
    assert!((value.unwrap() - 1_320.0).abs() < 3.0, "{value:?}");
    let (state, value, _) = judged(&s, "last.max > 1ms", &[]);
    assert_eq!(state, "pass");
    assert!((value.unwrap() - 666.0).abs() < 3.0, "{value:?}");
    assert_eq!(judged(&s, "gap.p50 > 1ms", &[]).0, "not judged");
}
