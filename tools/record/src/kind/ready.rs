//! `ready`: the first targets are complete, and this instant is t0.

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
