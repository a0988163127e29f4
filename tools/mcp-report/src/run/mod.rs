//! Everything that a stream said about its run, gathered record by record; bounded by combinations, not by calls.

mod anatomy;
mod conserve;
mod figures;
mod generator;
mod happenings;
mod heard;
mod key;
mod seconds;
mod stages;
mod thin;
mod tools;
mod warnings;
mod whole;

pub use anatomy::{Anatomy, Part};
pub use conserve::Checked;
pub use figures::{Counts, Figures};
pub use generator::Generator;
pub use happenings::{FaultSeen, Happenings, Instant};
pub use heard::{Heard, Sound};
pub use key::{Key, TargetKey};
pub use seconds::{At, Cell, Seconds, signed};
pub use stages::Stages;

use stages::is_measured;
pub use tools::{Tool, Tools};
pub use warnings::Warnings;

use record::kind::AbuseCount;
use record::{Body, Record};
use std::collections::{BTreeMap, BTreeSet};

/// The method of the rows that hold connections instead of calls.
pub const CONNECT: &str = "connect";
const MAX_GENERATORS: usize = 1_024;
/// Steps of several generators that begin further apart are not steps of one load.
const MOST_APART_US: u64 = 500_000;
/// Combinations kept apart, of one generator and of all targets: a generator itself folds tools and targets well before.
const MAX_ROWS: usize = 16_384;

/// What is known of a run.
#[derive(Default)]
pub struct Run {
    /// Its id, from the tools that measured; more than one is a mistake.
    pub ids: BTreeSet<String>,
    /// Who took part.
    pub tools: Tools,
    /// Each mcp-gen, by its `from`.
    pub generators: BTreeMap<String, Generator>,
    /// When each stage began and how long it was planned.
    pub stages: Stages,
    /// Counts by target, from the intervals.
    pub targets: BTreeMap<TargetKey, Counts>,
    /// Calls by second and target, from the intervals.
    pub seconds: Seconds,
    /// t0 in Unix microseconds.
    pub t0_us: Option<u64>,
    /// How many generators were to report.
    pub expected_generators: u32,
    /// Events and faults.
    pub happenings: Happenings,
    /// What tools warned of.
    pub warnings: Warnings,
    /// The latest `ts_us` in the stream.
    pub last_ts_us: u64,
    /// Rows left out, since there were too many combinations.
    pub rows_left_out: u64,
}

impl Run {
    /// Takes in one record of the stream number `source`.
    pub fn take(&mut self, source: usize, record: Record) {
        self.last_ts_us = self.last_ts_us.max(record.ts_us);
        let from = record.from;
        // Records of other runs may pass through (a target from an old file); only who measures decides.
        if matches!(
            record.body,
            Body::Start(_) | Body::Interval(_) | Body::Summary(_)
        ) && !record.run.is_empty()
            && self.ids.len() < 8
        {
            self.ids.insert(record.run);
        }
        match record.body {
            Body::Start(start) => self.tools.start(source, from, *start),
            Body::End(end) => self.tools.end(from, *end),
            Body::Ready(ready) => {
                self.t0_us.get_or_insert(ready.t0_us);
                self.expected_generators =
                    self.expected_generators.max(ready.generators.unwrap_or(1));
            }
            Body::Stage(stage) => self.stages.take(&from, &stage),
            Body::Interval(interval) => {
                self.by_target(&interval);
                self.seconds.take(self.t0_us, &interval);
                let left = self.generator(from).map(|g| g.interval(&interval));
                self.rows_left_out += u64::from(left != Some(true));
            }
            Body::Summary(summary) => {
                let left = self.generator(from).map(|g| g.summary(*summary));
                self.rows_left_out += u64::from(left != Some(true));
            }
            Body::Event(event) => self.happenings.event(record.ts_us, *event),
            Body::Fault(fault) => {
                self.seconds.edge(fault.at_us);
                self.happenings.fault(&from, *fault);
            }
            Body::Warning(warning) => self.warnings.take(&from, *warning),
            // Single calls and samples, and what final summaries add up, are not needed here: they went past for others.
            Body::Target(_)
            | Body::Call(_)
            | Body::Abuse(_)
            | Body::Sample(_)
            | Body::Verdict(_) => {}
        }
    }

    fn generator(&mut self, from: String) -> Option<&mut Generator> {
        if self.generators.len() >= MAX_GENERATORS && !self.generators.contains_key(&from) {
            return None;
        }
        Some(self.generators.entry(from).or_default())
    }

