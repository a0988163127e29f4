//! The methods that the server knows, as a number to index tables with and a label for `/metrics`.

/// A method of MCP, of either era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Initialize,
    Ping,
    Discover,
    ToolsList,
    ToolsCall,
    ResourcesList,
    TemplatesList,
    ResourcesRead,
    PromptsList,
    PromptsGet,
    Complete,
    SetLevel,
    Subscribe,
    Unsubscribe,
    Listen,
    /// Whatever else a client sends; one label for all, since the name is the client's.
    Other,
}

impl Method {
    pub(crate) const ALL: [Self; 16] = [
        Self::Initialize,
        Self::Ping,
        Self::Discover,
        Self::ToolsList,
        Self::ToolsCall,
        Self::ResourcesList,
        Self::TemplatesList,
        Self::ResourcesRead,
        Self::PromptsList,
        Self::PromptsGet,
        Self::Complete,
        Self::SetLevel,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Listen,
        Self::Other,
    ];

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|method| method.label() == name)
            .unwrap_or(Self::Other)
    }

    /// The name on the wire; `other` is no method of MCP.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::Discover => "server/discover",
            Self::ToolsList => "tools/list",
            Self::ToolsCall => "tools/call",
            Self::ResourcesList => "resources/list",
            Self::TemplatesList => "resources/templates/list",
            Self::ResourcesRead => "resources/read",
            Self::PromptsList => "prompts/list",
            Self::PromptsGet => "prompts/get",
            Self::Complete => "completion/complete",
            Self::SetLevel => "logging/setLevel",
            Self::Subscribe => "resources/subscribe",
            Self::Unsubscribe => "resources/unsubscribe",
            Self::Listen => "subscriptions/listen",
            Self::Other => "other",
        }
    }

    /// Whether the known truth (latency, workers, errors) applies: not to the handshake, so that a
    /// client finds its dialect whatever is being measured, nor to a stream that stays open.
    pub(crate) const fn is_timed(self) -> bool {
        !matches!(self, Self::Initialize | Self::Discover | Self::Listen)
    }
}
