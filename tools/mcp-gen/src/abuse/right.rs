//! Which reactions of a server to abuse are right, by JSON-RPC 2.0, RFC 6455, RFC 9110 and MCP.

use super::came::Came;
use super::kind::Kind;
use protocol::code;
use protocol::revision::Era;
use protocol::transport::Transport;

/// Whether a server that is spoken to like this did right. Where a specification leaves a choice, each of it is right.
#[must_use]
pub fn is_right(kind: Kind, transport: Transport, era: Era, came: Came) -> bool {
    let is_modern_http = transport == Transport::Http && era == Era::Modern;
    match (kind, came) {
        // A client that breaks the framing, or that JSON ends in the middle of, may be hung up on.
        (
            Kind::MalformedJson
            | Kind::TruncatedFrame
            | Kind::DuplicateId
            | Kind::OversizedBody
            | Kind::HalfOpen
            | Kind::SlowSender
            | Kind::NeverReads,
            Came::Closed | Came::CloseFrame(_),
        ) => true,

        (Kind::MalformedJson, Came::Error(got)) => got == code::PARSE_ERROR,
        // "An HTTP error status code (e.g., 400 Bad Request)", whose body may be anything (MCP 2025-11-25, transports);
        // some servers look at the body's type first.
        (Kind::MalformedJson, Came::Status(status, _)) => matches!(status, 400 | 415 | 422),
        (Kind::WrongVersion, Came::Error(got)) => got == code::INVALID_REQUEST,
        (Kind::WrongVersion, Came::Status(status, _)) => matches!(status, 400 | 422),

        (Kind::UnknownMethod, Came::Error(got) | Came::Status(_, Some(got))) => {
            got == code::METHOD_NOT_FOUND
        }
        // 2026-07-28, Streamable HTTP: an unknown method is 404.
        (Kind::UnknownMethod, Came::Status(404, None)) => is_modern_http,
        (Kind::InvalidParams, Came::Error(got) | Came::Status(_, Some(got))) => {
            got == code::INVALID_PARAMS || (is_modern_http && got == code::HEADER_MISMATCH)
        }

        (Kind::DuplicateId, came) => came == Came::Both,
        (Kind::Disconnect, came) => came == Came::Served,
        (Kind::NeverReads, came) => came == Came::Stalled,

        (Kind::OversizedBody, Came::Status(status, _)) => status == 413,
        (Kind::OversizedBody | Kind::TruncatedFrame, Came::Error(_)) => true,
        (Kind::TruncatedFrame, Came::Status(status, _)) => matches!(status, 400 | 408),
        (Kind::HalfOpen | Kind::SlowSender, Came::Error(_)) => true,
        (Kind::HalfOpen | Kind::SlowSender, Came::Status(status, _)) => {
            matches!(status, 400 | 408 | 431)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_never_right_and_a_result_neither() {
        for kind in Kind::ALL {
            for came in [Came::Silence, Came::Result, Came::Nonsense, Came::TookAll] {
                for (transport, era) in [
                    (Transport::Ws, Era::Legacy),
                    (Transport::Http, Era::Modern),
                    (Transport::Tcp, Era::Modern),
                ] {
                    assert!(!is_right(kind, transport, era, came), "{kind:?} {came:?}");
                }
            }
        }
    }

    #[test]
    fn codes_and_statuses_are_held_against_the_specifications() {
        let right = |kind, came| is_right(kind, Transport::Http, Era::Modern, came);
        let legacy = |kind, came| is_right(kind, Transport::Http, Era::Legacy, came);
        assert!(right(
            Kind::UnknownMethod,
            Came::Status(404, Some(code::METHOD_NOT_FOUND))
        ));
        assert!(right(Kind::UnknownMethod, Came::Status(404, None)));
        assert!(!legacy(Kind::UnknownMethod, Came::Status(404, None)));
        assert!(legacy(
            Kind::UnknownMethod,
            Came::Error(code::METHOD_NOT_FOUND)
        ));
        assert!(!legacy(
            Kind::UnknownMethod,
            Came::Error(code::INVALID_PARAMS)
        ));
        assert!(right(
            Kind::InvalidParams,
            Came::Status(400, Some(code::HEADER_MISMATCH))
        ));
        assert!(!legacy(
            Kind::InvalidParams,
            Came::Status(400, Some(code::HEADER_MISMATCH))
        ));
        assert!(right(Kind::OversizedBody, Came::Status(413, None)));
        assert!(!right(Kind::OversizedBody, Came::Status(500, None)));
        assert!(!right(Kind::WrongVersion, Came::Closed));
        assert!(!right(Kind::UnknownMethod, Came::Closed));
        assert!(right(Kind::SlowSender, Came::Status(408, None)));
    }
}
