//! What a server offers to be called: its tools, resources and prompts.

use serde_json::{Value, json};

/// Everything that the lists of a server named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// From `tools/list`.
    pub tools: Vec<Tool>,
    /// From `resources/list`.
    pub resources: Vec<Resource>,
    /// From `resources/templates/list`.
    pub resource_templates: Vec<ResourceTemplate>,
    /// From `prompts/list`.
    pub prompts: Vec<Prompt>,
    /// How many pages each list had.
    pub pages: Pages,
}

/// How many pages each list of a server had; 0 for one that was not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// Of `tools/list`.
    pub tools: usize,
    /// Of `resources/list`.
    pub resources: usize,
    /// Of `resources/templates/list`.
    pub resource_templates: usize,
    /// Of `prompts/list`.
    pub prompts: usize,
}

/// A tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// What `tools/call` calls it.
    pub name: String,
    /// The schema of its arguments; see [`crate::schema::arguments`].
    pub input_schema: Value,
    /// It says of itself that it changes nothing (`readOnlyHint`).
    pub read_only: bool,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What `resources/read` reads.
    pub uri: String,
    /// Its name, perhaps empty.
    pub name: String,
    /// Its media type, where the server says.
    pub mime_type: Option<String>,
    /// Its size, where the server says.
    pub size_bytes: Option<u64>,
}

/// A family of resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceTemplate {
    /// A URI with gaps (RFC 6570).
    pub uri_template: String,
    /// Its name, perhaps empty.
    pub name: String,
}

/// A prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What `prompts/get` gets.
    pub name: String,
    /// What it can be given; all are strings.
    pub arguments: Vec<PromptArgument>,
}

/// One argument of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// The prompt cannot be had without it.
    pub required: bool,
}

impl Tool {
    /// Reads one entry of `tools/list`; `None` where it has no name.
    pub fn from_json(entry: &Value) -> Option<Self> {
        Some(Self {
            name: text(entry, "name")?,
            input_schema: entry
                .get("inputSchema")
                .cloned()
                .unwrap_or_else(|| json!({"type": "object"})),
            read_only: entry.pointer("/annotations/readOnlyHint") == Some(&Value::Bool(true)),
        })
    }
}

impl Resource {
    /// Reads one entry of `resources/list`; `None` where it has no URI.
    pub fn from_json(entry: &Value) -> Option<Self> {
        Some(Self {
            uri: text(entry, "uri")?,
            name: text(entry, "name").unwrap_or_default(),
            mime_type: text(entry, "mimeType"),
            size_bytes: entry.get("size").and_then(Value::as_u64),
        })
    }
}

impl ResourceTemplate {
    /// Reads one entry of `resources/templates/list`; `None` where it has no template.
    pub fn from_json(entry: &Value) -> Option<Self> {
        Some(Self {
            uri_template: text(entry, "uriTemplate")?,
            name: text(entry, "name").unwrap_or_default(),
        })
    }
}

impl Prompt {
    /// Reads one entry of `prompts/list`; `None` where it has no name.
    pub fn from_json(entry: &Value) -> Option<Self> {
        let arguments = entry.get("arguments").and_then(Value::as_array);
        let argument = |entry: &Value| {
            Some(PromptArgument {
                name: text(entry, "name")?,
                required: entry.get("required") == Some(&Value::Bool(true)),
            })
        };
        Some(Self {
            name: text(entry, "name")?,
            arguments: arguments
                .into_iter()
                .flatten()
                .filter_map(argument)
                .collect(),
        })
    }
}

fn text(entry: &Value, key: &str) -> Option<String> {
    entry.get(key)?.as_str().map(str::to_owned)
}
