//! Puts the report together from what the stream said.

use super::calls::{Asked, Connections, ErrorClass, Row, StageReport, TargetRow, some};
use super::generator::GeneratorReport;
use super::ran::{Ran, ToolReport};
use super::{AnatomyReport, CheckedReport, EventReport, FaultReport, Report, WarningReport};
use crate::outcome::Expected;
use crate::recovery::Recovery;
use crate::run::{Checked, Counts, Figures, Heard, Key, Run};
use record::Histogram;
use record::kind::Dialect;
use std::collections::{BTreeMap, BTreeSet};

/// How the stream came to its end.
#[derive(Clone, Copy)]
pub struct State {
    /// By a signal.
    pub interrupted: bool,
    /// With everyone's last word.
    pub whole: bool,
}

/// Builds the report. `rows` are those of [`Run::rows`].
pub fn build(
    run: &Run,
    rows: &BTreeMap<Key, Figures>,
    checked: Checked,
    recovery: &Recovery<'_>,
    state: State,
    expected: &Expected,
) -> Report {
    let stages = stages(run, rows, expected);
    let mut measured = Figures::default();
    let mut connects = Figures::default();
    let mut heard = Heard::default();
    for (key, row) in rows {
        row.heard.iter().for_each(|row| heard.add(row));
        if !key.is_calls() {
            connects.add_calls(row);
        } else if run.is_measured(&key.stage) {
            measured.add_calls(row);
        }
    }
    let failures = run.targets.iter().filter(|(k, _)| !k.key.is_calls());
    let span_us = stages
        .iter()
        .filter(|s| s.measured)
        .map(|s| s.span_us)
        .sum();
    Report {
        run: Ran::of(run, state.interrupted, state.whole),
        tools: run
            .tools
            .all()
            .rev()
            .map(|t| ToolReport::of(t, run))
            .collect(),
        dialects: dialects(run),
        generator: GeneratorReport::of(run, &measured, span_us),
        stages,
        knees: run.knees().cloned().collect(),
        audits: run
            .generators
            .values()
            .filter_map(|g| g.last.as_ref()?.audit.clone())
            .collect(),
        abuse: run.abuse(),
        connections: Connections {
            failures: failures.map(|(_, c)| c.connect_failures).sum(),
            connect: some(&connects.connect).map(Histogram::with_hdr),
            sessions: (connects.counts.sessions.opened > 0).then_some(connects.counts.sessions),
        },
        anatomy: AnatomyReport::of(&connects.anatomy, &measured.anatomy),
        heard: heard.told(),
        errors: ErrorClass::all(&measured.counts),
        events: events(run),
        faults: FaultReport::all(recovery, run),
        objective: recovery.objective,
        seconds_added_up: (recovery.added_up > 1).then_some(recovery.added_up.unsigned_abs()),
        warnings: warnings(run),
        more_warnings: run.warnings.more,
        intervals_checked: CheckedReport {
            rows: checked.rows,
            mismatches: checked.mismatches,
        },
        shortened: None,
    }
}

/// The stages that have calls: what was asked to be measured first, each group in the order of time.
fn stages(run: &Run, rows: &BTreeMap<Key, Figures>, expected: &Expected) -> Vec<StageReport> {
    let names: BTreeSet<&str> = rows
        .keys()
        .filter(|k| k.is_calls())
        .map(|k| k.stage.as_str())
        .collect();
    let mut stages: Vec<StageReport> = names
        .into_iter()
        .map(|name| stage(name, run, rows, expected))
        .collect();
    stages.sort_by(|a, b| {
        let order = |s: &StageReport| (!s.measured, s.start_us);
        order(a).cmp(&order(b)).then_with(|| a.stage.cmp(&b.stage))
    });
    stages
}

fn stage(name: &str, run: &Run, rows: &BTreeMap<Key, Figures>, expected: &Expected) -> StageReport {
    let own: Vec<(&Key, &Figures)> = rows
        .iter()
        .filter(|(k, _)| k.is_calls() && k.stage == name)
        .collect();
    let span_us = own.iter().map(|(_, r)| r.span_us).max().unwrap_or(0);
    let start_us = own.iter().map(|(_, r)| r.start_us).min().unwrap_or(0);
    let mut total = Figures::default();
    for (_, row) in &own {
        total.add_calls(row);
    }
    // The plan of the whole stage, where a generator told it; else what its rows asked for together.
    let planned: Vec<f64> = run.stages.of(name).filter_map(|s| s.asked_per_s).collect();
    total.asked_per_s = if planned.is_empty() {
        own.iter().map(|(_, r)| r.asked_per_s).sum()
    } else {
        Some(planned.iter().sum())
    };
    let mut targets: BTreeMap<&str, Counts> = BTreeMap::new();
    for (at, counts) in &run.targets {
        if at.key.is_calls() && at.key.stage == name {
            targets.entry(&at.target).or_default().add(counts);
        }
    }
    StageReport {
        stage: name.to_owned(),
        start_us,
        span_us,
        measured: run.is_measured(name),
        asked: asked(name, run),
        rows: own
            .iter()
            .map(|(k, r)| Row::of(Some(k), r, span_us, expected))
            .collect(),
        total: Row::of(None, &total, span_us, expected),
        targets: targets
            .into_iter()
            .map(|(name, counts)| TargetRow::of(name, &counts, span_us, expected))
            .collect(),
    }
}

fn asked(name: &str, run: &Run) -> Asked {
    let mut sum = Asked::default();
    let changes = run.stages.of(name).any(|s| s.clients_from.is_some());
    let ramps = run.stages.of(name).any(|s| s.from_per_s.is_some());
    for stage in run.stages.of(name) {
        if let Some(clients) = stage.clients {
            *sum.clients.get_or_insert(0) += clients;
            if changes {
                *sum.clients_from.get_or_insert(0) += stage.clients_from.unwrap_or(clients);
            }
        }
        if let (true, Some(mean)) = (ramps, stage.asked_per_s) {
            *sum.from_per_s.get_or_insert(0.0) += stage.from_per_s.unwrap_or(mean);
            *sum.to_per_s.get_or_insert(0.0) += stage.to_per_s.unwrap_or(mean);
        }
    }
    sum
}

fn dialects(run: &Run) -> Vec<Dialect> {
    let all = run
        .generators
        .values()
        .filter_map(|g| g.last.as_ref()?.dialects.as_ref());
    let mut dialects: Vec<Dialect> = all.flatten().cloned().collect();
    dialects.sort_by(|a, b| {
        let key = |d: &Dialect| (d.origin.clone(), d.revision.clone(), d.transport.clone());
        key(a).cmp(&key(b))
    });
    dialects.dedup();
    dialects
}

fn events(run: &Run) -> Vec<EventReport> {
    let mut events: Vec<EventReport> = run
        .happenings
        .events
        .iter()
        .map(|((event, target), (times, first_us, text))| EventReport {
            event: event.clone(),
            target: target.clone(),
            times: *times,
            first_us: *first_us,
            text: text.clone(),
        })
        .collect();
    events.sort_by_key(|e| e.first_us);
    events
}

fn warnings(run: &Run) -> Vec<WarningReport> {
    run.warnings
        .all()
        .map(|seen| WarningReport {
            code: seen.warning.code.clone(),
            text: seen.warning.text.clone(),
            remedy: seen.warning.remedy.clone(),
            from: seen.from.clone(),
            times: seen.times,
        })
        .collect()
}
