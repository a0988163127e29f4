//! What clients heard besides answers: subscriptions, progress, log messages.

use super::Block;
use crate::report::Report;
use crate::show;
use record::Latency;

/// Adds the section, where somebody heard something.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let Some(heard) = &report.heard else { return };
    let counts = |pairs: &[(&str, u64)]| {
        let some = pairs.iter().filter(|(_, n)| *n > 0);
        let told: Vec<String> = some
            .map(|(name, n)| format!("{} {name}", show::count(*n)))
            .collect();
        told.join(", ")
    };
    let named: Vec<(&str, u64)> = heard
        .notifications
        .iter()
        .map(|(name, n)| (name.as_str(), *n))
        .collect();
    let facts = [
        ("notified", counts(&named)),
        (
            "wanted",
            counts(&[
                ("subscriptions accepted", heard.subscribed),
                ("refused", heard.subscriptions_refused),
                ("lost", heard.subscriptions_lost),
            ]),
        ),
        ("changes", times("change to read", &heard.notification)),
        ("", times("between two", &heard.notification_gap)),
        ("progress", times("between two", &heard.progress_gap)),
        (
            "odd",
            counts(&[
                ("answers to cancelled calls", heard.late_answers),
                ("progress of no call in flight", heard.unknown_progress),
            ]),
        ),
    ];
    blocks.push(Block::Title("What clients heard".to_owned()));
    let facts = facts.into_iter().filter(|(_, text)| !text.is_empty());
    blocks.push(Block::Facts(facts.collect()));
}

fn times(what: &str, latency: &Option<Latency>) -> String {
    latency.as_ref().map_or_else(String::new, |l| {
        let [p50, p99, max] = [l.p50_us, l.p99_us, l.max_us].map(show::span);
        format!("{what} p50 {p50}, p99 {p99}, max {max}")
    })
}
