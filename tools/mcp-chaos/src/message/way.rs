//! How the bytes of one direction are split, and what a splitter has found.

use super::Unsplit;
use super::http::Http;
use super::lines::Lines;
use super::ws::Frames;

/// One way of splitting.
#[derive(Debug)]
pub(super) enum Way {
    Lines(Lines),
    /// Requests or answers.
    Http(Box<Http>),
    Frames(Frames),
    /// The client has asked for an upgrade: what its bytes are is only known with the answer.
    Waiting,
    /// No protocol that we know.
    Unsplit,
}

/// What the bytes that were looked at are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// All within one unit.
    Within,
    /// The head of HTTP ends behind them: the conversation says what follows.
    Head,
    /// A unit ends behind them.
    Over(Kind),
}

/// What a unit is: what lies on the wire for one message, or between messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A line with its end.
    Line,
    /// All frames of a message.
    Message,
    /// A control frame between two messages, or a message that is no text.
    Control,
    /// A head of HTTP alone.
    Head,
    /// A request or an answer with its body.
    Whole,
    /// Some events of an answer that is a stream, in whole chunks where it has chunks.
    Events,
    /// The end of such a stream.
    End,
}

impl Way {
    /// Looks at the input up to the end of a unit: how much of it that is.
    pub(super) fn next(&mut self, input: &[u8]) -> Result<(usize, Step), Unsplit> {
        match self {
            Self::Lines(lines) => lines.next(input),
            Self::Http(http) => http.next(input),
            Self::Frames(frames) => frames.next(input),
            Self::Waiting | Self::Unsplit => Ok((input.len(), Step::Within)),
        }
    }

    /// Whether a head of HTTP comes next.
    pub(super) fn is_in_head(&self) -> bool {
        matches!(self, Self::Http(http) if http.is_in_head())
    }
}
