//! What is shown to people: the table of kinds, and what a plan would do (`--dry-run`).

use super::kind::{KINDS, Kind, Lasts};
use super::timing::time;
use super::{Fault, Plan};
use std::fmt::Write as _;
use std::time::Duration;

/// So many comings of a fault are shown.
const SHOWN: usize = 5;

/// All kinds, or those that are named, with their parameters.
///
/// # Errors
/// A sentence: one that is named does not exist.
pub fn kinds(named: &[String]) -> Result<String, String> {
    let wanted: Vec<&Kind> = match named {
        [] => KINDS.to_vec(),
        named => named
            .iter()
            .map(|name| super::kind::named(name))
            .collect::<Result<_, _>>()?,
    };
    let mut text = String::new();
    for kind in wanted {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{:<12} {} ({})",
            kind.name,
            kind.help,
            kind.level.name()
        );
        for param in kind.params {
            let default = param
                .default
                .map_or_else(String::new, |default| format!(" [default: {default}]"));
            let _ = writeln!(
                text,
                "  {:<12} {}: {}{default}",
                param.name,
                param.help,
                param.unit.range()
            );
        }
        let _ = writeln!(
            text,
            "  applies: {}; undone by: {}",
            plain(kind.applies),
            plain(kind.undone_by)
        );
    }
    if named.is_empty() {
        text += "\nEvery fault: KIND[:key=value,…]@START[+DURATION]\n  \
                 START     20s from t0, 10s..60s drawn, steady+10s from a stage (behind mcp-gen), traffic+5s from the first byte\n  \
                 DURATION  10s, or 2s..5s drawn [default: 30s]\n  \
                 replica   the 1st, 2nd, … target, in the order in which they came\n  \
                 name      targets by name, with * for anything\n  \
                 count     so many of them, drawn\n  \
                 share     50%, half, majority, one or all of them, drawn\n  \
                 every     again after this time, or one drawn from 8s..12s\n  \
                 times     so often at most; without every, at random within the range of START\n  \
                 until     no more after this time\n  \
                 ramp      grows to its full strength over this time\n";
    }
    Ok(text)
}

/// Parameters in braces, without the braces.
fn plain(phrase: &str) -> String {
    phrase.replace(['{', '}'], "")
}

/// What the plan would do with this seed.
#[must_use]
pub fn plan(plan: &Plan, seed: u64) -> String {
    let mut text = format!("seed {seed}\n");
    if let Some(steady) = &plan.steady {
        let _ = writeln!(text, "first: {steady}; else nothing is applied");
    }
    for (fault, n) in plan.faults.iter().zip(1..) {
        text += &one(fault, n, seed);
    }
    text
}

fn one(fault: &Fault, n: u64, seed: u64) -> String {
    let kind = fault.kind;
    let windows: Vec<String> = fault
        .timing
        .windows(seed, n)
        .take(SHOWN + 1)
        .map(|w| {
            let start = time(Duration::from_micros(w.start_us));
            match kind.lasts {
                Lasts::Instant => start,
                Lasts::Window => format!(
                    "{start} to {}",
                    time(Duration::from_micros(w.start_us + w.length_us))
                ),
            }
        })
        .collect();
    let more = if windows.len() > SHOWN { ", …" } else { "" };
    format!(
        "f{n}  {} {}\n    targets:   {}\n    comes:     {}{more}\n    applies:   {}\n    undone by: {}\n",
        kind.name,
        fault.timing.shown(kind.lasts),
        fault.choice.shown(kind.usual),
        windows[..windows.len().min(SHOWN)].join(", "),
        fault.params.fill(kind.applies),
        fault.params.fill(kind.undone_by),
    )
}
