//! Why frames cannot be read on: one sentence for each way in which a server breaks RFC 6455.

/// The connection is of no use after any of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WsBroken {
    /// Only clients mask (section 5.1).
    #[error("the server sent a masked frame")]
    Masked,
    /// Reserved bits belong to extensions, and none was agreed on (5.2).
    #[error("the server sent a frame with reserved bits: it compresses though nothing offered it")]
    ReservedBits,
    /// An opcode without a meaning (5.2).
    #[error("the server sent a frame of the unknown kind {0:#x}")]
    UnknownOpcode(u8),
    /// MCP messages are text.
    #[error("the server sent a binary frame: MCP messages come in text frames")]
    Binary,
    /// A length in more bytes than it needs, or beyond 2^63 (5.2).
    #[error("the server sent a frame whose length is not encoded in the fewest bytes")]
    BadLength,
    /// A ping, pong or close with more than 125 bytes, or in fragments (5.5).
    #[error(
        "the server sent a ping, pong or close frame that is fragmented or longer than 125 bytes"
    )]
    BadControl,
    /// A close frame whose code or reason is malformed (5.5.1, 7.4).
    #[error("the server sent a malformed close frame")]
    BadClose,
    /// A continuation without a beginning (5.4).
    #[error("the server continued a message that it had not begun")]
    NothingToContinue,
    /// A new message within a fragmented one (5.4).
    #[error("the server began a message in the middle of another")]
    Interleaved,
    /// A text message that is no UTF-8 (8.1).
    #[error("the server sent a text message that is not UTF-8")]
    NotUtf8,
    /// The message exceeds its limit.
    #[error("the server sent a message of more than {0} bytes: raise the limit on message size")]
    TooLarge(usize),
}
