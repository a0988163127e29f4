//! Where the time went: the parts of connections and of answers.

use super::{Block, Table};
use crate::report::Report;
use crate::show;

/// Adds the table, where anything is known.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let a = &report.anatomy;
    let parts = [
        ("connection: TCP", &a.tcp),
        ("connection: TLS", &a.tls),
        ("connection: handshake", &a.handshake),
        ("answer: first byte", &a.first),
        ("answer: gap of events", &a.gap),
        ("answer: last byte", &a.last),
    ];
    let rows: Vec<Vec<String>> = parts
        .into_iter()
        .filter_map(|(name, latency)| {
            let l = latency.as_ref()?;
            let figures = [l.p50_us, l.p90_us, l.p99_us, l.p999_us, l.max_us].map(show::span);
            let begin = [name.to_owned(), show::count(l.count)];
            Some(begin.into_iter().chain(figures).collect())
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    blocks.push(Block::Title("Anatomy".to_owned()));
    blocks.push(Block::Table(Table {
        head: vec!["part", "count", "p50", "p90", "p99", "p99.9", "max"],
        left: 1,
        rows,
    }));
}
