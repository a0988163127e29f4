//! The tools that took part: their first and their last words.

use record::kind::{End, Start};
use std::collections::BTreeMap;

const MAX_TOOLS: usize = 4_096;

/// A tool of the pipeline.
pub struct Tool {
    /// Tool and instance.
    pub from: String,
    /// The stream it was in: a file of the command line.
    pub source: usize,
    /// How it introduced itself.
    pub start: Start,
}

impl Tool {
    /// Whether it makes load.
    pub fn is_generator(&self) -> bool {
        self.start.tool == "mcp-gen"
    }
}

/// All of them, in the order in which they introduced themselves: the last of a pipe first.
#[derive(Default)]
pub struct Tools {
    started: Vec<Tool>,
    ended: BTreeMap<String, End>,
    /// Whoever introduced itself twice: a stream given twice.
    pub twice: Option<String>,
}

impl Tools {
    /// A tool's first word.
    pub fn start(&mut self, source: usize, from: String, start: Start) {
        if self.started.iter().any(|t| t.from == from) {
            self.twice.get_or_insert(from);
        } else if self.started.len() < MAX_TOOLS {
            self.started.push(Tool {
                from,
                source,
                start,
            });
        }
    }

    /// A tool's last word.
    pub fn end(&mut self, from: String, end: End) {
        if self.ended.len() < MAX_TOOLS {
            self.ended.insert(from, end);
        }
    }

    /// All that introduced themselves.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Tool> {
        self.started.iter()
    }

    /// What a tool said last.
    pub fn end_of(&self, from: &str) -> Option<&End> {
        self.ended.get(from)
    }

    /// Who failed: (from, exit status).
    pub fn failed(&self) -> impl Iterator<Item = (&str, u8)> {
        self.ended
            .iter()
            .filter(|(_, end)| end.why == "failed")
            .map(|(from, end)| (from.as_str(), end.exit))
    }

    /// The filters that stand behind the generators, whose `end` must be in the stream.
    ///
    /// A tool writes its `start` before it forwards anything, so the one of a filter behind comes before that of the
    /// generator; those upstream of the generator come after it, and cannot deliver an `end` through it.
    pub fn behind(&self) -> impl Iterator<Item = &Tool> {
        self.started
            .iter()
            .enumerate()
            .filter(|(i, tool)| {
                let later = &self.started[*i..];
                !tool.is_generator()
                    && tool.start.tool != "mcp-report"
                    && !self.started[..*i]
                        .iter()
                        .any(|t| t.source == tool.source && t.is_generator())
                    && later
                        .iter()
                        .any(|t| t.source == tool.source && t.is_generator())
            })
            .map(|(_, tool)| tool)
    }
}
