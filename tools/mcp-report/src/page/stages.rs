//! The stages beside each other, where a run has several: what each asked for, what was achieved, and how long calls took.

use super::{Block, Table};
use crate::report::{Asked, StageReport};
use crate::show;

/// More stages than this are shown in this table only.
pub const MOST_IN_FULL: usize = 3;

/// Adds the table, where there are at least two stages.
pub fn blocks(stages: &[&StageReport], blocks: &mut Vec<Block>) {
    if stages.len() < 2 {
        return;
    }
    blocks.push(Block::Title("Stages".to_owned()));
    let clients = stages.iter().any(|s| s.asked.clients_from.is_some());
    let open = stages.iter().any(|s| s.total.asked_per_s.is_some());
    let mut head = vec!["stage", "lasted"];
    head.extend(clients.then_some("clients"));
    head.extend(open.then_some("asked"));
    head.extend(["achieved", "errors", "p50", "p99", "max"]);
    let rows = stages.iter().map(|s| {
        let mut cells = vec![s.stage.clone(), show::span(s.span_us)];
        if clients {
            cells.push(people(&s.asked));
        }
        if open {
            cells.push(rate(s));
        }
        cells.push(s.total.achieved_per_s.map_or_else(dash, show::per_s));
        cells.push(s.total.error_rate.map_or_else(dash, show::share));
        match &s.total.response {
            Some(l) => cells.extend([l.p50_us, l.p99_us, l.max_us].map(show::span)),
            None => cells.extend([dash(), dash(), dash()]),
        }
        cells
    });
    blocks.push(Block::Table(Table {
        head,
        left: 1,
        rows: rows.collect(),
    }));
    if stages.len() > MOST_IN_FULL {
        blocks.push(Block::Text(
            "Where the rate changes, asked is its mean. --stage NAME shows a stage in full."
                .to_owned(),
        ));
    }
}

/// How many clients: `0 \u{2192} 500`.
fn people(asked: &Asked) -> String {
    match (asked.clients_from, asked.clients) {
        (Some(from), Some(to)) if from != to => {
            format!("{} \u{2192} {}", show::count(from), show::count(to))
        }
        (_, Some(n)) => show::count(n),
        _ => dash(),
    }
}

fn rate(stage: &StageReport) -> String {
    stage.total.asked_per_s.map_or_else(dash, show::per_s)
}

fn dash() -> String {
    "-".to_owned()
}
