//! What became of the sessions of clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of the sessions of clients. A session is the time in which a client can call: in the legacy era from
/// `initialize` on, elsewhere from the connection on. Each ends once, so that opened = deleted + abandoned + lost +
/// expired at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    /// Sessions that were opened.
    pub opened: u64,
    /// Of `opened`: those of clients that had had one before.
    #[serde(default)]
    pub reopened: u64,
    /// Ended by their client in due form: DELETE (Streamable HTTP, legacy), the closing handshake (WebSocket), or the
    /// end of the connection where there is no other form.
    #[serde(default)]
    pub deleted: u64,
    /// Of `deleted`: the server answered DELETE with anything but success, or not at all.
    #[serde(default)]
    pub delete_refused: u64,
    /// Left by their client without a word to the server.
    #[serde(default)]
    pub abandoned: u64,
    /// Ended with their connection, which the server closed or which broke.
    #[serde(default)]
    pub lost: u64,
    /// Ended by the server, which did not know them any more: 404, or 400 where it says so.
    #[serde(default)]
    pub expired: u64,
    /// Calls on a session that was deleted, made on purpose, and refused as they must be.
    #[serde(default)]
    pub dead_refused: u64,
    /// Calls on a session that was deleted, made on purpose, that were not refused as they must be.
    #[serde(default)]
    pub dead_served: u64,
}

impl Sessions {
    /// Each count under its name.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); 9] {
        [
            ("opened", self.opened),
            ("reopened", self.reopened),
            ("deleted", self.deleted),
            ("delete_refused", self.delete_refused),
            ("abandoned", self.abandoned),
            ("lost", self.lost),
            ("expired", self.expired),
            ("dead_refused", self.dead_refused),
            ("dead_served", self.dead_served),
        ]
    }

    /// Adds those of another row or interval.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.opened, other.opened),
            (&mut self.reopened, other.reopened),
            (&mut self.deleted, other.deleted),
            (&mut self.delete_refused, other.delete_refused),
            (&mut self.abandoned, other.abandoned),
            (&mut self.lost, other.lost),
            (&mut self.expired, other.expired),
            (&mut self.dead_refused, other.dead_refused),
            (&mut self.dead_served, other.dead_served),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}
