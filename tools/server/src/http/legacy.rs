//! What a legacy request says in its headers: which session, which revision.

use std::sync::Arc;

use hyper::{HeaderMap, StatusCode};
use protocol::header;
use protocol::revision::{Era, Revision};

use super::refusal::Refusal;
use crate::metrics::Class;
use crate::options::Gone;
use crate::session::Session;
use crate::state::State;

/// The session and revision of a request.
pub(crate) struct Context {
    /// None where the server keeps no sessions.
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) revision: Revision,
}

/// Reads the headers (2025-11-25, Streamable HTTP: session management, protocol version header).
///
/// # Errors
/// 400 without a session or with an unknown revision, 404 for a session that is gone.
pub(crate) fn context(state: &State, headers: &HeaderMap) -> Result<Context, Refusal> {
    let revision = revision(headers)?;
    if state.options.stateless {
        return Ok(Context {
            session: None,
            revision: revision.unwrap_or(ASSUMED),
        });
    }
    let Some(id) = headers.get(header::SESSION_ID) else {
        let sentence =
            "no Mcp-Session-Id header: send initialize first and repeat the header of its answer";
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            Class::SessionMissing,
            sentence,
        ));
    };
    let session = id.to_str().ok().and_then(|id| state.sessions.get(id));
    let Some(session) = session else {
        let sentence =
            "no such session, it has ended: send initialize without the Mcp-Session-Id header";
        let status = match state.options.gone {
            Gone::NotFound => StatusCode::NOT_FOUND,
            Gone::BadRequest => StatusCode::BAD_REQUEST,
        };
        return Err(Refusal::new(status, Class::SessionUnknown, sentence));
    };
    Ok(Context {
        revision: revision.unwrap_or(session.revision),
        session: Some(session),
    })
}

/// What a client speaks that does not say: the header is younger than sessions.
const ASSUMED: Revision = Revision::V2025_03_26;

/// The revision in the header, if there is one.
///
/// # Errors
/// 400 for one that is not spoken in this era.
pub(crate) fn revision(headers: &HeaderMap) -> Result<Option<Revision>, Refusal> {
    let Some(value) = headers.get(header::PROTOCOL_VERSION) else {
        return Ok(None);
    };
    match value.to_str().unwrap_or_default().parse::<Revision>() {
        Ok(revision) if revision.era() == Era::Legacy => Ok(Some(revision)),
        _ => {
            let sentence =
                "unknown MCP-Protocol-Version: use the one that initialize was answered with";
            Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                Class::UnsupportedVersion,
                sentence,
            ))
        }
    }
}
