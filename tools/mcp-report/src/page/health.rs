//! How the generator was doing: whether the figures are the server's.

use super::Block;
use crate::report::Report;
use crate::show;
use record::kind::Sessions;

/// Adds the section.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let g = &report.generator;
    // Without a final summary, nothing is known of it.
    if g.generators == 0 || g.threads == 0 {
        return;
    }
    let mut facts = Vec::new();
    if let (Some(due), Some(sent)) = (g.scheduled_per_s, g.sent_per_s) {
        let share = g
            .achieved
            .map(|a| format!(" ({})", show::share(a)))
            .unwrap_or_default();
        facts.push((
            "schedule",
            format!(
                "{} due, {} sent{share}",
                show::per_s(due),
                show::per_s(sent)
            ),
        ));
    }
    if let Some(lag) = &g.lag {
        let [p50, p99, max] = [lag.p50_us, lag.p99_us, lag.max_us].map(show::span);
        facts.push(("lag", format!("p50 {p50}, p99 {p99}, max {max}")));
    }
    facts.push((
        "lost",
        format!(
            "{} calls shed, {} records dropped, {} stray answers",
            show::count(g.shed),
            show::count(g.dropped),
            show::count(g.stray_answers)
        ),
    ));
    let threads = if g.threads == 1 { "thread" } else { "threads" };
    let cpus = g
        .cpus_used
        .map(|c| format!("{c:.2} CPUs used by "))
        .unwrap_or_default();
    let steal = g
        .steal_percent
        .map(|s| format!(", steal {s:.1} %"))
        .unwrap_or_default();
    let many = if g.generators > 1 {
        format!(" of {} generators", g.generators)
    } else {
        String::new()
    };
    facts.push((
        "CPU",
        format!(
            "{cpus}{} {threads}{many}, longest gap {}{steal}",
            g.threads,
            show::span(g.max_gap_us)
        ),
    ));
    let c = &report.connections;
    if c.failures > 0 || c.connect.is_some() {
        let times = c.connect.as_ref().map(|l| {
            format!(
                "{} set up, p50 {}, p99 {}, max {}; ",
                show::count(l.count),
                show::span(l.p50_us),
                show::span(l.p99_us),
                show::span(l.max_us)
            )
        });
        facts.push((
            "connects",
            format!(
                "{}{} failed",
                times.unwrap_or_default(),
                show::count(c.failures)
            ),
        ));
    }
    if let Some(sessions) = &c.sessions {
        facts.push(("sessions", told(sessions)));
    }
    let title = if g.generators == 1 {
        "The generator"
    } else {
        "The generators"
    };
    blocks.push(Block::Title(title.to_owned()));
    blocks.push(Block::Facts(facts));
}

/// What became of sessions, without what did not happen.
fn told(sessions: &Sessions) -> String {
    let words = |name: &str| match name {
        "delete_refused" => "deletions refused".to_owned(),
        "dead_refused" => "calls refused on deleted ones".to_owned(),
        "dead_served" => "calls served on deleted ones".to_owned(),
        name => name.to_owned(),
    };
    let all = sessions.counts().into_iter();
    let some = all.filter(|(_, n)| *n > 0);
    some.map(|(name, n)| format!("{} {}", show::count(n), words(name)))
        .collect::<Vec<_>>()
        .join(", ")
}
