//! Rows of records out of cells: intervals and summaries.

use crate::heard::Heard;
use crate::menu::Label;
use crate::plan::Plan;
use crate::stages::Stages;
use crate::tally::{Cell, Key};
use protocol::outcome::Outcome;
use record::kind::{Interval, Summary};
use record::{Histogram, Latency};
use std::collections::BTreeMap;

fn errors(cell: &Cell) -> BTreeMap<String, u64> {
    Outcome::CLASSES
        .iter()
        .zip(cell.outcomes)
        .skip(1)
        .filter(|(_, n)| *n > 0)
        .map(|(c, n)| ((*c).to_owned(), n))
        .collect()
}

fn codes(cell: &Cell) -> BTreeMap<String, u64> {
    cell.codes
        .iter()
        .map(|(code, n)| (code.name(), *n))
        .collect()
}

fn some(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

fn numbers(histogram: &Option<Box<Histogram>>) -> Option<Latency> {
    histogram.as_deref().map(Histogram::scalars)
}

fn whole(histogram: &Option<Box<Histogram>>) -> Option<Latency> {
    histogram.as_deref().map(Histogram::with_hdr)
}

/// The interval record of a row.
#[must_use]
pub fn interval(
    plan: &Plan,
    stages: &Stages,
    target: &str,
    key: Key,
    start_ns: u64,
    end_ns: u64,
    cell: &Cell,
) -> Interval {
    let Label {
        group,
        method,
        tool,
    } = plan.labels.all()[usize::from(key.label)].clone();
    let is_connect = plan.labels.is_connect(key.label);
    Interval {
        stage: stages.all()[usize::from(key.stage)].name.clone(),
        profile: plan.groups.all()[usize::from(group)].profile.clone(),
        target: target.to_owned(),
        method,
        tool,
        start_us: plan.unix_us(start_ns),
        span_us: (end_ns - start_ns) / 1_000,
        scheduled: cell.scheduled,
        sent: cell.sent,
        ok: cell.outcomes[0],
        ok_in_stage: cell.ok_in_stage,
        errors: errors(cell),
        codes: codes(cell),
        sent_bytes: cell.sent_bytes,
        received_bytes: cell.received_bytes,
        resumed: some(cell.resumed),
        moved: some(cell.moved),
        in_flight: cell.now.in_flight,
        waiting: cell.now.waiting,
        connections: is_connect.then_some(cell.now.connections),
        connect_failures: is_connect.then_some(cell.connect_failures),
        sessions: cell.sessions.as_deref().cloned(),
        response: whole(&cell.response),
        service: whole(&cell.service),
        failed: numbers(&cell.failed),
        lag: numbers(&cell.lag),
        wait: numbers(&cell.wait),
        connect: numbers(&cell.connect),
        tcp: numbers(&cell.anatomy.tcp),
        tls: numbers(&cell.anatomy.tls),
        handshake: numbers(&cell.anatomy.handshake),
        first: numbers(&cell.anatomy.first),
        gap: numbers(&cell.anatomy.gap),
        last: numbers(&cell.anatomy.last),
        heard: cell.heard.as_deref().map(Heard::record),
    }
}

/// The summary record of a cell, without what names its row.
#[must_use]
pub fn summary(plan: &Plan, start_ns: u64, end_ns: u64, cell: &Cell) -> Summary {
    Summary {
        start_us: plan.unix_us(start_ns),
        span_us: end_ns.saturating_sub(start_ns) / 1_000,
        scheduled: cell.scheduled,
        sent: cell.sent,
        ok: cell.outcomes[0],
        ok_in_stage: cell.ok_in_stage,
        errors: errors(cell),
        codes: codes(cell),
        sent_bytes: cell.sent_bytes,
        received_bytes: cell.received_bytes,
        resumed: some(cell.resumed),
        moved: some(cell.moved),
        connect_failures: some(cell.connect_failures),
        sessions: cell.sessions.as_deref().cloned(),
        response: whole(&cell.response),
        service: whole(&cell.service),
        failed: whole(&cell.failed),
        lag: whole(&cell.lag),
        wait: whole(&cell.wait),
        connect: whole(&cell.connect),
        tcp: whole(&cell.anatomy.tcp),
        tls: whole(&cell.anatomy.tls),
        handshake: whole(&cell.anatomy.handshake),
        first: whole(&cell.anatomy.first),
        gap: whole(&cell.anatomy.gap),
        last: whole(&cell.anatomy.last),
        heard: cell.heard.as_deref().map(Heard::record),
        ..Summary::default()
    }
}
