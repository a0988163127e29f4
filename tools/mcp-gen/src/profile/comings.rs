//! How long a client's connection lives, how the client leaves, and how long it stays away before it connects again.

use super::Leave;
use std::num::NonZeroU32;
use std::time::Duration;

/// Limits of a connection's life; what is drawn by dice lies between the time less its jitter, and the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comings {
    /// After this long a client says goodbye and connects anew; `None` is as long as the run.
    pub lifetime: Option<Duration>,
    /// From 0 to 1.
    pub lifetime_jitter: f64,
    /// After so many calls a client leaves, and comes back when the next one is due; `None` is as many as there are.
    pub calls: Option<NonZeroU32>,
    /// How it leaves.
    pub leave: Leave,
    /// Whether it calls once more on a session that it has deleted, to see that refused.
    pub call_deleted: bool,
    /// How long it stays away. After attempts that failed it doubles from this, or from [`LEAST_BACKOFF`].
    pub reconnect_delay: Duration,
    /// From 0 to 1.
    pub reconnect_jitter: f64,
}

/// The first pause after an attempt that failed: a server that is down must not be hammered.
const LEAST_BACKOFF: Duration = Duration::from_millis(100);
/// Pauses double up to this, or to the delay where that is longer.
const MOST_BACKOFF: Duration = Duration::from_secs(5);

impl Comings {
    /// How long a connection lives, in nanoseconds; `throw` is from 0 to 1.
    #[must_use]
    pub fn lifetime_ns(&self, throw: f64) -> Option<u64> {
        let lifetime = self.lifetime?;
        Some(jittered(lifetime, self.lifetime_jitter, throw))
    }

    /// How long a client stays away after a connection that was fine, in nanoseconds; `throw` is from 0 to 1.
    #[must_use]
    pub fn delay_ns(&self, throw: f64) -> u64 {
        jittered(self.reconnect_delay, self.reconnect_jitter, throw)
    }

    /// The same after so many attempts in a row that failed.
    #[must_use]
    pub fn backoff_ns(&self, failures: u32, throw: f64) -> u64 {
        let doubled = self.reconnect_delay.max(LEAST_BACKOFF) * (1 << failures.min(6));
        let most = self.reconnect_delay.max(MOST_BACKOFF);
        jittered(doubled.min(most), self.reconnect_jitter, throw)
    }
}

fn jittered(time: Duration, jitter: f64, throw: f64) -> u64 {
    (time.as_nanos() as f64 * (1.0 - jitter * (1.0 - throw))) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn pauses_double_and_end_at_five_seconds_or_at_the_delay() {
        let comings = |delay_ms| Comings {
            lifetime: Some(Duration::from_secs(10)),
            lifetime_jitter: 0.2,
            calls: None,
            leave: Leave::Delete,
            call_deleted: false,
            reconnect_delay: Duration::from_millis(delay_ms),
            reconnect_jitter: 0.5,
        };
        let of = |delay_ms| [0, 1, 3, 30].map(|n| comings(delay_ms).backoff_ns(n, 1.0) / MS);
        assert_eq!(of(0), [100, 200, 800, 5_000]);
        assert_eq!(of(1_000), [1_000, 2_000, 5_000, 5_000]);
        assert_eq!(of(60_000), [60_000; 4]);
        assert_eq!(comings(0).backoff_ns(0, 0.0), 50 * MS);
        assert_eq!(
            (comings(0).delay_ns(0.5), comings(400).delay_ns(0.0)),
            (0, 200 * MS)
        );
        let lifetimes = [0.0, 1.0].map(|throw| comings(0).lifetime_ns(throw));
        assert_eq!(lifetimes, [Some(8_000 * MS), Some(10_000 * MS)]);
    }
}
