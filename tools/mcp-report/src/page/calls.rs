//! Counts and rates of a stage's calls, and how they were spread over targets.

use super::{Block, Table, name, rows, several_profiles};
use crate::report::StageReport;
use crate::show;

/// Adds the stage's title and its counts.
pub fn blocks(stage: &StageReport, blocks: &mut Vec<Block>) {
    let asked = stage
        .total
        .asked_per_s
        .map(|r| format!(", {} asked", show::per_s(r)))
        .unwrap_or_default();
    let got = stage
        .total
        .achieved_per_s
        .map(|r| format!(", {} achieved", show::per_s(r)))
        .unwrap_or_default();
    blocks.push(Block::Title(format!(
        "Stage {}: {}{asked}{got}",
        stage.stage,
        show::span(stage.span_us)
    )));

    // Columns that say nothing new are left out: a terminal is 80 columns wide.
    let sent = rows(stage).any(|r| r.sent != r.scheduled);
    let open = rows(stage).any(|r| r.asked_per_s.is_some());
    let mut head = vec!["call", "scheduled"];
    head.extend(sent.then_some("sent"));
    head.extend(["ok", "errors", "error rate"]);
    head.extend(open.then_some("asked"));
    head.push("achieved");
    let profiles = several_profiles(stage);
    let lines = rows(stage).map(|r| {
        let mut cells = vec![name(r, profiles), show::count(r.scheduled)];
        cells.extend(sent.then(|| show::count(r.sent)));
        cells.push(show::count(r.ok));
        cells.push(show::count(r.errors.values().sum()));
        cells.push(r.error_rate.map_or_else(dash, show::share));
        if open {
            cells.push(r.asked_per_s.map_or_else(dash, show::per_s));
        }
        cells.push(r.achieved_per_s.map_or_else(dash, show::per_s));
        cells
    });
    blocks.push(Block::Table(Table {
        head,
        left: 1,
        rows: lines.collect(),
    }));
    if stage.targets.len() > 1 {
        targets(stage, blocks);
    }
}

fn targets(stage: &StageReport, blocks: &mut Vec<Block>) {
    let rows = stage.targets.iter().map(|t| {
        vec![
            t.target.clone(),
            show::count(t.scheduled),
            show::count(t.ok),
            show::count(t.errors.values().sum()),
            t.error_rate.map_or_else(dash, show::share),
            t.achieved_per_s.map_or_else(dash, show::per_s),
        ]
    });
    let head = vec![
        "target",
        "scheduled",
        "ok",
        "errors",
        "error rate",
        "achieved",
    ];
    blocks.push(Block::Table(Table {
        head,
        left: 1,
        rows: rows.collect(),
    }));
}

fn dash() -> String {
    "-".to_owned()
}
