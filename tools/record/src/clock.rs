//! The two clocks: CLOCK_MONOTONIC to measure with, Unix time to name instants with.
//!
//! Records carry Unix microseconds; differences are taken on the monotonic clock, which no NTP
//! step moves. Within one boot the two are tied together once, at `ready`.

use rustix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};

/// CLOCK_MONOTONIC in microseconds since an arbitrary instant of this boot.
#[must_use]
pub fn mono_us() -> u64 {
    mono_ns() / 1_000
}

/// CLOCK_MONOTONIC in nanoseconds since an arbitrary instant of this boot.
#[must_use]
pub fn mono_ns() -> u64 {
    let t = clock_gettime(ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// Unix time in microseconds (fits 2^53 until the year 2255).
#[must_use]
pub fn unix_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_micros() as u64)
}

/// The kernel's id of this boot: monotonic instants compare only under the same id. Empty where unknown.
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|s| s.trim().to_owned())
        .unwrap_or_default()
}
