//! The start: t0, now or at the instant that --start-at names.

use record::clock;
use record::kind::{Ready, Warning};

/// Further away than this is a mistake, such as milliseconds for seconds.
const FURTHEST_US: u64 = 7 * 86_400 * 1_000_000;

/// A `ready` older than this belongs to a stream that is replayed.
const STALE_US: u64 = 60_000_000;

/// t0 is now.
#[must_use]
pub fn now() -> Ready {
    Ready {
        t0_us: clock::unix_us(),
        t0_mono_us: clock::mono_us(),
        boot_id: clock::boot_id(),
        generators: None,
    }
}

/// t0 is at `at_us`, in Unix microseconds.
///
/// # Errors
/// A sentence: it lies in the past, or too far ahead.
pub fn at(at_us: u64) -> Result<Ready, String> {
    let now = now();
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

/// Whether a `ready` that came says what t0 is.
///
/// # Errors
/// The warning: one came before (`is_second`), or it is no word of a run that begins now.
pub fn check(ready: &Ready, is_second: bool) -> Result<(), Box<Warning>> {
    let now = now();
    let mut ahead_us = ready.t0_us.saturating_sub(now.t0_us);
    let age_us = if ready.boot_id == now.boot_id {
        ahead_us = ahead_us.max(ready.t0_mono_us.saturating_sub(now.t0_mono_us));
        now.t0_mono_us.saturating_sub(ready.t0_mono_us)
    } else {
        now.t0_us.saturating_sub(ready.t0_us)
    };
    let (code, text) = if is_second {
        let text = "a second ready record came; t0 stays where the first one put it";
        ("second_ready", text.to_owned())
    } else if age_us > STALE_US {
        let text = format!(
            "a ready record is {} s old, as in a file that is replayed; it does not count",
            age_us / 1_000_000
        );
        ("old_ready", text)
    } else if ahead_us > STALE_US {
        let text = format!(
            "a ready record lies {} s in the future, and ready means now; it does not count",
            ahead_us / 1_000_000
        );
        ("future_ready", text)
    } else {
        return Ok(());
    };
    Err(Box::new(Warning::new(code, text)))
}
