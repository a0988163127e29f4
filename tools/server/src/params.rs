//! The parameters of every method in one struct, so that a message is read in one pass.

use protocol::revision::Revision;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::level::Level;
use crate::message::Text;

/// All that any method of ours looks at; what a client adds is ignored.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    pub(crate) meta: Option<Meta<'a>>,
    /// tools/call, prompts/get.
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    /// tools/call, prompts/get.
    #[serde(borrow)]
    pub(crate) arguments: Option<&'a RawValue>,
    /// resources/read, subscribe and unsubscribe.
    #[serde(borrow)]
    pub(crate) uri: Option<Text<'a>>,
    /// The lists.
    #[serde(borrow)]
    pub(crate) cursor: Option<Text<'a>>,
    /// initialize.
    #[serde(borrow, rename = "protocolVersion")]
    pub(crate) protocol_version: Option<Text<'a>>,
    /// completion/complete.
    #[serde(borrow, rename = "ref")]
    pub(crate) reference: Option<Reference<'a>>,
    /// completion/complete.
    #[serde(borrow)]
    pub(crate) argument: Option<Argument<'a>>,
    /// logging/setLevel.
    #[serde(borrow)]
    pub(crate) level: Option<Text<'a>>,
    /// subscriptions/listen.
    #[serde(borrow)]
    pub(crate) notifications: Option<Wanted<'a>>,
    /// notifications/cancelled.
    #[serde(borrow, rename = "requestId")]
    pub(crate) request_id: Option<&'a RawValue>,
}

/// `params._meta`; its first two fields make a request modern (2026-07-28).
#[derive(Debug, Deserialize)]
pub(crate) struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    pub(crate) protocol_version: Option<Text<'a>>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    pub(crate) client_capabilities: Option<&'a RawValue>,
    /// Ours: tells a call from every other one, for `--audit`.
    #[serde(borrow, rename = "mcpipe/token")]
    token: Option<&'a RawValue>,
    /// From which level on a modern client wants log messages (2026-07-28, logging).
    #[serde(borrow, rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<Text<'a>>,
    #[serde(borrow, rename = "progressToken")]
    pub(crate) progress_token: Option<&'a RawValue>,
}

/// What a modern client wants to hear of; the lists never change here.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted<'a> {
    #[serde(borrow, default, rename = "resourceSubscriptions")]
    pub(crate) resources: Vec<Text<'a>>,
}

/// What is to be completed.
#[derive(Debug, Deserialize)]
pub(crate) struct Reference<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) uri: Option<Text<'a>>,
}

/// The argument whose beginning has been typed.
#[derive(Debug, Deserialize)]
pub(crate) struct Argument<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) value: Text<'a>,
}

impl<'a> Params<'a> {
    /// Reads the parameters of a message; absent ones are empty ones. `None` where they are no
    /// object or a field has a wrong type.
    pub(crate) fn read(raw: Option<&'a str>) -> Option<Self> {
        let Some(raw) = raw else {
            return Some(Self::default());
        };
        // serde would take an array for the fields in order.
        if !raw.starts_with('{') {
            return None;
        }
        serde_json::from_str(raw).ok()
    }

    /// The revision named in `_meta`, which only a modern client names.
    pub(crate) fn modern_version(&self) -> Option<&str> {
        self.meta.as_ref()?.protocol_version.as_deref()
    }

    /// Whether `_meta` holds all that a modern request must carry, in a revision of that era.
    pub(crate) fn is_modern_and_whole(&self) -> bool {
        self.modern_version() == Some(Revision::MODERN.as_str())
            && self
                .meta
                .as_ref()
                .and_then(|meta| meta.client_capabilities)
                .is_some_and(|capabilities| capabilities.get().starts_with('{'))
    }

    /// The token that tells the call from every other one: a string or a number of at most 256 bytes.
    pub(crate) fn audit_token(&self) -> Option<&'a str> {
        scalar(self.meta.as_ref()?.token?.get()).filter(|token| token.len() <= 256)
    }

    /// From which level on a modern client wants log messages.
    pub(crate) fn log_level(&self) -> Option<Level> {
        Level::named(self.meta.as_ref()?.log_level.as_deref()?)
    }

    /// The token under which the client wants to hear of progress: a string or a number.
    pub(crate) fn progress_token(&self) -> Option<&'a str> {
        scalar(self.meta.as_ref()?.progress_token?.get())
    }
}

/// A string or a number.
fn scalar(json: &str) -> Option<&str> {
    json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
        .then_some(json)
}
