//! Finds the calls that a gate is about, or says that there are none.

use super::figure::{Figure, Span, Unit};
use super::{Gate, Labels};
use crate::run::{Counts, Figures, Key, Run};
use std::collections::{BTreeMap, BTreeSet};

/// What a gate's value is taken from.
pub struct Selected {
    /// The rows added up.
    pub figures: Figures,
    /// How long the stages lasted together, in microseconds.
    pub span_us: u64,
}

/// Adds up what a gate is about; the error says what it matched nothing of.
pub fn select(gate: &Gate, run: &Run, rows: &BTreeMap<Key, Figures>) -> Result<Selected, String> {
    let connects = match gate.figure {
        Figure::Latency(Span::Connect, _) => true,
        Figure::Latency(Span::Part(part), _) => part.is_of_connections(),
        Figure::Latency(Span::Heard(sound), _) => sound.is_of_connections(),
        _ => false,
    };
    let is_heard = matches!(gate.figure, Figure::Latency(Span::Heard(_), _));
    let about = |key: &Key| {
        let whole_run = connects && !is_heard;
        key.is_calls() != connects && in_stage(run, &gate.labels, &key.stage, whole_run)
    };
    let chosen: Vec<(&Key, &Figures)> = rows
        .iter()
        .filter(|(key, _)| about(key) && matches(&gate.labels, key))
        .collect();
    if chosen.is_empty() {
        return Err(nothing(
            &gate.labels,
            rows.keys().filter(|k| k.is_calls() != connects),
        ));
    }
    let mut figures = Figures::default();
    let mut spans: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, row) in &chosen {
        figures.add_calls(row);
        let span = spans.entry(&key.stage).or_default();
        *span = (*span).max(row.span_us);
    }
    if gate.labels.target.is_some() && gate.figure.unit() != Unit::Latency {
        figures.counts = at_target(gate, run, about)?;
    }
    Ok(Selected {
        figures,
        span_us: spans.values().sum(),
    })
}

fn at_target(gate: &Gate, run: &Run, about: impl Fn(&Key) -> bool) -> Result<Counts, String> {
    let wanted = gate.labels.target.as_deref().unwrap_or_default();
    let mut sum = Counts::default();
    let mut found = false;
    for (at, counts) in &run.targets {
        if at.target == wanted && about(&at.key) && matches(&gate.labels, &at.key) {
            sum.add(counts);
            found = true;
        }
    }
    if found {
        return Ok(sum);
    }
    let known: BTreeSet<&str> = run.targets.keys().map(|t| t.target.as_str()).collect();
    Err(format!("it matches no calls (targets: {})", list(known)))
}

/// Without a stage label: the measured ones together. Connections are made before, so for them every stage counts.
fn in_stage(run: &Run, labels: &Labels, stage: &str, whole_run: bool) -> bool {
    match &labels.stage {
        Some(wanted) => wanted == stage,
        None => whole_run || run.is_measured(stage),
    }
}

fn matches(labels: &Labels, key: &Key) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
    is(&labels.method, &key.method)
        && is(&labels.tool, key.tool.as_deref().unwrap_or_default())
        && is(&labels.profile, &key.profile)
}

/// Says which values there are of the first label whose value occurs nowhere; else of all given ones.
fn nothing<'a>(labels: &Labels, keys: impl Iterator<Item = &'a Key>) -> String {
    let keys: Vec<&Key> = keys.collect();
    type Value = fn(&Key) -> &str;
    let given: [(&str, &Option<String>, Value); 4] = [
        ("stages", &labels.stage, |k| &k.stage),
        ("methods", &labels.method, |k| &k.method),
        ("tools", &labels.tool, |k| {
            k.tool.as_deref().unwrap_or_default()
        }),
        ("profiles", &labels.profile, |k| &k.profile),
    ];
    let known = |value: Value| keys.iter().map(|k| value(k)).collect::<BTreeSet<_>>();
    let absent = given.iter().find(|(_, wanted, value)| {
        wanted
            .as_deref()
            .is_some_and(|w| !known(*value).contains(w))
    });
    match absent {
        Some((what, _, value)) => {
            format!("it matches no calls ({what}: {})", list(known(*value)))
        }
        None if keys.is_empty() => "there are no calls".to_owned(),
        None => "it matches no calls of the measured stages".to_owned(),
    }
}

fn list(names: BTreeSet<&str>) -> String {
    let mut shown: Vec<&str> = names
        .iter()
        .copied()
        .filter(|n| !n.is_empty())
        .take(20)
        .collect();
    if shown.is_empty() {
        return "none".to_owned();
    }
    if names.len() > 20 {
        shown.push("…");
    }
    shown.join(", ")
}
