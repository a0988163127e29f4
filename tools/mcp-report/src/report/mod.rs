//! The report as data: what `--format json` gives, and what the other forms are made from.
//!
//! Field names are stable; fields may be added. Times are in µs, rates per second, shares fractions.

mod anatomy;
mod build;
mod calls;
mod faults;
mod generator;
mod ran;
#[cfg(test)]
mod schema;

pub use anatomy::AnatomyReport;
pub use build::{State, build};
pub use calls::{Asked, Connections, ErrorClass, Row, StageReport};
pub use faults::{CallsReport, FaultReport, PhaseReport};
pub use generator::GeneratorReport;
pub use ran::{Ran, ToolReport};

use record::kind::{AbuseCount, Audit, Dialect, Heard, Knee};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole report.
#[derive(Serialize, JsonSchema)]
pub struct Report {
    /// What ran.
    pub run: Ran,
    /// The tools of the pipeline, the first of it first.
    pub tools: Vec<ToolReport>,
    /// What was spoken with each origin.
    pub dialects: Vec<Dialect>,
    /// How the generators were doing, together.
    pub generator: GeneratorReport,
    /// The figures, stage by stage: what was asked to be measured first.
    pub stages: Vec<StageReport>,
    /// The knees that were searched for, one of each generator.
    pub knees: Vec<Knee>,
    /// Which calls the servers executed, one audit of each generator that made one.
    pub audits: Vec<Audit>,
    /// What servers made of deliberately bad behaviour, by kind; in no other figure.
    pub abuse: BTreeMap<String, AbuseCount>,
    /// Setting up connections, over the whole run.
    pub connections: Connections,
    /// How long the parts of connections and calls took.
    pub anatomy: AnatomyReport,
    /// What clients heard besides answers, over the whole run; absent where nothing.
    pub heard: Option<Heard>,
    /// All outcomes besides ok of the measured stages, with the codes behind them.
    pub errors: Vec<ErrorClass>,
    /// What happened to servers and processes.
    pub events: Vec<EventReport>,
    /// The faults that were injected, and what each did to the load.
    pub faults: Vec<FaultReport>,
    /// The share of calls that `budget_burnt` of a fault lets succeed; a fraction.
    pub objective: f64,
    /// So many seconds were added up to one far from any fault, since the run is long; absent where none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_added_up: Option<u64>,
    /// What the tools warned of, and what was wrong with the input.
    pub warnings: Vec<WarningReport>,
    /// Warnings beyond those that are kept.
    pub more_warnings: u64,
    /// Whether each row's intervals add up to its summary.
    pub intervals_checked: CheckedReport,
    /// What was left out to fit the report into a line of 1 MiB; absent for all but huge ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortened: Option<String>,
}

/// An event and how often it happened.
#[derive(Serialize, JsonSchema)]
pub struct EventReport {
    /// `exited`, `restarted`, ….
    pub event: String,
    /// The target's name; empty where there is none.
    pub target: String,
    /// How often it happened to this target.
    pub times: u64,
    /// When first, in Unix microseconds.
    pub first_us: u64,
    /// The last one's sentence.
    pub text: Option<String>,
}

/// A warning and how often it came.
#[derive(Serialize, JsonSchema)]
pub struct WarningReport {
    /// A short name in snake_case.
    pub code: String,
    /// What happened, in one sentence.
    pub text: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Who warned: tool and instance.
    pub from: String,
    /// How often the same sentence came from the same tool.
    pub times: u64,
}

/// What was compared.
#[derive(Serialize, JsonSchema)]
pub struct CheckedReport {
    /// Rows of figures whose intervals were added up.
    pub rows: u64,
    /// Those that do not balance, a sentence each.
    pub mismatches: Vec<String>,
}

impl WarningReport {
    /// As a line: who, what, the remedy, how often.
    pub fn line(&self) -> String {
        let tool = self.from.split('#').next().unwrap_or(&self.from);
        let remedy = self
            .remedy
            .as_ref()
            .map(|r| format!("; {r}"))
            .unwrap_or_default();
        let times = if self.times > 1 {
            format!(" (\u{d7} {})", self.times)
        } else {
            String::new()
        };
        format!("{tool}: {}{remedy}{times}", self.text)
    }
}
