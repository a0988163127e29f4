//! Why an upgrade came to nothing: one sentence for each kind of answer that is no WebSocket.

use crate::http::Broken;

/// Why there is no WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// Another status than 101.
    #[error("the server answered {status} instead of switching to WebSocket{}{}",
        location.as_ref().map(|to| format!(" (it points to {to})")).unwrap_or_default(),
        if body.is_empty() { String::new() } else { format!(": {body}") })]
    Refused {
        /// The status.
        status: u16,
        /// Where a redirect points to; it is not followed.
        location: Option<String>,
        /// The beginning of the body, at most 1 KiB.
        body: String,
    },
    /// 101 without `Upgrade: websocket` and `Connection: Upgrade`.
    #[error("the server answered 101, but to another protocol than WebSocket")]
    NotWebSocket,
    /// The proof that the server understood is missing or wrong.
    #[error(
        "the server's sec-websocket-accept is missing or wrong: something between caches or rewrites answers"
    )]
    BadAccept,
    /// A subprotocol that was not offered, and is not `mcp` either.
    #[error("the server chose the subprotocol `{got}`, where {} was offered",
        offered.as_ref().map_or("none".to_owned(), |offered| format!("`{offered}`")))]
    SubprotocolMismatch {
        /// What was offered.
        offered: Option<String>,
        /// What was answered.
        got: String,
    },
    /// An extension, though none was offered.
    #[error("the server switched on the extension `{0}`, which was not offered")]
    Extension(String),
    /// The connection ended before the answer was whole.
    #[error("the server closed the connection instead of answering the upgrade")]
    Ended,
    /// The answer is not HTTP.
    #[error(transparent)]
    Http(#[from] Broken),
}
