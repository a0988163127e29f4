//! Whether the stream is whole: everyone who could deliver a last word has done so.

use super::Run;

impl Run {
    /// What is missing, a sentence each; empty for a whole stream.
    pub fn torn(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let names = self.generator_names();
        for from in &names {
            let generator = self.generators.get(*from);
            let mut lacks = Vec::new();
            if !self.tools.all().any(|t| t.from == *from) {
                lacks.push("start");
            }
            if generator.is_none_or(|g| g.last.is_none()) {
                lacks.push("final summary");
            }
            if self.tools.end_of(from).is_none() {
                lacks.push("end");
            }
            if !lacks.is_empty() {
                missing.push(format!(
                    "the stream is torn: {from} left no {}",
                    lacks.join(" and no ")
                ));
            }
        }
        let expected = self.expected_generators as usize;
        if names.len() < expected {
            missing.push(format!(
                "the stream is torn: {expected} generators were to report and {} did",
                names.len()
            ));
        }
        for tool in self.tools.behind() {
            if self.tools.end_of(&tool.from).is_none() {
                missing.push(format!("the stream is torn: {} left no end", tool.from));
            }
        }
        missing
    }
}
