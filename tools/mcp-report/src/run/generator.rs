//! One mcp-gen of the run: what its intervals add up to, its summaries, and its last one.

use super::figures::Figures;
use super::key::Key;
use record::kind::{Interval, Summary};
use std::collections::BTreeMap;

/// What one generator wrote.
#[derive(Default)]
pub struct Generator {
    /// Its intervals, added up over time and targets.
    pub intervals: BTreeMap<Key, Figures>,
    /// Its summaries.
    pub summaries: BTreeMap<Key, Figures>,
    /// Its final summary.
    pub last: Option<Summary>,
}

impl Generator {
    /// Takes in an interval; false when there are too many rows already.
    pub fn interval(&mut self, interval: &Interval) -> bool {
        let key = Key::from(interval);
        if self.intervals.len() >= super::MAX_ROWS && !self.intervals.contains_key(&key) {
            return false;
        }
        self.intervals
            .entry(key)
            .or_default()
            .add_interval(interval);
        true
    }

    /// Takes in a summary; false when there are too many rows already.
    pub fn summary(&mut self, summary: Summary) -> bool {
        if summary.is_final {
            self.last = Some(summary);
            return true;
        }
        let key = Key::from(&summary);
        if self.summaries.len() >= super::MAX_ROWS && !self.summaries.contains_key(&key) {
            return false;
        }
        self.summaries.insert(key, Figures::of_summary(&summary));
        true
    }

    /// Its rows: a summary where there is one, else the sum of the intervals. `planned_us` tells how long a stage was
    /// to last; a run that was cut short lasted only as long as calls were due.
    pub fn rows(
        &self,
        ended_well: bool,
        planned_us: impl Fn(&str) -> Option<u64>,
    ) -> BTreeMap<Key, Figures> {
        let mut rows = self.summaries.clone();
        for (key, sum) in &self.intervals {
            rows.entry(key.clone()).or_insert_with(|| sum.clone());
        }
        for (key, row) in &mut rows {
            if let Some(planned) = planned_us(&key.stage).filter(|p| *p > 0) {
                row.span_us = row.span_us.min(planned);
            }
            if let Some(sum) = self.intervals.get(key).filter(|_| !ended_well) {
                let lasted = sum.due_until_us.saturating_sub(row.start_us);
                row.span_us = row.span_us.min(lasted);
            }
        }
        rows
    }
}
