//! What a stream says about a fault on one target: what it counted, and what became of the calls there.

use crate::stream::Stream;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A number of a record.
///
/// # Panics
/// Where it is none.
#[must_use]
#[track_caller]
pub fn number(record: &Value, name: &str) -> u64 {
    let number = record[name].as_u64();
    number.unwrap_or_else(|| panic!("{name} is no number: {record}"))
}

/// A line that names a server.
#[must_use]
pub fn target(name: &str, url: &str) -> String {
    format!("{}\n", json!({"type": "target", "name": name, "url": url}))
}

/// The record of the only fault on this target alone.
///
/// # Panics
/// Where there is none, or more than one.
#[must_use]
#[track_caller]
pub fn fault<'a>(stream: &'a Stream, target: &str, state: &str) -> &'a Value {
    let mut found = stream.from("mcp-chaos", "fault");
    found.retain(|f| f["targets"] == json!([target]) && f["state"] == state);
    assert_eq!(found.len(), 1, "{state} on {target}: {found:#?}");
    found[0]
}

/// What the fault on this target has counted; 0 where it has not.
#[must_use]
#[track_caller]
pub fn count(stream: &Stream, target: &str, what: &str) -> u64 {
    let counts = &fault(stream, target, "ended")["counts"];
    counts[what].as_u64().unwrap_or(0)
}

/// From when to when it was applied, Unix in µs.
#[must_use]
#[track_caller]
pub fn window(stream: &Stream, target: &str) -> (u64, u64) {
    let at = |state| number(fault(stream, target, state), "at_us");
    (at("began"), at("ended"))
}

/// What a field of counts (`errors`, `codes`, `sessions`) adds up to on a target.
#[must_use]
pub fn sums(stream: &Stream, target: &str, field: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let rows = stream.of("interval").into_iter();
    for row in rows.filter(|r| r["target"] == target) {
        for (name, n) in row[field].as_object().into_iter().flatten() {
            *sums.entry(name.clone()).or_default() += n.as_u64().unwrap_or(0);
        }
    }
    sums
}

/// The calls on a target, in the order in which they were done.
#[must_use]
pub fn calls<'a>(stream: &'a Stream, target: &str) -> Vec<&'a Value> {
    let calls = stream.of("call").into_iter();
    calls.filter(|c| c["target"] == target).collect()
}

/// How long the server, and what stands before it, took for a call that was sent.
#[must_use]
#[track_caller]
pub fn service_us(call: &Value) -> u64 {
    number(call, "done_us") - number(call, "sent_us")
}

/// Asserts that `n` of `of` is a share as this one, up to four standard deviations and so many that are explained otherwise.
///
/// # Panics
/// Where it is not.
#[track_caller]
pub fn assert_share(n: usize, of: usize, share: f64, otherwise: usize) {
    let wanted = of as f64 * share;
    let deviation = (wanted * (1.0 - share)).sqrt();
    let off = n as f64 - wanted;
    assert!(
        off > -4.0 * deviation && off < 4.0 * deviation + otherwise as f64,
        "{n} of {of} is not {share}: {wanted:.1} ± {deviation:.1}, and {otherwise}"
    );
}

/// Asserts that calls which were due so long after the end of the fault are answered as if nothing had been.
///
/// # Panics
/// Where they are not.
#[track_caller]
pub fn assert_back(stream: &Stream, target: &str, after_us: u64) {
    assert_well_from(stream, target, window(stream, target).1 + after_us);
}

/// Asserts that calls which were due from then on are answered well.
///
/// # Panics
/// Where they are not, or are fewer than ten.
#[track_caller]
pub fn assert_well_from(stream: &Stream, target: &str, from_us: u64) {
    let mut later = calls(stream, target);
    later.retain(|c| number(c, "due_us") >= from_us);
    assert!(later.len() >= 10, "{target}: {} calls", later.len());
    for call in later {
        assert_eq!(call["outcome"], "ok", "{call}");
    }
}
