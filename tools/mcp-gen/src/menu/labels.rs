//! What rows are named by: a profile and a method, and a tool for `tools/call`.

use crate::groups::Group;

/// What a row is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The group whose profile it is, by its index.
    pub group: u16,
    /// The JSON-RPC method; `connect` for connections.
    pub method: String,
    /// The tool.
    pub tool: Option<String>,
}

/// Labels over all servers of the run, in order of appearance; the first ones are those of each group's connections.
#[derive(Clone, Debug)]
pub struct Labels {
    all: Vec<Label>,
    groups: u16,
    /// Tools of a group beyond this many share the label `other`.
    max_tools: usize,
    /// Those that do.
    folded: Vec<String>,
}

/// So many they may be.
const MAX_TOOLS: usize = 32;
/// The same with `--by tool`.
const MAX_TOOLS_BY: usize = 1_000;

impl Labels {
    /// Those of connections: a group's index is its label. Tools are told apart by the thousand where that is wanted.
    #[must_use]
    pub fn new(groups: &[Group], by_tool: bool) -> Self {
        let groups = groups.len() as u16;
        let connect = |group| Label {
            group,
            method: "connect".to_owned(),
            tool: None,
        };
        Self {
            all: (0..groups).map(connect).collect(),
            groups,
            max_tools: if by_tool { MAX_TOOLS_BY } else { MAX_TOOLS },
            folded: Vec::new(),
        }
    }

    /// How many tools share a label.
    #[must_use]
    pub fn folded(&self) -> usize {
        self.folded.len()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Label] {
        &self.all
    }

    /// Whether a label names connections instead of calls.
    #[must_use]
    pub fn is_connect(&self, label: u16) -> bool {
        label < self.groups
    }

    /// The first label that names calls.
    #[must_use]
    pub fn first_call(&self) -> u16 {
        self.groups
    }

    /// The label of a call, which may be a new one.
    pub fn index(&mut self, group: u16, method: &str, tool: Option<&str>) -> u16 {
        let find = |all: &[Label], tool: Option<&str>| {
            all.iter()
                .position(|l| l.group == group && l.method == method && l.tool.as_deref() == tool)
        };
        if let Some(i) = find(&self.all, tool) {
            return i as u16;
        }
        let of_group = self.all.iter().filter(|l| l.group == group);
        let tools = of_group.filter(|l| l.tool.is_some()).count();
        let has_room = tools < self.max_tools;
        if let Some(tool) = tool.filter(|t| !has_room && !self.folded.iter().any(|f| f == t)) {
            self.folded.push(tool.to_owned());
        }
        let tool = tool.map(|t| if has_room { t } else { "other" });
        if let Some(i) = find(&self.all, tool) {
            return i as u16;
        }
        self.all.push(Label {
            group,
            method: method.to_owned(),
            tool: tool.map(str::to_owned),
        });
        (self.all.len() - 1) as u16
    }
}
