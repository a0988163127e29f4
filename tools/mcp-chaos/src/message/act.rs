//! What is done with a message that is hit: one variant for each kind, and which of them concern answers.

use super::answer::{Answer, Applied};
use super::cut_stream::CutStream;
use super::delay_answer::DelayAnswer;
use super::drip::Drip;
use super::header_mismatch::HeaderMismatch;
use super::http_error::HttpError;
use super::oversize::Oversize;
use super::reorder_answers::ReorderAnswers;
use super::rpc_error::RpcError;
use super::tool_error::ToolError;
use super::truncate_json::TruncateJson;
use super::{drop_answer, duplicate_answer, wrong_result_type};

/// One way of doing it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    Drop,
    Delay(DelayAnswer),
    Duplicate,
    Reorder(ReorderAnswers),
    SwapIds,
    Truncate(TruncateJson),
    ToolError(ToolError),
    RpcError(RpcError),
    HttpError(HttpError),
    SessionGone,
    CutStream(CutStream),
    Drip(Drip),
    Oversize(Oversize),
    WrongResultType,
    HeaderMismatch(HeaderMismatch),
}

impl Act {
    /// Whether it is decided when a request is seen, and only over HTTP.
    pub(super) const fn is_of_requests(&self) -> bool {
        matches!(
            self,
            Self::HttpError(_) | Self::SessionGone | Self::CutStream(_) | Self::HeaderMismatch(_)
        )
    }

    /// Whether requests must be held until they are whole.
    pub(super) const fn holds_requests(&self) -> bool {
        matches!(self, Self::SessionGone | Self::HeaderMismatch(_))
    }

    /// Does it to an answer. `chance` is a number from 0 to 1 of its own.
    pub(super) fn answer(&self, answer: &mut Answer<'_>, chance: f64) -> Applied {
        match self {
            Self::Drop => drop_answer::apply(answer),
            Self::Delay(delay) => delay.apply(answer, chance),
            Self::Duplicate => duplicate_answer::apply(answer),
            Self::Reorder(reorder) => reorder.apply(answer),
            Self::Truncate(truncate) => truncate.apply(answer),
            Self::ToolError(error) => error.apply(answer),
            Self::RpcError(error) => error.apply(answer),
            Self::Drip(drip) => drip.apply(answer),
            Self::Oversize(oversize) => oversize.apply(answer),
            Self::WrongResultType => wrong_result_type::apply(answer),
            // Done where requests are seen, and with all answers of a connection in sight.
            Self::HttpError(_)
            | Self::SessionGone
            | Self::CutStream(_)
            | Self::HeaderMismatch(_)
            | Self::SwapIds => Ok(()),
        }
    }
}
