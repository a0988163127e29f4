//! The start: t0 at the instant that --start-at names.

use record::kind::Ready;

/// Further away than this is a mistake, such as milliseconds for seconds.
const FURTHEST_US: u64 = 7 * 86_400 * 1_000_000;

/// t0 is at `at_us`, in Unix microseconds.
///
/// # Errors
/// A sentence: it lies in the past, or too far ahead.
pub fn at(at_us: u64) -> Result<Ready, String> {
    let now = Ready::now();
    let ahead_us = at_us.checked_sub(now.t0_us).ok_or_else(|| {
        format!(
            "--start-at was {:.1} s ago by this machine's clock: name an instant that lies ahead, as $(date -d '+1 min' +%s) does",
            (now.t0_us - at_us) as f64 / 1e6
        )
    })?;
    if ahead_us > FURTHEST_US {
        return Err(format!(
            "--start-at lies {} days ahead, and 7 are the most: is it in seconds since 1970?",
            ahead_us / 86_400_000_000
        ));
    }
    Ok(Ready {
        t0_us: at_us,
        t0_mono_us: now.t0_mono_us + ahead_us,
        ..now
    })
}
