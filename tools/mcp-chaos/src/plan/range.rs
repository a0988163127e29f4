//! A time, or one that is drawn between two: `10s`, `10s..60s`.

use crate::dice;
use record::units::duration;
use std::time::Duration;

/// From `low` to `high`; where both are equal, nothing is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub low: Duration,
    /// The most.
    pub high: Duration,
}

impl Range {
    /// Reads `10s` or `10s..60s`.
    ///
    /// # Errors
    /// A sentence: no durations, or the wrong way round.
    pub fn parse(text: &str) -> Result<Self, String> {
        let time = |text: &str| duration(text).map_err(|e| e.to_string());
        let (low, high) = match text.split_once("..") {
            Some((low, high)) => (time(low)?, time(high)?),
            None => (time(text)?, time(text)?),
        };
        if low > high {
            return Err(format!(
                "{text:?} runs backwards: write the earlier time first"
            ));
        }
        Ok(Self { low, high })
    }

    /// Whether there is anything to draw.
    #[must_use]
    pub fn is_drawn(self) -> bool {
        self.low < self.high
    }

    /// The time that a throw gives, in microseconds.
    #[must_use]
    pub fn draw_us(self, seed: u64, a: u64, b: u64) -> u64 {
        let (low, high) = (self.low.as_micros() as u64, self.high.as_micros() as u64);
        low + (dice::fraction(seed, a, b) * (high - low) as f64) as u64
    }
}
