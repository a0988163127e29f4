//! What became of a call: one of fourteen classes, settled once and for all tools.

/// What became of a call. Small and `Copy`, so that a worker keeps it beside its timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A result, and no complaint in it.
    Ok,
    /// A result with `isError: true`.
    ToolError,
    /// A JSON-RPC error with this code.
    RpcError(i64),
    /// An HTTP status that is no success.
    HttpError(u16),
    /// No connection: refused, unreachable, TLS or WebSocket handshake failed.
    ConnectFailed,
    /// The connection went away before the answer began.
    ConnectionClosed {
        /// The call went out on a kept connection, so that the server may have closed it as idle.
        reused: bool,
    },
    /// The answer's stream ended without the answer.
    StreamEnded,
    /// No answer in time, counted from the instant it was sent.
    Timeout,
    /// Never sent: it waited longer than the timeout or the backlog allowed.
    Abandoned,
    /// A bad frame, bad JSON, or something that is no answer of MCP.
    ProtocolError,
    /// The server does not know our session any more (legacy).
    SessionLost,
    /// The server wants to ask the user something first (2026-07-28).
    InputRequired,
    /// Still running when the run was ended.
    Cancelled,
    /// Never sent: the generator itself was too late.
    Shed,
}

impl Outcome {
    /// The names of the classes, in the order of [`Outcome::index`].
    pub const CLASSES: [&'static str; 14] = [
        "ok",
        "tool_error",
        "rpc_error",
        "http_error",
        "connect_failed",
        "connection_closed",
        "stream_ended",
        "timeout",
        "abandoned",
        "protocol_error",
        "session_lost",
        "input_required",
        "cancelled",
        "shed",
    ];

    /// The name of the class, as it stands in records.
    pub const fn class(self) -> &'static str {
        Self::CLASSES[self.index()]
    }

    /// The number of the class, from 0, for arrays of counters.
    pub const fn index(self) -> usize {
        match self {
            Self::Ok => 0,
            Self::ToolError => 1,
            Self::RpcError(_) => 2,
            Self::HttpError(_) => 3,
            Self::ConnectFailed => 4,
            Self::ConnectionClosed { .. } => 5,
            Self::StreamEnded => 6,
            Self::Timeout => 7,
            Self::Abandoned => 8,
            Self::ProtocolError => 9,
            Self::SessionLost => 10,
            Self::InputRequired => 11,
            Self::Cancelled => 12,
            Self::Shed => 13,
        }
    }

    /// The JSON-RPC code or HTTP status that came with it.
    pub const fn code(self) -> Option<i64> {
        match self {
            Self::RpcError(code) => Some(code),
            Self::HttpError(status) => Some(status as i64),
            _ => None,
        }
    }
}
