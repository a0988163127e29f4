//! Latencies: an HdrHistogram in memory, and its form in a record, which adds up without loss.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest latency kept apart: one hour, in microseconds. Longer ones count as this.
pub const MAX_US: u64 = 3_600_000_000;

/// Base64 of a histogram with every bucket used stays far below this; more is hostile input.
const MAX_HDR_BYTES: usize = 512 * 1024;

/// Latencies in microseconds, 3 significant digits, 1 µs to 1 h; counts are u32 and memory grows with the largest value.
#[derive(Clone, Debug)]
pub struct Histogram(hdrhistogram::Histogram<u32>);

impl Default for Histogram {
    fn default() -> Self {
        // 3 is a legal precision, so this cannot fail.
        #[allow(clippy::unwrap_used)]
        let mut h = hdrhistogram::Histogram::new_with_bounds(1, 2_047, 3).unwrap();
        h.auto(true);
        Self(h)
    }
}

impl Histogram {
    /// Counts one latency of `us` microseconds.
    pub fn record(&mut self, us: u64) {
        self.record_n(us, 1);
    }

    /// Counts `n` latencies of `us` microseconds each.
    pub fn record_n(&mut self, us: u64, n: u32) {
        self.0.saturating_record_n_auto(us.min(MAX_US), n);
    }

    /// Adds another histogram: no loss, whatever its size.
    pub fn add(&mut self, other: &Self) {
        if !other.is_empty() {
            // Only a histogram that may not grow can fail here, and ours may.
            let _ = self.0.add(&other.0);
        }
    }

    /// How many latencies were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The latency in microseconds at quantile `q` (0 to 1): the highest value equivalent to its bucket.
    #[must_use]
    pub fn quantile_us(&self, q: f64) -> u64 {
        self.0.value_at_quantile(q)
    }

    /// The share (0 to 1) of the latencies that are at most `us` microseconds.
    #[must_use]
    pub fn share_at_or_below(&self, us: u64) -> f64 {
        self.0.quantile_below(us)
    }

    /// How many latencies are at most each of these bounds (microseconds, ascending). One counts by the upper edge of its
    /// bucket: near a bound it may be left out, and is never counted for less than it was.
    #[must_use]
    pub fn counts_up_to(&self, bounds_us: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; bounds_us.len()];
        for step in self.0.iter_recorded() {
            let first = bounds_us.partition_point(|&bound| bound < step.value_iterated_to());
            if let Some(count) = counts.get_mut(first) {
                *count += step.count_since_last_iteration();
            }
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        counts
    }

    /// The largest latency in microseconds, up to its bucket's upper edge; 0 when empty.
    #[must_use]
    pub fn max_us(&self) -> u64 {
        self.0.max()
    }

    /// The smallest latency in microseconds, down to its bucket's lower edge; 0 when empty.
    #[must_use]
    pub fn min_us(&self) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.min() }
    }

    /// The mean in microseconds, from the buckets' middles.
    #[must_use]
    pub fn mean_us(&self) -> f64 {
        self.0.mean()
    }

    /// Forgets all latencies and keeps the memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// The numbers for a record, without the histogram itself.
    #[must_use]
    pub fn scalars(&self) -> Latency {
        Latency {
            count: self.count(),
            min_us: self.min_us(),
            p50_us: self.quantile_us(0.5),
            p90_us: self.quantile_us(0.9),
            p95_us: self.quantile_us(0.95),
            p99_us: self.quantile_us(0.99),
            p999_us: self.quantile_us(0.999),
            max_us: self.max_us(),
            mean_us: (self.mean_us() * 1_000.0).round() / 1_000.0,
            hdr: None,
        }
    }

    /// The numbers and the histogram for a record.
    #[must_use]
    pub fn with_hdr(&self) -> Latency {
        let mut out = Vec::new();
        // How far a histogram has grown depends on its history and is part of the encoding: from a copy that is just
        // large enough, equal counts give equal bytes.
        let high = self.max_us().max(2_047);
        let exact = hdrhistogram::Histogram::new_with_bounds(1, high, 3).map(|mut copy| {
            // A value in the last bucket is at most its upper edge, so all of them fit.
            let _ = copy.add(&self.0);
            copy
        });
        // Writing to a Vec fails only for a histogram with negative counts, which u32 rules out.
        let _ = V2DeflateSerializer::new().serialize(exact.as_ref().unwrap_or(&self.0), &mut out);
        Latency {
            hdr: Some(BASE64.encode(out)),
            ..self.scalars()
        }
    }
}

