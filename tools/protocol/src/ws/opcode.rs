//! The numbers in a frame's first two bytes (RFC 6455 5.2, 11.8).

/// Goes on with a message that came in fragments.
pub const CONTINUATION: u8 = 0x0;
/// A message, UTF-8.
pub const TEXT: u8 = 0x1;
/// A message of bytes, which MCP has none of.
pub const BINARY: u8 = 0x2;
/// The end of the conversation. From here on opcodes are those of control frames.
pub const CLOSE: u8 = 0x8;
/// To be answered with a pong.
pub const PING: u8 = 0x9;
/// The answer to a ping.
pub const PONG: u8 = 0xA;

/// Set on the last fragment of a message.
pub const FIN: u8 = 0x80;
/// Set where the payload is masked, as a client's must be.
pub const MASKED: u8 = 0x80;

/// The longest payload of a control frame (5.5).
pub const MAX_CONTROL_BYTES: usize = 125;
