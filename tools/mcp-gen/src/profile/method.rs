//! The methods that a profile may call.

use protocol::revision::Era;
use serde::Deserialize;

/// A request of a client that wants an answer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Calls of tools.
    #[serde(rename = "tools/call")]
    ToolsCall,
    /// The list of tools.
    #[serde(rename = "tools/list")]
    ToolsList,
    /// The list of resources.
    #[serde(rename = "resources/list")]
    ResourcesList,
    /// The list of resource templates.
    #[serde(rename = "resources/templates/list")]
    TemplatesList,
    /// Reading the resources of the list.
    #[serde(rename = "resources/read")]
    ResourcesRead,
    /// The list of prompts.
    #[serde(rename = "prompts/list")]
    PromptsList,
    /// Getting the prompts of the list.
    #[serde(rename = "prompts/get")]
    PromptsGet,
    /// Completing arguments of prompts and templates.
    #[serde(rename = "completion/complete")]
    Complete,
    /// The legacy era's cheapest call.
    #[serde(rename = "ping")]
    Ping,
    /// The modern era's cheapest call.
    #[serde(rename = "server/discover")]
    Discover,
}

impl Method {
    /// As it stands in requests and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToolsCall => "tools/call",
            Self::ToolsList => "tools/list",
            Self::ResourcesList => "resources/list",
            Self::TemplatesList => "resources/templates/list",
            Self::ResourcesRead => "resources/read",
            Self::PromptsList => "prompts/list",
            Self::PromptsGet => "prompts/get",
            Self::Complete => "completion/complete",
            Self::Ping => "ping",
            Self::Discover => "server/discover",
        }
    }

    /// The era that alone knows this method (2026-07-28 took `ping` out and brought `server/discover`).
    #[must_use]
    pub const fn only_in(self) -> Option<Era> {
        match self {
            Self::Ping => Some(Era::Legacy),
            Self::Discover => Some(Era::Modern),
            _ => None,
        }
    }

    /// What every server of an era can answer, whatever it offers.
    #[must_use]
    pub const fn cheapest(era: Era) -> Self {
        match era {
            Era::Legacy => Self::Ping,
            Era::Modern => Self::Discover,
        }
    }
}
