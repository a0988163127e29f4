//! HTTP/2 as MCP needs it from the client's side: frames, header compression, flow control and the streams of one
//! connection, no socket in sight (RFC 9113, RFC 7541).
//!
//! [`Reader`] takes what a server sends apart into [`Frame`]s; [`Streams`] keeps the other side of the connection:
//! what may be sent, and what is owed. An [`Answer`] makes of one stream's frames the same [`crate::http::Event`]s that
//! an answer over HTTP/1.1 gives. Requests are handed in as the text of HTTP/1.1 that [`crate::http::PostHead`]
//! renders: whoever makes a request need not know what carries it.
//!
//! What RFC 9113 calls a stream error mostly counts as a connection error here, as it allows (5.4.2): a server that
//! breaks frames is not one to go on with.

mod answer;
mod broken;
mod choice;
mod fields;
mod frame;
mod hpack;
mod reader;
mod request;
mod settings;
mod streams;

pub use answer::Answer;
pub use broken::Broken;
pub use choice::{Http2, NotOffered};
pub use fields::Fields;
pub use reader::{Frame, Reader};
pub use request::RequestError;
pub use settings::Settings;
pub use streams::{Opened, Streams, go_away};

/// RST_STREAM and GOAWAY codes that are told apart (RFC 9113, 7).
pub mod code {
    /// Nothing is wrong.
    pub const NO_ERROR: u32 = 0x0;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u32 = 0x1;
    /// The peer sent more than its window.
    pub const FLOW_CONTROL_ERROR: u32 = 0x3;
    /// A frame has a size that its kind cannot have.
    pub const FRAME_SIZE_ERROR: u32 = 0x6;
    /// The stream was not processed at all.
    pub const REFUSED_STREAM: u32 = 0x7;
    /// The stream is of no use any more.
    pub const CANCEL: u32 = 0x8;
    /// The header compression is out of step.
    pub const COMPRESSION_ERROR: u32 = 0x9;
    /// The peer sends too much of something.
    pub const ENHANCE_YOUR_CALM: u32 = 0xb;
}

/// The longest header list of an answer, as RFC 9113 counts it: names, values and 32 bytes for each (6.5.2).
pub const MAX_HEADER_LIST_BYTES: usize = 64 * 1024;
/// How much of an answer a server may send on one stream before we have read it.
pub const STREAM_WINDOW: u32 = 1024 * 1024;
/// The same for all streams of a connection together.
pub const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
