//! The knee that mcp-gen searched for: what was found, and the steps on the way.

use super::{Block, Table};
use crate::report::Report;
use crate::show;
use record::kind::Knee;

/// Adds the section, where there was a search.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    for knee in &report.knees {
        blocks.push(Block::Title("The knee".to_owned()));
        blocks.push(Block::Text(sentence(knee)));
        let rows = knee.steps.iter().map(|s| {
            vec![
                s.stage.clone(),
                s.judgement.clone(),
                s.figures.clone(),
                show::per_s(s.rate_per_s),
            ]
        });
        blocks.push(Block::Table(Table {
            head: vec!["step", "condition", "figures", "rate"],
            left: 3,
            rows: rows.collect(),
        }));
    }
}

fn sentence(knee: &Knee) -> String {
    let condition = &knee.condition;
    let found = match knee.rate_per_s {
        Some(rate) => format!(
            "{} is the highest rate tried with {condition}",
            show::per_s(rate)
        ),
        None => format!("No rate that was tried has {condition}"),
    };
    let beyond = match (knee.limited_by.as_deref(), knee.too_much_per_s) {
        (Some("server"), Some(rate)) => format!("; {} is too much", show::per_s(rate)),
        (Some("server"), None) => String::new(),
        (Some("generator"), _) => {
            "; beyond it the generator itself was late, so the server may do more".to_owned()
        }
        (Some("search"), _) => "; more was not tried".to_owned(),
        (Some("unreachable"), _) => {
            "; then no client could connect any more, so the server may have died of it or otherwise"
                .to_owned()
        }
        // Nobody judges what was interrupted.
        _ => return format!("{found} before the run was interrupted; the search had not ended."),
    };
    format!("{found}{beyond}. Gates judge the steps that met the condition.")
}
