//! Nothing is lost: intervals add up to summaries, and calls that were due are done, in flight or waiting.

use crate::stream::Stream;
use record::{Histogram, Latency};
use serde_json::Value;
use std::collections::BTreeMap;

/// A row by what names it: generator, stage, profile, method, tool, and the target of an interval.
type Row = Vec<String>;

const COUNTS: [&str; 8] = [
    "scheduled",
    "sent",
    "ok",
    "ok_in_stage",
    "sent_bytes",
    "received_bytes",
    "connect_failures",
    "moved",
];
const MAPS: [&str; 3] = ["errors", "codes", "sessions"];
/// In both kinds of record with all buckets.
const WHOLE: [&str; 2] = ["response", "service"];
/// Of `heard`, likewise.
const HEARD: [&str; 3] = ["notification", "notification_gap", "progress_gap"];
/// In intervals as numbers only.
const NUMBERS: [&str; 10] = [
    "failed",
    "lag",
    "wait",
    "connect",
    "tcp",
    "tls",
    "handshake",
    "first",
    "gap",
    "last",
];

/// What some records add up to.
#[derive(Debug, Default)]
struct Sum {
    counts: BTreeMap<String, u64>,
    histograms: BTreeMap<&'static str, Histogram>,
    /// Count, smallest and largest.
    numbers: BTreeMap<&'static str, (u64, u64, u64)>,
}

impl Sum {
    fn add(&mut self, r: &Value) {
        for name in COUNTS {
            *self.counts.entry(name.to_owned()).or_default() += r[name].as_u64().unwrap_or(0);
        }
        for map in MAPS {
            for (name, n) in r[map].as_object().into_iter().flatten() {
                *self.counts.entry(format!("{map}.{name}")).or_default() += n.as_u64().unwrap_or(0);
            }
        }
        for (name, n) in r["heard"].as_object().into_iter().flatten() {
            let counts = self.counts.entry(format!("heard.{name}")).or_default();
            *counts += n.as_u64().unwrap_or(0);
        }
        for (name, n) in r["heard"]["notifications"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let counts = self
                .counts
                .entry(format!("notifications/{name}"))
                .or_default();
            *counts += n.as_u64().unwrap_or(0);
        }
        for (r, name) in WHOLE
            .map(|name| (r, name))
            .into_iter()
            .chain(HEARD.map(|name| (&r["heard"], name)))
        {
            if let Some(latency) = latency(r, name) {
                let read = latency
                    .histogram()
                    .unwrap_or_else(|| panic!("{name} has no hdr: {r}"));
                self.histograms.entry(name).or_default().add(&read);
            }
        }
        for name in NUMBERS {
            if let Some(l) = latency(r, name) {
                let (count, min, max) = self.numbers.entry(name).or_insert((0, u64::MAX, 0));
                (*count, *min, *max) = (*count + l.count, l.min_us.min(*min), l.max_us.max(*max));
            }
        }
    }

    /// Asserts that these are the counts and latencies of `r`, bucket for bucket.
    #[track_caller]
    fn assert_is(&self, r: &Value, what: &str) {
        let mut own = Self::default();
        own.add(r);
        let told = |sum: &Self| -> BTreeMap<String, u64> {
            sum.counts
                .iter()
                .filter(|(_, n)| **n > 0)
                .map(|(k, n)| (k.clone(), *n))
                .collect()
        };
        assert_eq!(told(self), told(&own), "counts of {what}");
        assert_eq!(self.numbers, own.numbers, "count, min and max of {what}");
        for name in WHOLE.into_iter().chain(HEARD) {
            let buckets = |sum: &Self| sum.histograms.get(name).map(Histogram::with_hdr);
            assert_eq!(buckets(self), buckets(&own), "{name} of {what}");
        }
    }
}

