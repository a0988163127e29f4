//! `wrong_result_type`: a result of a kind that no client knows.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::edit::{splice, with_member};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use super::look::value;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use protocol::json::Reader;

/// What no revision knows.
const UNKNOWN: &str = "\"mcp_chaos\"";

/// The kind.
pub const KIND: Kind = Kind {
    name: "wrong_result_type",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: &[METHOD, TOOL, SESSION, NTH, RATE, AFTER, FIRST],
    help: "results have a resultType that nobody knows (2026-07-28), or are a number in place of an object (before)",
    applies: "{rate} of the answers to {method} have a wrong type of result",
    undone_by: "answers pass as they are",
    build: |params| Fault::action(params, Act::WrongResultType),
};

pub(super) fn apply(answer: &mut Answer<'_>) -> Applied {
    let result = answer.result()?;
    if !answer.call.modern {
        return answer.replace(splice(&answer.text, result, b"42"));
    }
    let text = std::str::from_utf8(&answer.text[result.clone()]).map_err(|_| "broken")?;
    let mut found = None;
    let read = Reader::new(text).object(|reader, key| {
        let is_it = key.decode().as_deref() == Some("resultType");
        let (_, at) = value(reader)?;
        if is_it {
            found = Some(result.start + at.start..result.start + at.end);
        }
        Ok(())
    });
    read.map_err(|_| "broken")?;
    let changed = match found {
        Some(at) => splice(&answer.text, at, UNKNOWN.as_bytes()),
        None => with_member(&answer.text, result, &format!("\"resultType\":{UNKNOWN}")),
    };
    answer.replace(changed)
}
