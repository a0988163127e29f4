//! Messages on a connection: from whom, in what framing, and what is to be passed on when.

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who connected: mcp-gen.
    Client,
    /// Who was connected to: the target.
    Server,
}

impl Side {
    /// The end across.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How messages lie on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// HTTP/1.1, answers as JSON or as events, and WebSocket after an upgrade.
    Http,
    /// JSON, one message a line.
    Lines,
}

/// What is to be passed on. The relay sends in the order of (`at_us`, order of passing), whole ones at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// Bytes.
    Bytes {
        /// Who gets them.
        to: Side,
        /// Not before this instant (CLOCK_MONOTONIC, µs).
        at_us: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The end of the stream (FIN), behind what was passed with the same or an earlier instant.
    End {
        /// Whose stream ends.
        to: Side,
        /// Not before this instant (CLOCK_MONOTONIC, µs).
        at_us: u64,
    },
    /// Both connections end.
    Close {
        /// Not before this instant (CLOCK_MONOTONIC, µs).
        at_us: u64,
        /// By RST.
        reset: bool,
    },
}
