//! The stages of the run as they were planned.

use record::kind::Stage;
use std::collections::BTreeMap;

const MAX_STAGES: usize = 4_096;

/// Whether calls of a stage of this name are what the user asked to measure. A search for a knee has stages in which it
/// settles, and pauses; a run that is controlled may be paused too, or have its warm-up changed.
pub fn is_measured(stage: &str) -> bool {
    const OTHERS: [&str; 4] = ["settle-", "pause-", "paused-", "warm-up-"];
    !matches!(stage, "connect" | "warm-up" | "drain")
        && !OTHERS.iter().any(|begin| stage.starts_with(begin))
}

/// The plan of each generator's stages.
#[derive(Default)]
pub struct Stages(BTreeMap<(String, String), Stage>);

impl Stages {
    /// Takes in a stage's begin or end.
    pub fn take(&mut self, from: &str, stage: &Stage) {
        let key = (stage.stage.clone(), from.to_owned());
        if self.0.len() < MAX_STAGES || self.0.contains_key(&key) {
            self.0.insert(key, stage.clone());
        }
    }

    /// How long a stage was to last in a generator's plan, in microseconds.
    pub fn planned_us(&self, from: &str, stage: &str) -> Option<u64> {
        let known = self.0.get(&(stage.to_owned(), from.to_owned()))?;
        Some(known.planned_us)
    }

    /// When the last of the stages that were asked to be measured was to end, in Unix microseconds.
    pub fn measured_until_us(&self) -> Option<u64> {
        let measured = self.0.values().filter(|s| is_measured(&s.stage));
        measured
            .map(|s| s.start_us.saturating_add(s.planned_us))
            .max()
    }

    /// What the generators together said last of a stage.
    pub fn of<'a>(&'a self, stage: &'a str) -> impl Iterator<Item = &'a Stage> {
        self.0
            .iter()
            .filter(move |((name, _), _)| name == stage)
            .map(|(_, stage)| stage)
    }
}
