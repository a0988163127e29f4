//! Why a connection cannot be read on: one sentence for each way in which a server breaks HTTP/2.

use super::code;

/// The connection is of no use after any of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The first frame is not SETTINGS (RFC 9113, 3.4).
    #[error("the server does not speak HTTP/2 here: use HTTP/1.1, or check the port")]
    NotHttp2,
    /// Longer than we allow, which is the least that everybody must (4.2).
    #[error("the server sent a frame of {0} bytes, and more than 16384 were never allowed")]
    FrameTooLarge(usize),
    /// A frame whose size or padding its kind cannot have.
    #[error("the server sent a malformed {0} frame")]
    BadFrame(&'static str),
    /// A frame on a stream that it cannot belong to.
    #[error("the server sent a {0} frame on a stream that cannot have it")]
    WrongStream(&'static str),
    /// Something else within a header block (6.10).
    #[error("the server sent another frame in the middle of a header block")]
    Interleaved,
    /// PUSH_PROMISE, which we forbid.
    #[error("the server pushes answers though it was told not to")]
    Push,
    /// A header block that cannot be decoded (RFC 7541).
    #[error("the server sent a header block that cannot be decoded ({0})")]
    BadBlock(&'static str),
    /// A header list beyond its limit.
    #[error("the headers of the answer are longer than {0} bytes")]
    HeadTooLarge(usize),
    /// More than the window, or a window beyond 2^31 - 1 (6.9).
    #[error("the server broke flow control ({0})")]
    FlowControl(&'static str),
    /// A setting with a value that it cannot have (6.5.2).
    #[error("the server sent an impossible value for the setting {0}")]
    BadSetting(&'static str),
    /// It asks faster than it reads what it asked for.
    #[error("the server floods the connection with {0} and does not read the answers")]
    Flood(&'static str),
}

impl Broken {
    /// What a GOAWAY tells the server about it.
    pub fn code(&self) -> u32 {
        match self {
            Self::NotHttp2
            | Self::WrongStream(_)
            | Self::Interleaved
            | Self::Push
            | Self::BadSetting(_) => code::PROTOCOL_ERROR,
            Self::FrameTooLarge(_) | Self::BadFrame(_) => code::FRAME_SIZE_ERROR,
            Self::BadBlock(_) => code::COMPRESSION_ERROR,
            Self::HeadTooLarge(_) | Self::Flood(_) => code::ENHANCE_YOUR_CALM,
            Self::FlowControl(_) => code::FLOW_CONTROL_ERROR,
        }
    }
}
