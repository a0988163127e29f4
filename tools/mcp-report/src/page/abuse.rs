//! How servers took deliberately bad behaviour: a row for each kind, apart from the calls of the load.

use super::{Block, Table};
use crate::report::Report;
use crate::show;
use std::collections::BTreeMap;

/// Adds the section, where there was any.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    if report.abuse.is_empty() {
        return;
    }
    let rows = report.abuse.iter().map(|(kind, count)| {
        let own = ["not_tried", "connect_failed", "cancelled"];
        let left: BTreeMap<String, u64> = count
            .other
            .iter()
            .filter(|(class, _)| own.contains(&class.as_str()))
            .map(|(class, n)| (class.clone(), *n))
            .collect();
        vec![
            kind.clone(),
            named(&count.came),
            named(&left),
            show::count(count.tried()),
            show::count(count.right),
            show::count(count.wrong()),
        ]
    });
    blocks.push(Block::Title("Abuse".to_owned()));
    blocks.push(Block::Text(
        "Deliberately bad behaviour beside the load, in none of its figures. What counts as right: mcp-gen abuse."
            .to_owned(),
    ));
    blocks.push(Block::Table(Table {
        head: vec![
            "kind",
            "what came",
            "not carried out",
            "tried",
            "right",
            "wrong",
        ],
        left: 3,
        rows: rows.collect(),
    }));
}

fn named(counts: &BTreeMap<String, u64>) -> String {
    let each = counts.iter();
    let each = each.map(|(name, n)| format!("{name} \u{d7} {}", show::count(*n)));
    each.collect::<Vec<_>>().join(", ")
}
