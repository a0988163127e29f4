//! `end`: a tool's last word.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a tool ended. A stream in which it is missing is torn.
///
#[doc = concat!("```json\n", include_str!("examples/end.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// `done`, `interrupted`, `stopped` (by who was allowed to, over HTTP), `reader_left` or `failed`.
    pub why: String,
    /// The exit status it is about to return; 128 + signal where it was interrupted.
    pub exit: u8,
    /// Records of its own that it wrote, this one included.
    #[serde(default)]
    pub written: u64,
    /// Lines that it forwarded.
    #[serde(default)]
    pub forwarded: u64,
    /// Records that it had to drop, since its reader was too slow.
    #[serde(default)]
    pub dropped: u64,
}
