//! `tool_error`: the tool says that it failed (`isError`), in an answer that is otherwise fine.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::edit::quoted;
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use super::names::Name;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "tool_error",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "tools say that they failed (isError), in place of their result",
    applies: "{rate} of the answers to {method} become a result with isError",
    undone_by: "answers pass as they are",
    build: |params| Fault::action(params, Act::ToolError(ToolError::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "text",
        unit: Unit::Text { max_bytes: 1_024 },
        default: Some("the tool failed (mcp-chaos)"),
        help: "what the tool says",
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
pub(super) struct ToolError {
    text: String,
}

impl ToolError {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            text: params.text("text")?.to_owned(),
        })
    }

    pub(super) fn apply(&self, answer: &mut Answer<'_>) -> Applied {
        if answer.call.method != Name::TOOLS_CALL {
            return Err("not_a_tool");
        }
        let id = answer.id()?;
        let kind = if answer.call.modern {
            r#""resultType":"complete","#
        } else {
            ""
        };
        let text = quoted(&self.text);
        answer.replace(
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{{kind}"content":[{{"type":"text","text":{text}}}],"isError":true}}}}"#
            )
            .into_bytes(),
        )
    }
}
