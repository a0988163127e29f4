//! What came of an act: the first thing that a server did about it.

use protocol::answer::Incoming;
use protocol::outcome::Outcome;

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// A result.
    Result,
    /// A JSON-RPC error, over HTTP with a status of success.
    Error(i64),
    /// An HTTP status that is no success, with the code of the error in its body where there is one.
    Status(u16, Option<i64>),
    /// A WebSocket's close frame.
    CloseFrame(Option<u16>),
    /// The end of the connection, or a reset.
    Closed,
    /// Something that is no answer of MCP.
    Nonsense,
    /// Nothing in time.
    Silence,
    /// The server takes in no more.
    Stalled,
    /// The server took in all that there was.
    TookAll,
    /// Both of two requests were answered.
    Both,
    /// One of two was.
    OneOfTwo,
    /// After a rude end, the next connection was served.
    Served,
    /// It was not.
    NotServed,
}

impl Came {
    /// An answer by its outcome.
    #[must_use]
    pub fn answer(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok | Outcome::ToolError | Outcome::InputRequired => Self::Result,
            Outcome::RpcError(code) => Self::Error(code),
            _ => Self::Nonsense,
        }
    }

    /// A whole HTTP body with its status.
    #[must_use]
    pub fn response(status: u16, body: &[u8]) -> Self {
        let answer = match protocol::answer::read(body) {
            Ok(Incoming::Answer { outcome, .. }) => Some(Self::answer(outcome)),
            _ => None,
        };
        match (status, answer) {
            (200..300, Some(came)) => came,
            (200..300, None) => Self::Nonsense,
            (status, Some(Self::Error(code))) => Self::Status(status, Some(code)),
            (status, _) => Self::Status(status, None),
        }
    }

    /// Whether it answers a request, whatever it says.
    #[must_use]
    pub fn is_answer(self) -> bool {
        matches!(self, Self::Result | Self::Error(_) | Self::Status(..))
    }

    /// The name in records.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Result => "result".to_owned(),
            Self::Error(code) => format!("rpc_{code}"),
            Self::Status(status, None) => format!("http_{status}"),
            Self::Status(status, Some(code)) => format!("http_{status}_rpc_{code}"),
            Self::CloseFrame(None) => "ws_close".to_owned(),
            Self::CloseFrame(Some(code)) => format!("ws_{code}"),
            Self::Closed => "closed".to_owned(),
            Self::Nonsense => "nonsense".to_owned(),
            Self::Silence => "silence".to_owned(),
            Self::Stalled => "stalled".to_owned(),
            Self::TookAll => "took_all".to_owned(),
            Self::Both => "both_answered".to_owned(),
            Self::OneOfTwo => "one_of_two".to_owned(),
            Self::Served => "served_again".to_owned(),
            Self::NotServed => "not_served_again".to_owned(),
        }
    }

    /// The class in records, where it is not right.
    #[must_use]
    pub fn class_of_wrong(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Silence | Self::OneOfTwo => "no_answer",
            _ => "wrong_answer",
        }
    }
}
