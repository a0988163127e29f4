//! WebSocket (RFC 6455) from the client's side: the upgrade, and a framer that copies nothing when a
//! message lies whole in the input.
//!
//! No extension is ever offered: compression would be measured along with the server.

mod broken;
mod frame;
mod handshake;
mod header;
pub mod opcode;
mod upgrade_error;
mod write;

pub use broken::WsBroken;
pub use frame::{Frame, FrameReader, Limits};
pub use handshake::{ExpectedAccept, Upgrade, Upgraded, accept_key, upgrade_request};
pub use upgrade_error::UpgradeError;
pub use write::{write_close, write_ping, write_pong, write_text};
