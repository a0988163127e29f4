//! `http_error`: a status of HTTP in place of the server's answer, as from an overloaded balancer.

use super::act::Act;
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "http_error",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "requests are answered by an error of HTTP, though the server gets them and its answer is thrown away; only over HTTP (elsewhere counted as not_http)",
    applies: "{rate} of the requests of {method} are answered by the status {status}",
    undone_by: "answers pass as they are",
    build: |params| Fault::action(params, Act::HttpError(HttpError::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "status",
        unit: Unit::Count { min: 400, max: 599 },
        default: Some("503"),
        help: "the status",
    },
    Param {
        name: "retry_after",
        unit: Unit::Time { max_s: 86_400 },
        default: None,
        help: "Retry-After, in whole seconds",
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
pub(super) struct HttpError {
    status: u64,
    retry_after_s: Option<u64>,
}

impl HttpError {
    fn from_params(params: &Params) -> Result<Self, String> {
        let retry = params
            .has("retry_after")
            .then(|| params.time("retry_after"));
        Ok(Self {
            status: params.count("status")?,
            // Half a second is no number of seconds; 0 would ask for a retry at once.
            retry_after_s: retry
                .transpose()?
                .map(|time| time.as_millis().div_ceil(1_000) as u64),
        })
    }

    /// The whole answer.
    pub(super) fn answer(self) -> Vec<u8> {
        let retry = self
            .retry_after_s
            .map_or_else(String::new, |s| format!("Retry-After: {s}\r\n"));
        answer(
            self.status,
            &retry,
            "mcp-chaos answers in place of the server\n",
        )
    }
}

/// An answer of HTTP; `lines` are more header lines.
pub(super) fn answer(status: u64, lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let reason = reason(status);
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\n{lines}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

const fn reason(status: u64) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}
