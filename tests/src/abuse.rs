//! What a stream says about abuse: nothing is lost here either, and none of it is in the figures of the load.

use crate::stream::Stream;
use serde_json::Value;
use std::collections::BTreeMap;

/// Counts of one kind: `scheduled`, `right`, and by class and by what came.
pub type Counts = BTreeMap<String, u64>;

fn counts(of: &Value) -> Counts {
    let mut counts = Counts::new();
    for name in ["scheduled", "right"] {
        counts.insert(name.to_owned(), of[name].as_u64().expect("a count"));
    }
    for map in ["other", "came"] {
        for (name, n) in of[map].as_object().into_iter().flatten() {
            counts.insert(format!("{map}.{name}"), n.as_u64().expect("a count"));
        }
    }
    counts.retain(|_, n| *n > 0);
    counts
}

/// The totals of each kind, once the records of abuse add up to them and each act that was due has ended.
///
/// # Panics
/// Where something is lost.
#[must_use]
#[track_caller]
pub fn abuse(stream: &Stream) -> BTreeMap<String, Counts> {
    let mut sums: BTreeMap<String, Counts> = BTreeMap::new();
    let mut open: BTreeMap<[String; 4], i64> = BTreeMap::new();
    for row in stream.from("mcp-gen", "abuse") {
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        let sum = sums.entry(text("kind")).or_default();
        let own = counts(row);
        for (name, n) in &own {
            *sum.entry(name.clone()).or_default() += n;
        }
        let of = |name: &str| own.get(name).copied().unwrap_or(0) as i64;
        let other = own.iter().filter(|(name, _)| name.starts_with("other."));
        let other: i64 = other.map(|(_, n)| *n as i64).sum();
        let key = ["stage", "profile", "target", "kind"].map(text);
        let running = open.entry(key).or_default();
        *running += of("scheduled") - of("right") - other;
        assert_eq!(row["running"], *running, "over any prefix: {row}");
    }
    assert!(open.values().all(|n| *n == 0), "{open:?}");
    let totals = stream.totals()["abuse"].as_object();
    let totals: BTreeMap<String, Counts> = totals
        .into_iter()
        .flatten()
        .map(|(kind, of)| (kind.clone(), counts(of)))
        .collect();
    assert_eq!(sums, totals, "intervals and the last summary");
    totals
}
