//! What acts came to since the last report, and the records that say so.

use super::kind::Kind;
use crate::home::Homes;
use crate::plan::Plan;
use crate::stages::Stages;
use record::kind::{Abuse, AbuseCount};
use std::collections::BTreeMap;

/// The row of acts for which no server was left.
pub const NOWHERE: u16 = u16::MAX;

/// What acts are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The stage in which they were due.
    pub stage: u16,
    /// The profile, by its group.
    pub group: u16,
    /// The target's row in records, or [`NOWHERE`].
    pub row: u16,
    /// What is done.
    pub kind: Kind,
}

/// How an act ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// `None` where it was right.
    pub class: Option<&'static str>,
    /// What came, where it came to that.
    pub came: Option<String>,
}

/// The counts of one thread.
#[derive(Default)]
pub struct Book {
    since: BTreeMap<Key, AbuseCount>,
    running: BTreeMap<Key, u64>,
}

impl Book {
    /// An act is due, and has begun where `begun`.
    pub fn due(&mut self, key: Key, begun: bool) {
        self.since.entry(key).or_default().scheduled += 1;
        if begun {
            *self.running.entry(key).or_default() += 1;
        }
    }

    /// An act is over; `ran` where it had begun.
    pub fn over(&mut self, key: Key, ended: Ended, ran: bool) {
        if let Some(running) = self.running.get_mut(&key).filter(|_| ran) {
            *running -= 1;
        }
        let count = self.since.entry(key).or_default();
        match ended.class {
            None => count.right += 1,
            Some(class) => *count.other.entry(class.to_owned()).or_default() += 1,
        }
        if let Some(came) = ended.came {
            *count.came.entry(came).or_default() += 1;
        }
    }

    /// Everything under way is given up.
    pub fn cancel(&mut self) {
        let cancelled = Ended {
            class: Some("cancelled"),
            came: None,
        };
        for (key, n) in self.running.clone() {
            (0..n).for_each(|_| self.over(key, cancelled.clone(), true));
        }
    }

    /// What there is to say of the interval that ends now.
    pub fn close(
        &mut self,
        plan: &Plan,
        stages: &Stages,
        homes: &Homes,
        (start_ns, end_ns): (u64, u64),
    ) -> Vec<Abuse> {
        for key in self.running.keys() {
            self.since.entry(*key).or_default();
        }
        let counts = std::mem::take(&mut self.since);
        let rows = counts.into_iter().map(|(key, count)| Abuse {
            stage: stage(stages, key.stage),
            profile: plan.groups.all()[usize::from(key.group)].profile.clone(),
            target: target(plan, homes, key.row),
            kind: key.kind.name().to_owned(),
            start_us: plan.unix_us(start_ns),
            span_us: end_ns.saturating_sub(start_ns) / 1_000,
            count,
            running: self.running.get(&key).copied().unwrap_or(0),
        });
        let rows = rows.collect();
        self.running.retain(|_, n| *n > 0);
        rows
    }
}

/// Where other stages came while nobody had time to hear of it, the last one stands for those that are none any more.
fn stage(stages: &Stages, index: u16) -> String {
    let all = stages.all();
    let stage = all.get(usize::from(index)).or(all.last());
    stage.map_or_else(String::new, |stage| stage.name.clone())
}

fn target(plan: &Plan, homes: &Homes, row: u16) -> String {
    if usize::from(row) == plan.target_rows {
        return "other".to_owned();
    }
    let home = homes.iter().find(|home| home.row == row);
    home.map_or_else(String::new, |home| home.name.clone())
}
