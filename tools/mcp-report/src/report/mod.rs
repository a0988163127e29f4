//! The report as data: what `--format json` gives, and what the other forms are made from.
//!
//! Field names are stable; fields may be added. Times are in µs, rates per second, shares fractions.

mod build;
mod calls;
mod generator;
mod ran;

pub use build::build;
pub use calls::{Connections, ErrorClass, Row, StageReport};
pub use generator::GeneratorReport;
pub use ran::{Ran, ToolReport};

use record::kind::Dialect;
use serde::Serialize;

/// The whole report.
#[derive(Serialize)]
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
    /// Setting up connections, over the whole run.
    pub connections: Connections,
    /// All outcomes besides ok of the measured stages, with the codes behind them.
    pub errors: Vec<ErrorClass>,
    /// What happened to servers and processes.
    pub events: Vec<EventReport>,
    /// The faults that were injected.
    pub faults: Vec<FaultReport>,
    /// What the tools warned of, and what was wrong with the input.
    pub warnings: Vec<WarningReport>,
    /// Warnings beyond those that are kept.
    pub more_warnings: u64,
    /// Whether each row's intervals add up to its summary.
    pub intervals_checked: CheckedReport,
}

/// An event and how often it happened.
#[derive(Serialize)]
pub struct EventReport {
    pub event: String,
    pub target: String,
    pub times: u64,
    /// When first, in Unix microseconds.
    pub first_us: u64,
    pub text: Option<String>,
}

/// A fault and its window.
#[derive(Serialize)]
pub struct FaultReport {
    pub id: String,
    pub kind: String,
    pub targets: Vec<String>,
    /// `began`, `ended` or `failed`: the last that was heard of it.
    pub state: String,
    pub began_us: Option<u64>,
    pub ended_us: Option<u64>,
    pub text: Option<String>,
}

/// A warning and how often it came.
#[derive(Serialize)]
pub struct WarningReport {
    pub code: String,
    pub text: String,
    pub remedy: Option<String>,
    /// Who warned.
    pub from: String,
    pub times: u64,
}

/// What was compared.
#[derive(Serialize)]
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
