//! Events in brief, and the warnings.

use super::{Block, Table};
use crate::report::Report;
use crate::show;

/// Adds the events, where there are any.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let t0 = report.run.t0_us;
    if !report.events.is_empty() {
        let rows = report.events.iter().map(|e| {
            vec![
                e.event.clone(),
                e.target.clone(),
                show::count(e.times),
                show::since(t0, e.first_us),
            ]
        });
        blocks.push(Block::Title("Events".to_owned()));
        let head = vec!["event", "target", "times", "first"];
        blocks.push(Block::Table(Table {
            head,
            left: 2,
            rows: rows.collect(),
        }));
    }
}

/// Adds the warnings, where there are any.
pub fn warnings(report: &Report, blocks: &mut Vec<Block>) {
    if report.warnings.is_empty() {
        return;
    }
    let mut lines: Vec<String> = report.warnings.iter().map(|w| w.line()).collect();
    if report.more_warnings > 0 {
        lines.push(format!(
            "{} more warnings are not shown",
            show::count(report.more_warnings)
        ));
    }
    blocks.push(Block::Title("Warnings".to_owned()));
    blocks.push(Block::List(lines));
}
