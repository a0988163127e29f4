//! Ctrl-C, SIGTERM and SIGHUP: the first asks to end in good order, the second at once; in the end the signal is raised again.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// The first signal that came; 0 is none. The handler itself sets it: the thread that tells of signals may have to wait
/// for a CPU, and the end of the stream, which follows a Ctrl-C within a moment, must not overtake it.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// The first of the watched signals that has come, if one has.
#[must_use]
pub fn arrived() -> Option<i32> {
    Some(FIRST.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
}

/// The same, for one that may come `within` a moment from now.
#[must_use]
pub fn arrived_within(within: Duration) -> Option<i32> {
    let until = Instant::now() + within;
    loop {
        match arrived() {
            None if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            signal => return signal,
        }
    }
}

/// Calls `on(signal, n)` for the n-th (from 1) of these signals, from a thread of its own.
/// A signal that was ignored when the tool started (nohup) stays ignored.
///
/// # Errors
/// The kernel refused a handler.
pub fn watch(mut on: impl FnMut(i32, u32) + Send + 'static) -> io::Result<()> {
    let wanted: Vec<i32> = [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(|&s| !is_ignored(s))
        .collect();
    for &signal in &wanted {
        let note = move || {
            let _ = FIRST.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        };
        // SAFETY: the action does nothing but an atomic exchange, which is async-signal-safe.
        unsafe { signal_hook::low_level::register(signal, note) }?;
    }
    let mut signals = Signals::new(wanted)?;
    std::thread::spawn(move || {
        for (n, signal) in (1..).zip(signals.forever()) {
            on(signal, n);
        }
    });
    Ok(())
}

/// Calls `on(signal)` for the first of these signals; the second ends the process by itself, at once and whatever its
/// threads wait for, a reader that does not read or a write that nobody takes above all. For tools that have nothing to undo.
///
/// # Errors
/// As [`watch`].
pub fn watch_first(mut on: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    watch(move |signal, n| {
        if n > 1 {
            die_of(signal);
        }
        on(signal);
    })
}

/// Ends the process by `signal` itself, so that bash sees it and stops the script. Returns only where that fails.
pub fn die_of(signal: i32) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// The exit status that a shell shows for a process that `signal` ended.
#[must_use]
pub fn exit_status(signal: i32) -> u8 {
    128u8.saturating_add(u8::try_from(signal).unwrap_or(127))
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: an all-zero sigaction is a valid value, and with a null new action sigaction(2) only reads the old one.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut old) == 0
            && old.sa_sigaction == libc::SIG_IGN
    }
}
