//! `header_mismatch`: headers and body do not say the same.

use super::act::Act;
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use super::http;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "header_mismatch",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "requests of 2026-07-28 reach the server with a header that differs from their body; before, answers have a wrong Content-Type; only over HTTP (elsewhere counted as not_http)",
    applies: "{rate} of the requests of {method} have a wrong {header}, or their answers a wrong Content-Type",
    undone_by: "headers pass as they are",
    build: |params| {
        Fault::action(
            params,
            Act::HeaderMismatch(HeaderMismatch::from_params(params)?),
        )
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "header",
        unit: Unit::Choice(&["Mcp-Method", "Mcp-Name"]),
        default: Some("Mcp-Method"),
        help: "which one of a request",
    },
    METHOD,
    TOOL,
    SESSION,
    NTH,
    RATE,
    AFTER,
    FIRST,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HeaderMismatch {
    header: &'static str,
}

impl HeaderMismatch {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            header: match params.text("header")? {
                "Mcp-Name" => "Mcp-Name",
                _ => "Mcp-Method",
            },
        })
    }

    /// The head of a request with the wrong header; `None` where it has no such header.
    pub(super) fn request(self, head: &[u8]) -> Option<Vec<u8>> {
        http::with(head, self.header, |value| match value {
            b"tools/call" => b"tools/list".to_vec(),
            value => [value, b"-mismatch"].concat(),
        })
    }
}

/// The head of an answer with a Content-Type that MCP knows nothing of; `None` where it has none.
pub(super) fn reply(head: &[u8]) -> Option<Vec<u8>> {
    http::with(head, "Content-Type", |_| b"text/html".to_vec())
}
