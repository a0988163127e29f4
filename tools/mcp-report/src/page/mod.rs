//! The report as a page for people: titles, facts and tables, which the terminal and Markdown each draw in their way.

mod abuse;
mod anatomy;
mod audit;
mod calls;
mod errors;
mod faults;
mod gates;
mod happenings;
mod health;
mod heard;
mod knee;
mod latencies;
mod ran;
mod stages;

use crate::conclude::Conclusion;
use crate::verdict::Word;

/// A piece of the page.
pub enum Block {
    /// The verdict, and a few words beside it.
    Banner(Word, String),
    /// A heading.
    Title(String),
    /// A sentence.
    Text(String),
    /// Sentences, each on its own.
    List(Vec<String>),
    /// Names and what there is to say of them.
    Facts(Vec<(&'static str, String)>),
    /// Rows and columns.
    Table(Table),
}

/// A table. The first `left` columns are texts, the others figures.
pub struct Table {
    pub head: Vec<&'static str>,
    pub left: usize,
    pub rows: Vec<Vec<String>>,
}

/// Which stages a page shows.
pub enum Stages<'a> {
    Measured,
    All,
    Named(&'a str),
}

impl<'a> Stages<'a> {
    /// From `--stage`.
    pub fn of(option: Option<&'a str>) -> Self {
        match option {
            None => Self::Measured,
            Some("all") => Self::All,
            Some(name) => Self::Named(name),
        }
    }

    fn shows(&self, stage: &crate::report::StageReport) -> bool {
        match self {
            Self::Measured => stage.measured,
            Self::All => true,
            Self::Named(name) => *name == stage.stage,
        }
    }
}

/// Lays out the page.
pub fn page(of: &Conclusion, stages: &Stages<'_>) -> Vec<Block> {
    let report = &of.report;
    let mut blocks = vec![Block::Banner(of.verdict.word, beside(of))];
    if !of.verdict.reasons.is_empty() {
        blocks.push(Block::List(of.verdict.reasons.clone()));
    }
    ran::blocks(report, &mut blocks);
    health::blocks(report, &mut blocks);
    knee::blocks(report, &mut blocks);
    abuse::blocks(report, &mut blocks);
    audit::blocks(report, &mut blocks);
    let shown: Vec<_> = report.stages.iter().filter(|s| stages.shows(s)).collect();
    if let (Stages::Named(name), true) = (stages, shown.is_empty()) {
        let known: Vec<&str> = report.stages.iter().map(|s| s.stage.as_str()).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        blocks.push(Block::Text(format!(
            "No call was due in a stage {name:?}; stages with calls: {known}."
        )));
    }
    stages::blocks(&shown, &mut blocks);
    // Each in full would bury the table; one that is asked for by its name is shown so.
    if shown.len() <= stages::MOST_IN_FULL {
        for stage in shown {
            calls::blocks(stage, &mut blocks);
            latencies::blocks(stage, &mut blocks);
        }
    }
    anatomy::blocks(report, &mut blocks);
    heard::blocks(report, &mut blocks);
    errors::blocks(report, &mut blocks);
    faults::blocks(report, &mut blocks);
    happenings::blocks(report, &mut blocks);
    gates::blocks(&of.gates, &mut blocks);
    happenings::warnings(report, &mut blocks);
    blocks
}

fn beside(of: &Conclusion) -> String {
    use crate::gate::State;
    let gates = of.gates.len();
    let held = of.gates.iter().filter(|g| g.state == State::Pass).count();
    match of.verdict.word {
        Word::None => "not judged".to_owned(),
        Word::Pass if gates == 0 => {
            "the run is whole and valid; no gates were given (--fail-if 'p99 > 200ms')".to_owned()
        }
        _ if gates == 0 => "no gates were given".to_owned(),
        _ => format!("{held} of {gates} gates passed"),
    }
}

/// The name of a row: profile where there are several, method, tool.
fn name(row: &crate::report::Row, with_profile: bool) -> String {
    let Some(method) = &row.method else {
        return "total".to_owned();
    };
    let profile = row.profile.as_deref().filter(|_| with_profile);
    let parts = [profile, Some(method.as_str()), row.tool.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Whether the rows of a stage are of several profiles.
fn several_profiles(stage: &crate::report::StageReport) -> bool {
    stage.rows.windows(2).any(|w| w[0].profile != w[1].profile)
}

/// The rows of a stage and its total; a total of one row would say it twice.
fn rows(stage: &crate::report::StageReport) -> impl Iterator<Item = &crate::report::Row> {
    let total = (stage.rows.len() > 1).then_some(&stage.total);
    stage.rows.iter().chain(total)
}
