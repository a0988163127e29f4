//! `stage`: a stage of the load began or ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a stage asked for, and, at its end, what was reached.
///
/// Stages are pinned to t0: `connect`, `warm-up`, `steady` (or those asked for), `drain`. Those asked for are called by
/// what they are and their place in the list: `ramp-1`, `hold-2`, `step-3`, `spike-4`. A search for a
/// knee adds three for each step while it goes on: `settle-1`, `knee-1`, which is judged, and `pause-1`, which lasts until
/// all calls are over, however much longer it was planned. A load that is controlled over HTTP has `paused-1`, in which no
/// call is due, and after it, or with another rate, the rest of a stage under a name of its own: `steady-2`, `ramp-1-2`.
/// A stage that was ended before its time has in its `ended` record the length and the rates that it came to.
///
#[doc = concat!("```json\n", include_str!("examples/stage.json"), "```")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// Its name: `connect`, `warm-up`, `steady`, `ramp-1`, `drain`, ….
    pub stage: String,
    /// `began` or `ended`.
    pub state: String,
    /// When it was planned to begin, in Unix microseconds.
    pub start_us: u64,
    /// How long it was planned to last, in microseconds; at its end, where that came before its time, how long it lasted.
    pub planned_us: u64,
    /// Clients asked for; at its end, where their number changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<u64>,
    /// Where the number of clients changes: how many there are at its begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients_from: Option<u64>,
    /// Calls per second asked for, over all clients of this generator, the mean over the stage; absent in the closed model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_per_s: Option<f64>,
    /// Where the rate changes: calls per second at its begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_per_s: Option<f64>,
    /// Where the rate changes: calls per second at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_per_s: Option<f64>,
    /// At the end: connections that stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
    /// At the end: calls per second that were ok within the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_per_s: Option<f64>,
}
