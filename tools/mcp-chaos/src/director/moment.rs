//! An instant as a `fault` record tells it: by the calendar, since t0, and on the monotonic clock.

use record::clock;
use record::kind::Fault;

/// One instant on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    at_us: u64,
    /// On CLOCK_MONOTONIC, in microseconds.
    pub mono_us: u64,
}

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            at_us: clock::unix_us(),
            mono_us: clock::mono_us(),
        }
    }

    /// A record of this instant.
    #[must_use]
    pub fn record(self, t0_us: Option<u64>) -> Fault {
        Fault {
            at_us: self.at_us,
            mono_us: Some(self.mono_us),
            t_us: t0_us.map(|t0_us| self.mono_us.wrapping_sub(t0_us) as i64),
            ..Fault::default()
        }
    }
}
