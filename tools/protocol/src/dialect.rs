//! What discovery found out about how a server speaks, once per origin.

use crate::revision::{Era, Revision};

/// How a server speaks MCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// The era of `revision`.
    pub era: Era,
    /// The revision that both sides agreed on.
    pub revision: Revision,
    /// WebSocket: the server takes the subprotocol `mcp`. Without it, don't offer it.
    pub subprotocol: bool,
    /// Streamable HTTP, legacy: the server gives out session ids.
    pub sessions: bool,
}

impl Dialect {
    /// A dialect of this revision without sessions; `subprotocol` as a WebSocket client offers it by default.
    pub const fn new(revision: Revision) -> Self {
        Self {
            era: revision.era(),
            revision,
            subprotocol: true,
            sessions: false,
        }
    }

    /// Whether each request says its revision in the `MCP-Protocol-Version` header.
    pub fn has_version_header(&self) -> bool {
        self.revision >= Revision::V2025_06_18
    }
}
