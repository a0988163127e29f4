//! Which calls the servers executed, where that was looked up: each fact of all generators together.

use super::Block;
use crate::report::Report;
use crate::show;
use record::kind::Audit;

/// Adds the section.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let audits = &report.audits;
    if audits.is_empty() {
        return;
    }
    blocks.push(Block::Title("Audit".to_owned()));
    let incomplete: Vec<String> = audits
        .iter()
        .filter_map(|a| a.incomplete.as_ref())
        .map(|why| format!("It can't be judged: {why}."))
        .collect();
    if !incomplete.is_empty() {
        return blocks.push(Block::List(incomplete));
    }
    let sum = |of: fn(&Audit) -> u64| show::count(audits.iter().map(of).sum());
    let mut facts = vec![
        (
            "executed",
            format!(
                "{} of {} calls once, {} twice or more often, {} never",
                sum(|a| a.executed_once),
                sum(|a| a.calls),
                sum(|a| a.executed_twice),
                sum(|a| a.never_executed)
            ),
        ),
        (
            "in doubt",
            format!(
                "{} were executed though the client saw no answer",
                sum(|a| a.failed_executed)
            ),
        ),
        (
            "amiss",
            format!(
                "{} were answered and never executed",
                sum(|a| a.ok_never_executed)
            ),
        ),
    ];
    let odd = |a: &Audit| a.unknown_lines + a.unreadable_lines;
    if audits.iter().any(|a| odd(a) > 0) {
        let text = format!(
            "{} of calls never sent, {} unreadable",
            sum(|a| a.unknown_lines),
            sum(|a| a.unreadable_lines)
        );
        facts.push(("odd lines", text));
    }
    for (name, calls) in [
        ("twice", named(audits, |a| &a.twice)),
        ("missing", named(audits, |a| &a.missing)),
    ] {
        if !calls.is_empty() {
            facts.push((name, calls));
        }
    }
    blocks.push(Block::Facts(facts));
}

/// The first calls of a kind, by client and index.
fn named(audits: &[Audit], of: fn(&Audit) -> &Vec<record::kind::AuditedCall>) -> String {
    let calls = audits.iter().flat_map(of).take(5);
    let calls: Vec<String> = calls
        .map(|call| format!("client {} call {}", call.client, call.index))
        .collect();
    calls.join(", ")
}
