//! How a client leaves when its session is over.

use clap::ValueEnum;
use serde::Deserialize;

/// How a client leaves when its session is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Leave {
    /// In due form: DELETE for a legacy session over HTTP, the closing handshake of WebSocket
    #[default]
    Delete,
    /// Without a word: the server is left with a session that nobody ends
    Abandon,
    /// One half of the sessions so, the other half so, by dice
    Mixed,
}