// hdrhistogram grows by itself under `auto`, but saturating_record_n clips instead of growing.
trait RecordAuto {
    fn saturating_record_n_auto(&mut self, us: u64, n: u32);
}
impl RecordAuto for hdrhistogram::Histogram<u32> {
    fn saturating_record_n_auto(&mut self, us: u64, n: u32) {
        if self.record_n(us, n).is_err() {
            self.saturating_record_n(us, n);
        }
    }
}

/// Latencies in a record: the usual numbers, all in microseconds, and in `hdr` the histogram they were taken from.
///
/// `hdr` is the HdrHistogram V2+DEFLATE encoding in base64, as its Java, Go, JavaScript and Rust libraries read it.
/// To combine records add the histograms; never average percentiles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// How many latencies.
    pub count: u64,
    /// The smallest, in microseconds.
    pub min_us: u64,
    /// The median.
    pub p50_us: u64,
    /// 90 % are at most this.
    pub p90_us: u64,
    /// 95 % are at most this.
    pub p95_us: u64,
    /// 99 % are at most this.
    pub p99_us: u64,
    /// 99.9 % are at most this.
    pub p999_us: u64,
    /// The largest.
    pub max_us: u64,
    /// The mean, with three decimals.
    pub mean_us: f64,
    /// The histogram, base64 of V2+DEFLATE; absent where only the numbers were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<String>,
}

impl Latency {
    /// The histogram inside. `None` where there is no `hdr`, or where it cannot be read.
    #[must_use]
    pub fn histogram(&self) -> Option<Histogram> {
        let text = self.hdr.as_deref().filter(|t| t.len() <= MAX_HDR_BYTES)?;
        let bytes = BASE64.decode(text).ok()?;
        let read: hdrhistogram::Histogram<u32> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .ok()?;
        // Values beyond our own range would let a stranger's record grow memory without bound.
        if read.sigfig() != 3 || read.high() > MAX_US * 2 {
            return None;
        }
        let mut h = Histogram::default();
        h.0.add(&read).ok()?;
        Some(h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole_through_a_record() {
        let (mut a, mut b, mut all) = (
            Histogram::default(),
            Histogram::default(),
            Histogram::default(),
        );
        for i in 0..10_000u64 {
            let us = i * i % 5_000_003;
            if i % 3 == 0 {
                a.record(us)
            } else {
                b.record(us)
            }
            all.record(us);
        }
        let mut sum = a.with_hdr().histogram().unwrap();
        sum.add(&b.with_hdr().histogram().unwrap());
        assert_eq!(sum.with_hdr(), all.with_hdr());
        assert_eq!(sum.count(), 10_000);
    }

    #[test]
    fn a_latency_of_days_counts_as_an_hour() {
        let mut h = Histogram::default();
        h.record(u64::MAX);
        assert_eq!(h.count(), 1);
        assert!(
            h.max_us() >= MAX_US && h.max_us() < MAX_US + MAX_US / 500,
            "{}",
            h.max_us()
        );
    }

    #[test]
    fn an_hdr_that_is_none_gives_none() {
        let bad = Latency {
            hdr: Some("AAAA".into()),
            ..Latency::default()
        };
        assert!(bad.histogram().is_none());
    }
}
