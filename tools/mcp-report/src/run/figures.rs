//! The figures of one row: counts, and latencies as histograms. All of them add up.

use super::anatomy::Anatomy;
use super::heard::Heard;
use record::kind::{Interval, Sessions, Summary};
use record::{Histogram, Latency};
use std::collections::BTreeMap;

/// Classes and codes kept apart in one row; there are 13 classes, and more codes than this are noise.
const MAX_NAMES: usize = 256;

/// How many calls came to what end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub scheduled: u64,
    pub sent: u64,
    pub ok: u64,
    pub ok_in_stage: u64,
    /// Outcomes besides ok, by class.
    pub errors: BTreeMap<String, u64>,
    /// The codes behind some classes.
    pub codes: BTreeMap<String, u64>,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    /// Connection attempts that failed; only intervals say.
    pub connect_failures: u64,
    /// What became of sessions.
    pub sessions: Sessions,
}

impl Counts {
    /// Adds another row's.
    pub fn add(&mut self, other: &Self) {
        for (a, b) in [
            (&mut self.scheduled, other.scheduled),
            (&mut self.sent, other.sent),
            (&mut self.ok, other.ok),
            (&mut self.ok_in_stage, other.ok_in_stage),
            (&mut self.sent_bytes, other.sent_bytes),
            (&mut self.received_bytes, other.received_bytes),
            (&mut self.connect_failures, other.connect_failures),
        ] {
            *a = a.saturating_add(b);
        }
        self.sessions.add(&other.sessions);
        add_names(&mut self.errors, &other.errors);
        add_names(&mut self.codes, &other.codes);
    }

    /// Calls that came to an end.
    pub fn outcomes(&self) -> u64 {
        self.errors
            .values()
            .fold(self.ok, |a, b| a.saturating_add(*b))
    }
}

pub(super) fn add_names(sum: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>) {
    for (name, n) in other.iter().filter(|(_, n)| **n > 0) {
        if let Some(a) = sum.get_mut(name) {
            *a = a.saturating_add(*n);
        } else if sum.len() < MAX_NAMES {
            sum.insert(name.clone(), *n);
        }
    }
}

/// Takes the fields that intervals and summaries share by name.
macro_rules! counts_of {
    ($record:expr, $connect_failures:expr) => {
        Counts {
            scheduled: $record.scheduled,
            sent: $record.sent,
            ok: $record.ok,
            ok_in_stage: $record.ok_in_stage,
            errors: without_zeros(&$record.errors),
            codes: without_zeros(&$record.codes),
            sent_bytes: $record.sent_bytes,
            received_bytes: $record.received_bytes,
            connect_failures: $connect_failures,
            sessions: $record.sessions.clone().unwrap_or_default(),
        }
    };
}

fn without_zeros(names: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut some = BTreeMap::new();
    add_names(&mut some, names);
    some
}

impl From<&Interval> for Counts {
    fn from(i: &Interval) -> Self {
        counts_of!(i, i.connect_failures.unwrap_or(0))
    }
}

impl From<&Summary> for Counts {
    fn from(s: &Summary) -> Self {
        counts_of!(s, 0)
    }
}

/// A row: counts, latencies, and the time they were taken in.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub counts: Counts,
    /// Calls per second asked for; `None` in the closed model.
    pub asked_per_s: Option<f64>,
    /// When it began, in Unix microseconds.
    pub start_us: u64,
    /// How long it lasted.
    pub span_us: u64,
    /// Until when calls were due: the end of the last interval that has some.
    pub due_until_us: u64,
    pub response: Histogram,
    pub service: Histogram,
    pub failed: Histogram,
    pub lag: Histogram,
    pub wait: Histogram,
    pub connect: Histogram,
    pub anatomy: Anatomy,
    /// Of few rows: what clients heard besides answers.
    pub heard: Option<Box<Heard>>,
}

impl Figures {
    /// Those of a summary.
    pub fn of_summary(s: &Summary) -> Self {
        Self {
            counts: Counts::from(s),
            asked_per_s: s.asked_per_s,
            start_us: s.start_us,
            span_us: s.span_us,
            due_until_us: 0,
            response: read(&s.response),
            service: read(&s.service),
            failed: read(&s.failed),
            lag: read(&s.lag),
            wait: read(&s.wait),
            connect: read(&s.connect),
            anatomy: Anatomy::of_summary(s),
            heard: s.heard.as_ref().map(|told| Box::new(Heard::of(told))),
        }
    }

    /// Adds an interval of the same row. Only the histograms that intervals carry add up.
    pub fn add_interval(&mut self, i: &Interval) {
        let end = i.start_us.saturating_add(i.span_us);
        self.start_us = if self.span_us == 0 {
            i.start_us
        } else {
            self.start_us.min(i.start_us)
        };
        self.span_us = self.span_us.max(end.saturating_sub(self.start_us));
        if i.scheduled > 0 {
            self.due_until_us = self.due_until_us.max(end);
        }
        self.counts.add(&Counts::from(i));
        if let Some(told) = &i.heard {
            self.heard.get_or_insert_default().add(&Heard::of(told));
        }
        for (sum, latency) in [
            (&mut self.response, &i.response),
            (&mut self.service, &i.service),
            (&mut self.failed, &i.failed),
            (&mut self.lag, &i.lag),
            (&mut self.wait, &i.wait),
            (&mut self.connect, &i.connect),
        ] {
            if let Some(more) = latency.as_ref().and_then(Latency::histogram) {
                sum.add(&more);
            }
        }
    }

    /// Adds a row that went on at the same time: rates add, time does not.
    pub fn join(&mut self, other: &Self) {
        self.asked_per_s = match (self.asked_per_s, other.asked_per_s) {
            (Some(a), Some(b)) => Some(a + b),
            _ => None,
        };
        self.start_us = self.start_us.min(other.start_us);
        self.span_us = self.span_us.max(other.span_us);
        self.due_until_us = self.due_until_us.max(other.due_until_us);
        self.add_calls(other);
    }

    /// Adds counts and histograms, and leaves times and rates alone.
    pub fn add_calls(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.response.add(&other.response);
        self.service.add(&other.service);
        self.failed.add(&other.failed);
        self.lag.add(&other.lag);
        self.wait.add(&other.wait);
        self.connect.add(&other.connect);
        self.anatomy.add(&other.anatomy);
        if let Some(heard) = &other.heard {
            self.heard.get_or_insert_default().add(heard);
        }
    }
}

pub(super) fn read(latency: &Option<Latency>) -> Histogram {
    latency
        .as_ref()
        .and_then(Latency::histogram)
        .unwrap_or_default()
}
