//! What a modern request says in its headers, which must be what its body says.

use hyper::HeaderMap;
use protocol::code;
use protocol::header;
use protocol::revision::{Era, Revision};

use crate::answer::Answer;
use crate::params::Params;
use crate::state::State;

/// Whether a request is to be read as a modern one: its body names a revision in `_meta`, or its
/// headers are those that only a modern client sends.
pub(crate) fn is_modern(state: &State, headers: &HeaderMap, params: Option<&Params<'_>>) -> bool {
    if !state.catalogue.speaks(Era::Modern) {
        return false;
    }
    !state.catalogue.speaks(Era::Legacy)
        || params.is_some_and(|params| params.modern_version().is_some())
        || headers.contains_key(header::METHOD)
        || headers
            .get(header::PROTOCOL_VERSION)
            .is_some_and(|version| version.as_bytes() == Revision::MODERN.as_str().as_bytes())
}

/// Holds the headers against the body (2026-07-28, Streamable HTTP: standard request headers).
///
/// # Errors
/// -32020 for a header that is missing or differs, then what [`State::check_modern`] finds.
pub(crate) fn check(
    state: &State,
    headers: &HeaderMap,
    id: &str,
    method: &str,
    params: &Params<'_>,
) -> Result<(), Answer> {
    let mismatch = |sentence: &str| Answer::error(id, code::HEADER_MISMATCH, sentence, None);
    let Some(version) = headers.get(header::PROTOCOL_VERSION) else {
        return Err(mismatch("the MCP-Protocol-Version header is missing"));
    };
    if let Some(in_body) = params.modern_version()
        && version.as_bytes() != in_body.as_bytes()
    {
        return Err(mismatch(
            "MCP-Protocol-Version differs from the revision in params._meta",
        ));
    }
    state.check_modern(id, params)?;
    check_method(headers, method).map_err(mismatch)?;
    check_name(headers, method, params).map_err(mismatch)
}

/// `Mcp-Method` must be there and be the method, case included; also on notifications.
pub(crate) fn check_method(headers: &HeaderMap, method: &str) -> Result<(), &'static str> {
    match headers.get(header::METHOD) {
        None => Err("the Mcp-Method header is missing"),
        Some(value) if value.as_bytes() != method.as_bytes() => {
            Err("the Mcp-Method header differs from the method in the body")
        }
        Some(_) => Ok(()),
    }
}

fn check_name(headers: &HeaderMap, method: &str, params: &Params<'_>) -> Result<(), &'static str> {
    if !header::wants_name(method) {
        return Ok(());
    }
    let name = if method == "resources/read" {
        params.uri.as_deref()
    } else {
        params.name.as_deref()
    };
    // A body without a name is refused for that, later and with a better sentence.
    let Some(name) = name else {
        return Ok(());
    };
    let Some(value) = headers.get(header::NAME) else {
        return Err("the Mcp-Name header is missing");
    };
    let decoded = value.to_str().ok().and_then(header::decode_value);
    if decoded.as_deref() == Some(name) {
        Ok(())
    } else {
        Err("the Mcp-Name header differs from the name or uri in the body")
    }
}
