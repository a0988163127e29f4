//! The gates, their values, and what became of them.

use super::{Block, Table};
use crate::gate::{Judged, State};

/// Adds the section, where there are gates.
pub fn blocks(gates: &[Judged], blocks: &mut Vec<Block>) {
    if gates.is_empty() {
        return;
    }
    let rows = gates
        .iter()
        .map(|g| vec![g.gate.clone(), word(g.state).to_owned(), g.shown()]);
    blocks.push(Block::Title("Gates (fail if)".to_owned()));
    blocks.push(Block::Table(Table {
        head: vec!["gate", "state", "value"],
        left: 2,
        rows: rows.collect(),
    }));
    let notes = gates
        .iter()
        .filter_map(|g| Some(format!("{}: {}", g.gate, g.text.as_ref()?)));
    let notes: Vec<String> = notes.collect();
    if !notes.is_empty() {
        blocks.push(Block::List(notes));
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Pass => "pass",
        State::Fail => "FAIL",
        State::TooFew => "too few samples",
        State::NotJudged => "not judged",
    }
}
