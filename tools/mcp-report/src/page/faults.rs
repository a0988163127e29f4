//! The faults: a row each, and of a few the figures before, during and after.

use super::{Block, Table};
use crate::report::{CallsReport, FaultReport, PhaseReport, Report};
use crate::show;

/// More faults than this have a row each and no figures of their phases; the JSON has all.
const MOST_IN_FULL: usize = 4;

/// Adds the section, where there are any.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    if report.faults.is_empty() {
        return;
    }
    blocks.push(Block::Title("Faults".to_owned()));
    let rows = report.faults.iter().map(|f| row(f, report.run.t0_us));
    let head = vec![
        "id",
        "kind",
        "targets",
        "began",
        "lasted",
        "detected",
        "recovered",
        "lost",
        "budget",
    ];
    blocks.push(Block::Table(Table {
        head,
        left: 3,
        rows: rows.collect(),
    }));
    blocks.push(Block::Text(meaning(report)));
    let notes: Vec<String> = report.faults.iter().flat_map(notes).collect();
    if !notes.is_empty() {
        blocks.push(Block::List(notes));
    }
    let judged: Vec<&FaultReport> = report
        .faults
        .iter()
        .filter(|f| f.during.is_some() || f.after.is_some())
        .collect();
    if judged.len() <= MOST_IN_FULL {
        judged.into_iter().for_each(|fault| phases(fault, blocks));
    }
}

fn row(f: &FaultReport, t0_us: Option<u64>) -> Vec<String> {
    let began = match (f.began_t_us, f.began_us) {
        (Some(t_us), _) if t_us < 0 => format!("-{}", show::span(t_us.unsigned_abs())),
        (Some(t_us), _) => format!("+{}", show::span(t_us.unsigned_abs())),
        (None, Some(us)) => show::since(t0_us, us),
        (None, None) => dash(),
    };
    let lasted = match (f.began_us, f.ended_us) {
        (Some(from), Some(to)) if from == to => "at once".to_owned(),
        (Some(from), Some(to)) => show::span(to.saturating_sub(from)),
        (Some(_), None) => "on".to_owned(),
        _ => dash(),
    };
    let recovered = match (f.recover_us, f.recovered.as_str()) {
        (Some(us), _) => time(us),
        (None, "never") => "never".to_owned(),
        _ => dash(),
    };
    vec![
        f.id.clone(),
        f.kind.clone(),
        f.targets.join(", "),
        began,
        lasted,
        f.detect_us.map_or_else(dash, time),
        recovered,
        f.calls_lost.map_or_else(dash, show::count),
        f.budget_burnt.map_or_else(dash, budget),
    ]
}

/// A time that was measured in whole seconds, from an instant that was not.
fn time(us: u64) -> String {
    let seconds = us as f64 / 1e6;
    match us {
        0..50_000 => "0 s".to_owned(),
        50_000..99_950_000 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// A share of the budget: of short runs often many times all of it.
fn budget(burnt: f64) -> String {
    if burnt < 9.995 {
        show::portion(burnt)
    } else {
        format!("{} \u{d7}", show::count(burnt.round() as u64))
    }
}

/// What the row cannot say.
fn notes(f: &FaultReport) -> Vec<String> {
    let mut notes = Vec::new();
    let mut add = |text: String| notes.push(format!("{}: {text}", f.id));
    if f.state == "failed" && f.began_us.is_some() {
        let text = f
            .text
            .as_deref()
            .map(|t| format!(": {t}"))
            .unwrap_or_default();
        add(format!("it could not be taken back{text}"));
    }
    if let Some(by) = &f.detected_by {
        add(format!("detected by {by}"));
    }
    if let Some(why) = &f.why {
        add(why.clone());
    }
    if !f.overlaps.is_empty() {
        add(format!(
            "it overlaps with {}, whose effects are in its figures, too",
            f.overlaps.join(", ")
        ));
    }
    let noisy = f
        .band
        .iter()
        .chain(&f.hit_band)
        .find(|b| b.outside > 2 && 10 * b.outside > b.seconds);
    if let Some(band) = noisy {
        add(format!(
            "{} of the {} seconds before it are outside of their own band, so the times say little",
            band.outside, band.seconds
        ));
    }
    notes
}

fn phases(f: &FaultReport, blocks: &mut Vec<Block>) {
    let named = [
        ("before", &f.before),
        ("during", &f.during),
        ("recovering", &f.recovering),
        ("after", &f.after),
    ];
    let rows = named
        .into_iter()
        .filter_map(|(name, phase)| Some((name, phase.as_ref()?)));
    let rows: Vec<Vec<String>> = rows.flat_map(|(name, phase)| lines(name, phase)).collect();
    if f.during.is_none() && f.after.is_none() {
        return;
    }
    let on = if f.targets.is_empty() {
        String::new()
    } else {
        format!(" on {}", f.targets.join(", "))
    };
    blocks.push(Block::Title(format!("Fault {}: {}{on}", f.id, f.kind)));
    blocks.push(Block::Table(Table {
        head: vec![
            "phase",
            "lasted",
            "calls",
            "errors",
            "error rate",
            "ok",
            "p50",
            "p99",
        ],
        left: 1,
        rows,
    }));
}

fn lines(name: &str, phase: &PhaseReport) -> Vec<Vec<String>> {
    let mut lines = vec![line(
        name.to_owned(),
        show::span(phase.lasted_us),
        &phase.all,
    )];
    let sides = [("\u{b7} hit", &phase.hit), ("\u{b7} others", &phase.others)];
    for (side, calls) in sides {
        if let Some(calls) = calls {
            lines.push(line(side.to_owned(), String::new(), calls));
        }
    }
    lines
}

fn line(name: String, lasted: String, calls: &CallsReport) -> Vec<String> {
    let latency = |us: Option<u64>| match us {
        Some(us) => show::span(us),
        None if calls.never > 0 => "> timeout".to_owned(),
        None => dash(),
    };
    vec![
        name,
        lasted,
        show::count(calls.calls),
        show::count(calls.failed),
        calls.error_rate.map_or_else(dash, show::share),
        calls.ok_per_s.map_or_else(dash, show::per_s),
        latency(calls.p50_us),
        latency(calls.p99_us),
    ]
}

fn meaning(report: &Report) -> String {
    let coarse = report.seconds_added_up.map(|n| {
        format!(
            " The run is long: far from faults, up to {} seconds were taken as one.",
            show::count(n)
        )
    });
    format!(
        "Detected counts from a fault's begin, recovered from its end, both in whole seconds of figures outside of, or \
         for 3 s back inside, what was usual before it. Lost are calls that failed of it; budget is its share of the \
         failures that an objective of {} % allows in the run.{}",
        percent(report.objective),
        coarse.unwrap_or_default()
    )
}

/// An objective as it was given: 99.95, and no rounding to 100.
fn percent(share: f64) -> f64 {
    (share * 1e10).round() / 1e8
}

fn dash() -> String {
    "-".to_owned()
}
