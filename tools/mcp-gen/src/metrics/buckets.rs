//! Buckets: latencies counted under the bounds of a Prometheus histogram.

use record::Histogram;

/// Upper bounds in microseconds, 0.1 ms to 60 s; what is longer counts under `+Inf` alone.
pub const BOUNDS_US: [u64; 30] = [
    100, 200, 300, 500, 750, //
    1_000, 2_000, 3_000, 5_000, 7_500, //
    10_000, 20_000, 30_000, 50_000, 75_000, //
    100_000, 200_000, 300_000, 500_000, 750_000, //
    1_000_000, 2_000_000, 3_000_000, 5_000_000, 7_500_000, //
    10_000_000, 20_000_000, 30_000_000, 45_000_000, 60_000_000,
];

/// Latencies since the run began. What went in is an HdrHistogram: the count is exact, and a latency that lies within
/// 0.1 % of a bound may count above it, never below.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    /// At most the bound of the same index; each contains the one before.
    pub up_to: [u64; BOUNDS_US.len()],
    /// All of them.
    pub count: u64,
    /// Their sum, in microseconds.
    pub sum_us: f64,
}

impl Buckets {
    /// Adds an interval's latencies.
    pub fn take(&mut self, histogram: &Histogram) {
        for (sum, n) in self
            .up_to
            .iter_mut()
            .zip(histogram.counts_up_to(&BOUNDS_US))
        {
            *sum += n;
        }
        self.count += histogram.count();
        self.sum_us += histogram.mean_us() * histogram.count() as f64;
    }

    /// Adds those of another row.
    pub fn join(&mut self, other: &Self) {
        for (sum, n) in self.up_to.iter_mut().zip(other.up_to) {
            *sum += n;
        }
        self.count += other.count;
        self.sum_us += other.sum_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_counts_under_every_bound_that_it_does_not_exceed() {
        let mut histogram = Histogram::default();
        for us in [1, 100, 101, 1_000, 59_000_000, 61_000_000] {
            histogram.record(us);
        }
        let mut buckets = Buckets::default();
        buckets.take(&histogram);
        buckets.take(&Histogram::default());
        let found = |us| {
            BOUNDS_US
                .iter()
                .position(|&b| b == us)
                .map(|i| buckets.up_to[i])
        };
        assert_eq!(
            [100, 200, 750, 1_000, 45_000_000, 60_000_000].map(found),
            [2, 3, 3, 4, 4, 5].map(Some)
        );
        assert_eq!(buckets.count, 6);
        assert!(
            (buckets.sum_us / 120_001_202.0 - 1.0).abs() < 1e-3,
            "{}",
            buckets.sum_us
        );
    }
}
