//! `session_gone`: the session is not known any more, as after a restart of the server.

use super::act::Act;
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use super::http_error;
use crate::plan::kind::{Kind, Lasts, Level, Usual};

/// The kind.
pub const KIND: Kind = Kind {
    name: "session_gone",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: &[METHOD, TOOL, SESSION, NTH, RATE, AFTER, FIRST],
    help: "requests with an Mcp-Session-Id are answered by 404 and do not reach the server; method=* hits its GET and DELETE, too",
    applies: "{rate} of the requests of {method} are answered by 404, as those of a session that is gone",
    undone_by: "requests pass",
    build: |params| Fault::action(params, Act::SessionGone),
};

/// The answer, as the specification wants it.
pub(super) fn answer(closes: bool) -> Vec<u8> {
    let lines = if closes { "Connection: close\r\n" } else { "" };
    http_error::answer(404, lines, "session not found (mcp-chaos)\n")
}
