//! Streams that lack something.

use crate::stream::{DEPLOY, GEN, Load, SCRAPE, Stream, echo, report, verdict};

/// mcp-deploy | mcp-gen | mcp-scrape: the start of the last comes first, and the end of the first is never seen.
fn scraped() -> Stream {
    let mut s = Stream::default();
    s.start(SCRAPE).start(GEN).start(DEPLOY).ready(1);
    Load::of(vec![echo(4_000)]).write(&mut s);
    s.end(SCRAPE, "done");
    s
}

fn torn(stream: &Stream, sentence: &str) {
    let (v, exit) = verdict(stream, &["--fail-if", "p99 > 1us"]);
    assert_eq!((v["verdict"].as_str(), exit), (Some("INVALID"), 3), "{v}");
    assert!(
        v["reasons"][0].as_str().unwrap().contains(sentence),
        "{sentence}: {}",
        v["reasons"]
    );
    assert_eq!(v["report"]["run"]["whole"], false);
}

#[test]
fn a_tool_upstream_of_the_generator_owes_no_end() {
    let (v, exit) = verdict(&scraped(), &[]);
    assert_eq!(
        (v["verdict"].as_str(), exit),
        (Some("PASS"), 0),
        "{}",
        v["reasons"]
    );
    assert_eq!(v["report"]["run"]["whole"], true);
    let tools: Vec<_> = v["report"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["tool"].as_str().unwrap())
        .collect();
    assert_eq!(tools, ["mcp-deploy", "mcp-gen", "mcp-scrape"]);
}

#[test]
fn whoever_left_no_last_word_tears_the_stream() {
    torn(
        &scraped().without(&["\"final\":true"]),
        "mcp-gen#3f2a9c left no final summary",
    );
    torn(
        &scraped().without(&["\"type\":\"end\"", GEN]),
        "mcp-gen#3f2a9c left no end",
    );
    torn(
        &scraped().without(&["\"type\":\"end\"", SCRAPE]),
        "mcp-scrape#0b1c2d left no end",
    );
    torn(
        &scraped().without(&["\"type\":\"start\"", GEN]),
        "left no start",
    );
    torn(
        &scraped().without(&["mcp-gen", "\"type\":\"summary\""]),
        "left no final summary",
    );
}

#[test]
fn a_generator_that_never_came_tears_the_stream() {
    let mut s = Stream::default();
    s.start(GEN).start(DEPLOY).ready(2);
    Load::of(vec![echo(4_000)]).write(&mut s);
    torn(&s, "2 generators were to report and 1 did");
}

#[test]
fn a_killed_generators_intervals_are_still_reported() {
    // As kill -9 of mcp-gen leaves it: intervals, no summary, no end.
    let stream = scraped()
        .without(&["\"type\":\"summary\""])
        .without(&["\"type\":\"end\"", GEN]);
    let (v, _) = verdict(&stream, &[]);
    let total = &v["report"]["stages"][0]["total"];
    assert_eq!(total["ok"], 4_000);
    assert!(
        (total["response"]["p50_us"].as_f64().unwrap() - 2_000.0).abs() <= 2.0,
        "{total}"
    );
    assert!(
        report(&stream, &[])
            .stdout
            .contains("left no final summary and no end")
    );
}

#[test]
fn a_stream_that_lost_an_interval_is_told_by_its_sums() {
    let (v, exit) = verdict(
        &scraped().without(&["\"type\":\"interval\"", "local-1"]),
        &[],
    );
    assert_eq!(exit, 3);
    let reason = v["reasons"][0].as_str().unwrap();
    assert!(
        reason.contains(
            "steady tools/call echo: the summary has scheduled 4000, the intervals add up to 0"
        ),
        "{reason}"
    );
    assert_eq!(
        v["report"]["intervals_checked"]["mismatches"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_summary_that_does_not_balance_is_told() {
    let text = String::from_utf8(scraped().bytes)
        .unwrap()
        .replace("\"ok\":4000", "\"ok\":3999");
    let stream = Stream {
        bytes: text.into_bytes(),
        ..Stream::default()
    };
    let (v, exit) = verdict(&stream, &[]);
    assert_eq!(exit, 3);
    assert!(
        v["reasons"][0]
            .as_str()
            .unwrap()
            .contains("4000 calls were scheduled and 3999 came to an end"),
        "{v}"
    );
}
