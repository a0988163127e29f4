//! An answer to a call, and what is known about it before it leaves.

use crate::level::Level;
use crate::metrics::Outcome;
use crate::reply;
use crate::subscriptions::Instant;

/// An answer and what is known about it.
pub(crate) struct Answer {
    /// The JSON-RPC message.
    pub(crate) text: String,
    /// Its code, where it is an error; decides the HTTP status.
    pub(crate) code: Option<i64>,
    pub(crate) outcome: Outcome,
    /// Work beyond the usual latency.
    pub(crate) own_ns: u64,
    pub(crate) steps: Option<Box<Steps>>,
    /// The JSON of the token that the call carries.
    pub(crate) token: Option<Box<str>>,
    /// The resource that the call changed, and when.
    pub(crate) changed: Option<Box<(String, Instant)>>,
}

/// Notifications on the way to an answer.
pub(crate) struct Steps {
    pub(crate) about: About,
    pub(crate) n: u32,
    pub(crate) every_ns: u64,
}

/// What notifications on the way tell of.
pub(crate) enum About {
    /// Progress, under this token. JSON: a string or a number.
    Progress(String),
    /// Nothing that matters: log messages of this level.
    Log(Level),
}

impl Steps {
    /// The k-th notification, k from 1.
    pub(crate) fn message(&self, k: u32) -> String {
        match &self.about {
            About::Progress(token) => format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{k},"total":{}}}}}"#,
                self.n
            ),
            About::Log(level) => format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{}","logger":"mcpipe","data":"message {k} of {}"}}}}"#,
                level.name(),
                self.n
            ),
        }
    }
}

impl Answer {
    pub(crate) fn done(text: String) -> Self {
        Self {
            text,
            code: None,
            outcome: Outcome::Ok,
            own_ns: 0,
            steps: None,
            token: None,
            changed: None,
        }
    }

    pub(crate) fn error(id: &str, code: i64, message: &str, data: Option<&str>) -> Self {
        Self {
            text: reply::error(id, code, message, data),
            code: Some(code),
            outcome: Outcome::RpcError,
            own_ns: 0,
            steps: None,
            token: None,
            changed: None,
        }
    }
}
