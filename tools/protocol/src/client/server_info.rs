//! What a server says about itself, in the answer to `initialize` or `server/discover`.

use serde_json::Value;

use super::error::excerpt;
use crate::revision::{Era, Revision};

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// Its name, perhaps empty.
    pub name: String,
    /// Its version, perhaps empty.
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What a server announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `tools/list` and `tools/call`.
    pub tools: bool,
    /// `resources/list` and `resources/read`.
    pub resources: bool,
    /// `resources/subscribe`, or resources in `subscriptions/listen`.
    pub subscriptions: bool,
    /// `prompts/list` and `prompts/get`.
    pub prompts: bool,
    /// `completion/complete`.
    pub completions: bool,
    /// `logging/setLevel`.
    pub logging: bool,
}

/// What a result of `server/discover` says, if it is one and names a revision that we speak.
pub(super) fn modern_server(result: &Value) -> Option<ServerInfo> {
    let versions = result.get("supportedVersions")?.as_array()?;
    versions
        .iter()
        .any(|version| version == Revision::MODERN.as_str())
        .then(|| {
            let meta = result.pointer("/_meta/io.modelcontextprotocol~1serverInfo");
            server_info(result, meta.unwrap_or(&result["serverInfo"]))
        })
}

pub(super) fn server_info(result: &Value, info: &Value) -> ServerInfo {
    let text = |key: &str| info.get(key).and_then(Value::as_str).unwrap_or_default();
    let has = |key: &str| {
        result
            .pointer("/capabilities")
            .and_then(|all| all.get(key))
            .is_some_and(|value| !value.is_null())
    };
    ServerInfo {
        name: excerpt(text("name").as_bytes()),
        version: excerpt(text("version").as_bytes()),
        capabilities: Capabilities {
            tools: has("tools"),
            resources: has("resources"),
            subscriptions: result.pointer("/capabilities/resources/subscribe")
                == Some(&Value::Bool(true)),
            prompts: has("prompts"),
            completions: has("completions"),
            logging: has("logging"),
        },
    }
}

/// The revisions in an error's `data.supported`.
pub(super) fn revisions(data: &Value) -> Vec<String> {
    let supported = data.get("supported").and_then(Value::as_array);
    let supported = supported.into_iter().flatten().take(16);
    supported
        .filter_map(|text| text.as_str().map(|text| excerpt(text.as_bytes())))
        .collect()
}

/// A revision of the legacy era that we know.
pub(super) fn legacy_revision(text: &str) -> Option<Revision> {
    let revision: Revision = text.parse().ok()?;
    (revision.era() == Era::Legacy).then_some(revision)
}
