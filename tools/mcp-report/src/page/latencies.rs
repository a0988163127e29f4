//! Response and service times of a stage's calls.

use super::{Block, Table, name, rows, several_profiles};
use crate::report::StageReport;
use crate::show;
use record::Latency;

/// Adds the latencies, where any call was ok.
pub fn blocks(stage: &StageReport, blocks: &mut Vec<Block>) {
    let profiles = several_profiles(stage);
    let mut lines = Vec::new();
    for row in rows(stage) {
        if let Some(response) = &row.response {
            lines.push(line(name(row, profiles), response));
        }
        if let Some(service) = &row.service {
            lines.push(line("\u{b7} service".to_owned(), service));
        }
    }
    if lines.is_empty() {
        return;
    }
    blocks.push(Block::Text(
        "Response time of ok calls (due to done: what a user waits); below it service time (sent to done).".to_owned(),
    ));
    let head = vec!["response", "p50", "p90", "p95", "p99", "p99.9", "max"];
    blocks.push(Block::Table(Table {
        head,
        left: 1,
        rows: lines,
    }));
}

fn line(name: String, l: &Latency) -> Vec<String> {
    let figures = [l.p50_us, l.p90_us, l.p95_us, l.p99_us, l.p999_us, l.max_us];
    std::iter::once(name)
        .chain(figures.map(show::span))
        .collect()
}
