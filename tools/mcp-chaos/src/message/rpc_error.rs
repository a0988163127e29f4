//! `rpc_error`: an error of JSON-RPC in place of the result.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::edit::quoted;
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "rpc_error",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "answers become errors of JSON-RPC",
    applies: "{rate} of the answers to {method} become the error {code}",
    undone_by: "answers pass as they are",
    build: |params| Fault::action(params, Act::RpcError(RpcError::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "code",
        unit: Unit::Code,
        default: Some("-32603"),
        help: "the error's code",
    },
    Param {
        name: "message",
        unit: Unit::Text { max_bytes: 1_024 },
        default: Some("internal error (mcp-chaos)"),
        help: "the error's message",
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
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RpcError {
    code: i64,
    message: String,
}

impl RpcError {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            code: params.code("code")?,
            message: params.text("message")?.to_owned(),
        })
    }

    pub(super) fn apply(&self, answer: &mut Answer<'_>) -> Applied {
        let (id, code, message) = (answer.id()?, self.code, quoted(&self.message));
        answer.replace(
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#
            )
            .into_bytes(),
        )
    }
}
