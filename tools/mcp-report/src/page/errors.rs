//! Outcomes besides ok, by class, with the codes behind them.

use super::{Block, Table};
use crate::report::Report;
use crate::show;

/// Adds the section, where there are any.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    if report.errors.is_empty() {
        return;
    }
    let rows = report.errors.iter().map(|e| {
        let codes: Vec<String> = e
            .codes
            .iter()
            .map(|(code, n)| format!("{code} \u{d7} {}", show::count(*n)))
            .collect();
        vec![
            e.class.clone(),
            codes.join(", "),
            show::count(e.calls),
            show::share(e.share),
        ]
    });
    let head = vec!["class", "codes", "calls", "of scheduled"];
    blocks.push(Block::Title("Outcomes besides ok".to_owned()));
    blocks.push(Block::Table(Table {
        head,
        left: 2,
        rows: rows.collect(),
    }));
}