fn latency(r: &Value, name: &str) -> Option<Latency> {
    let value = r.get(name).filter(|v| !v.is_null())?;
    Some(serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{name} ({e}): {r}")))
}

fn row(r: &Value, names: &[&str]) -> Row {
    names
        .iter()
        .map(|n| r[*n].as_str().unwrap_or("").to_owned())
        .collect()
}

/// Asserts that the intervals of each (stage, profile, method, tool) add up to its summary, and these to the final one.
///
/// # Panics
/// Where they don't.
#[track_caller]
pub fn assert_intervals_add_up(stream: &Stream) {
    const NAMES: [&str; 5] = ["from", "stage", "profile", "method", "tool"];
    let mut intervals: BTreeMap<Row, Sum> = BTreeMap::new();
    for interval in stream.of("interval") {
        intervals
            .entry(row(interval, &NAMES))
            .or_default()
            .add(interval);
    }
    let mut totals: BTreeMap<Row, Sum> = BTreeMap::new();
    let (finals, rows): (Vec<&Value>, Vec<&Value>) = stream
        .of("summary")
        .into_iter()
        .partition(|s| s["final"] == true);
    for summary in rows {
        let key = row(summary, &NAMES);
        totals
            .entry(row(summary, &["from"]))
            .or_default()
            .add(summary);
        let sum = intervals.remove(&key).unwrap_or_default();
        sum.assert_is(summary, &key.join(" "));
    }
    assert!(
        intervals.is_empty(),
        "intervals without a summary: {:?}",
        intervals.keys()
    );
    assert!(!finals.is_empty(), "no final summary");
    for last in finals {
        let key = row(last, &["from"]);
        totals
            .remove(&key)
            .unwrap_or_default()
            .assert_is(last, "the final summary");
    }
}

/// Asserts that over any prefix of a row's intervals the calls that were due are done, in flight or waiting, and that
/// in summaries all are done.
///
/// # Panics
/// Where they are not.
#[track_caller]
pub fn assert_conserved(stream: &Stream) {
    const NAMES: [&str; 6] = ["from", "stage", "profile", "target", "method", "tool"];
    let mut rows: BTreeMap<Row, (u64, u64, u64)> = BTreeMap::new();
    for r in stream.of("interval") {
        let key = row(r, &NAMES);
        let (scheduled, done, end_us) = rows.entry(key).or_default();
        *scheduled += count(r, "scheduled");
        *done += outcomes(r);
        let standing = count(r, "in_flight") + count(r, "waiting");
        assert_eq!(
            *scheduled,
            *done + standing,
            "due so far, and done so far + in flight + waiting: {r}"
        );
        assert!(
            count(r, "start_us") >= *end_us,
            "an interval over an earlier one: {r}"
        );
        *end_us = count(r, "start_us") + count(r, "span_us");
    }
    for (key, (scheduled, done, _)) in &rows {
        assert_eq!(
            scheduled,
            done,
            "due and done at the end of {}",
            key.join(" ")
        );
    }
    for r in stream.of("summary") {
        assert_eq!(
            count(r, "scheduled"),
            outcomes(r),
            "scheduled = outcomes: {r}"
        );
        assert!(count(r, "sent") <= count(r, "scheduled"), "{r}");
        for name in WHOLE {
            let counted = latency(r, name).map_or(0, |l| l.count);
            assert_eq!(counted, count(r, "ok"), "{name} holds the ok calls: {r}");
        }
    }
}

/// How many calls were due in a stage, over all rows.
#[must_use]
pub fn scheduled(stream: &Stream, stage: &str) -> u64 {
    let rows = stream
        .of("summary")
        .into_iter()
        .filter(|s| s["stage"] == stage);
    rows.map(|s| count(s, "scheduled")).sum()
}

fn count(r: &Value, name: &str) -> u64 {
    r[name].as_u64().unwrap_or(0)
}

fn outcomes(r: &Value) -> u64 {
    let errors = r["errors"].as_object().into_iter().flatten();
    count(r, "ok") + errors.filter_map(|(_, n)| n.as_u64()).sum::<u64>()
}
