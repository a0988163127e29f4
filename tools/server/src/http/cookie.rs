//! A cookie that clients are given and should send, so that their jars can be tested: balancers stick by cookies.

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};

use crate::state::State;

/// Whether a request brings the server's cookie; counted. `None` where the server sets none.
pub(super) fn is_sent(state: &State, headers: &HeaderMap) -> Option<bool> {
    let name = state.options.cookie.as_deref()?;
    let sent = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .any(|(sent, _)| sent.trim() == name);
    state.metrics.cookie(sent);
    Some(sent)
}

/// Gives a client a cookie of its own.
pub(super) fn set(state: &State, headers: &mut HeaderMap) {
    let mut bytes = [0_u8; 8];
    if let Some(name) = &state.options.cookie
        && getrandom::fill(&mut bytes).is_ok()
        && let Ok(value) = HeaderValue::from_str(&format!(
            "{name}={:016x}; Path=/; HttpOnly",
            u64::from_ne_bytes(bytes)
        ))
    {
        headers.append(SET_COOKIE, value);
    }
}