    fn by_target(&mut self, interval: &record::kind::Interval) {
        let key = TargetKey::of(interval);
        if self.targets.len() < MAX_ROWS || self.targets.contains_key(&key) {
            let counts = self.targets.entry(key).or_default();
            counts.add(&Counts::from(interval));
        }
    }

    /// The instances of mcp-gen: those that said `start`, and those that wrote figures without.
    pub fn generator_names(&self) -> BTreeSet<&str> {
        let started = self.tools.all().filter(|t| t.is_generator());
        started
            .map(|t| t.from.as_str())
            .chain(self.generators.keys().map(String::as_str))
            .collect()
    }

    /// Whether calls of this stage are what the user asked to measure. A search for a knee goes beyond what the server
    /// can do: those of its steps that missed its condition say where the limit is, and are not judged by gates.
    pub fn is_measured(&self, stage: &str) -> bool {
        let missed = |s: &record::kind::KneeStep| s.stage == stage && s.judgement != "met";
        is_measured(stage) && !self.knees().any(|knee| knee.steps.iter().any(missed))
    }

    /// The knees that generators have searched for.
    pub fn knees(&self) -> impl Iterator<Item = &record::kind::Knee> {
        let lasts = self.generators.values().filter_map(|g| g.last.as_ref());
        lasts.filter_map(|last| last.knee.as_ref())
    }

    /// What servers made of bad behaviour, by kind, over all generators.
    pub fn abuse(&self) -> BTreeMap<String, AbuseCount> {
        let mut sums: BTreeMap<String, AbuseCount> = BTreeMap::new();
        let lasts = self.generators.values().filter_map(|g| g.last.as_ref());
        for (kind, count) in lasts.filter_map(|last| last.abuse.as_ref()).flatten() {
            sums.entry(kind.clone()).or_default().add(count);
        }
        sums
    }

    /// The audits of all generators. The error says why one of them can't be judged by.
    pub fn audits(&self) -> Result<Vec<&record::kind::Audit>, String> {
        let lasts = self.generators.values().filter_map(|g| g.last.as_ref());
        lasts
            .filter_map(|last| last.audit.as_ref())
            .map(|audit| match &audit.incomplete {
                Some(why) => Err(format!("the audit can't be judged: {why}")),
                None => Ok(audit),
            })
            .collect()
    }

    /// Whether several generators' searches were parts of one load: for the same condition, and each step at the same
    /// time. Each judges by itself, so they may part.
    pub fn knees_are_one_load(&self) -> bool {
        let conditions: BTreeSet<&str> = self.knees().map(|k| k.condition.as_str()).collect();
        let lengths: BTreeSet<usize> = self.knees().map(|k| k.steps.len()).collect();
        let steps = self.knees().flat_map(|knee| &knee.steps);
        let mut together = steps.map(|step| {
            let begins = || self.stages.of(&step.stage).map(|s| s.start_us);
            let apart = begins().max().zip(begins().min()).map(|(a, b)| a - b);
            apart.is_some_and(|us| us <= MOST_APART_US)
        });
        conditions.len() == 1 && lengths.len() == 1 && together.all(|is| is)
    }

    /// The figures of each combination over all generators: their summaries, or what the intervals add up to where a
    /// generator did not live to write one.
    pub fn rows(&self) -> BTreeMap<Key, Figures> {
        let mut all: BTreeMap<Key, Figures> = BTreeMap::new();
        for (from, generator) in &self.generators {
            for (key, figures) in self.rows_of(from, generator) {
                match all.get_mut(&key) {
                    Some(sum) => sum.join(&figures),
                    None => drop(all.insert(key, figures)),
                }
            }
        }
        all
    }

    /// The same of one generator.
    pub fn rows_of(&self, from: &str, generator: &Generator) -> BTreeMap<Key, Figures> {
        let planned = |stage: &str| self.stages.planned_us(from, stage);
        generator.rows(self.ended_well(from), planned)
    }

    /// Whether a generator came to the end of its plan.
    pub fn ended_well(&self, from: &str) -> bool {
        self.tools.end_of(from).is_some_and(|end| end.why == "done")
    }

    /// Whether a generator was interrupted, by a signal or by a word over HTTP.
    pub fn is_interrupted(&self) -> bool {
        self.generator_names().iter().any(|from| {
            self.tools
                .end_of(from)
                .is_some_and(|e| ["interrupted", "stopped"].contains(&e.why.as_str()))
        })
    }
}
