//! What the tests of single kinds share: what became of the calls on a target, and what the fault on it says that it did.

use pipe_tests::Stream;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A number of a record.
#[track_caller]
pub fn number(record: &Value, name: &str) -> u64 {
    let number = record[name].as_u64();
    number.unwrap_or_else(|| panic!("{name} is no number: {record}"))
}

/// A line that names a server.
pub fn target(name: &str, url: &str) -> String {
    format!("{}\n", json!({"type": "target", "name": name, "url": url}))
}

/// The record of the only fault on this target alone.
#[track_caller]
pub fn fault<'a>(stream: &'a Stream, target: &str, state: &str) -> &'a Value {
    let all = stream.from("mcp-chaos", "fault").into_iter();
    let found: Vec<&Value> = all
        .filter(|f| f["targets"] == json!([target]) && f["state"] == state)
        .collect();
    assert_eq!(found.len(), 1, "{state} on {target}: {found:#?}");
    found[0]
}

/// What the fault on this target has counted; 0 where it has not.
#[track_caller]
pub fn count(stream: &Stream, target: &str, what: &str) -> u64 {
    let counts = &fault(stream, target, "ended")["counts"];
    counts[what].as_u64().unwrap_or(0)
}

/// From when to when it was applied, Unix in µs.
#[track_caller]
pub fn window(stream: &Stream, target: &str) -> (u64, u64) {
    let at = |state| number(fault(stream, target, state), "at_us");
    (at("began"), at("ended"))
}

/// What a field of maps, `errors` or `codes`, adds up to on a target.
pub fn sums(stream: &Stream, target: &str, field: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let rows = stream.of("interval").into_iter();
    for row in rows.filter(|r| r["target"] == target) {
        for (name, n) in row[field].as_object().into_iter().flatten() {
            *sums.entry(name.clone()).or_default() += n.as_u64().unwrap();
        }
    }
    sums
}

/// The calls on a target, in the order in which they were done.
pub fn calls<'a>(stream: &'a Stream, target: &str) -> Vec<&'a Value> {
    let calls = stream.of("call").into_iter();
    calls.filter(|c| c["target"] == target).collect()
}

/// How long the server, and what stands before it, took for a call that was sent.
pub fn service_us(call: &Value) -> u64 {
    number(call, "done_us") - number(call, "sent_us")
}

/// Asserts that `n` of `of` is a share as this one, up to four standard deviations.
#[track_caller]
pub fn assert_share(n: usize, of: usize, share: f64) {
    let (wanted, deviation) = (
        of as f64 * share,
        (of as f64 * share * (1.0 - share)).sqrt(),
    );
    assert!(
        (n as f64 - wanted).abs() < 4.0 * deviation,
        "{n} of {of} is not {share}: {wanted:.1} ± {deviation:.1}"
    );
}

/// Asserts that calls which were due a while after the end of the fault are answered as if nothing had been.
#[track_caller]
pub fn assert_back(stream: &Stream, target: &str, after_us: u64) {
    assert_well_from(stream, target, window(stream, target).1 + after_us);
}

/// Asserts that calls which were due from then on are answered well.
#[track_caller]
pub fn assert_well_from(stream: &Stream, target: &str, from_us: u64) {
    let mut later = calls(stream, target);
    later.retain(|c| number(c, "due_us") >= from_us);
    assert!(later.len() >= 10, "{target}: {} calls", later.len());
    for call in later {
        assert_eq!(call["outcome"], "ok", "{call}");
    }
}
