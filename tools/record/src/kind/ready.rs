//! `ready`: the first targets are complete, and this instant is t0.

use super::Warning;
use crate::clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All times of a run count from here. On the boot that `boot_id` names, `t0_mono_us` counts; elsewhere `t0_us`.
///
#[doc = concat!("```json\n", include_str!("examples/ready.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ready {
    /// t0 in Unix microseconds.
    pub t0_us: u64,
    /// t0 on CLOCK_MONOTONIC, in microseconds.
    pub t0_mono_us: u64,
    /// The boot on which `t0_mono_us` means something.
    pub boot_id: String,
    /// How many generators will report, where it is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generators: Option<u32>,
}

/// A `ready` older than this belongs to a stream that is replayed.
const STALE_US: u64 = 60_000_000;

impl Ready {
    /// t0 is now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            t0_us: clock::unix_us(),
            t0_mono_us: clock::mono_us(),
            boot_id: clock::boot_id(),
            generators: None,
        }
    }

    /// Whether it says what t0 is, for a tool that reads it now.
    ///
    /// # Errors
    /// The warning: one came before (`is_second`), or it is no word of a run that begins now.
    pub fn check(&self, is_second: bool) -> Result<(), Box<Warning>> {
        let now = Self::now();
        let mut ahead_us = self.t0_us.saturating_sub(now.t0_us);
        let age_us = if self.boot_id == now.boot_id {
            ahead_us = ahead_us.max(self.t0_mono_us.saturating_sub(now.t0_mono_us));
            now.t0_mono_us.saturating_sub(self.t0_mono_us)
        } else {
            now.t0_us.saturating_sub(self.t0_us)
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
}
