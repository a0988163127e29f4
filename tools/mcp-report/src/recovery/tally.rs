//! Calls of some seconds and some targets, added up: what a fault's figures are made of.

use crate::outcome::{Expected, SHED, is_never};
use crate::run::Cell;
use record::{Histogram, Latency, Quantile};

/// Calls that came to an end, and how.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls due.
    pub due: u64,
    /// Calls that came to an end, but for those that were shed.
    pub ended: u64,
    /// Of these: answered well, or in a way that was expected.
    pub ok: u64,
    /// Of these: errors.
    pub failed: u64,
    /// Of the errors: those that never came back.
    pub never: u64,
    /// Response times of the ok calls.
    pub response: Histogram,
    /// Calls due or in flight when these seconds were over.
    pub open: u64,
}

impl Tally {
    /// Adds a cell.
    pub fn add_cell(&mut self, cell: &Cell, expected: &Expected) {
        self.due = self.due.saturating_add(cell.due);
        self.ended = self.ended.saturating_add(cell.ok);
        self.ok = self.ok.saturating_add(cell.ok);
        for (class, n) in cell.errors() {
            let counts = |is: bool| if is { n } else { 0 };
            self.ended = self.ended.saturating_add(counts(class != SHED));
            self.ok = self.ok.saturating_add(counts(expected.has(class)));
            let failed = counts(expected.is_error(class));
            self.failed = self.failed.saturating_add(failed);
            self.never = self.never.saturating_add(counts(is_never(class)));
        }
        for hdr in &cell.responses {
            let latency = Latency {
                hdr: Some(hdr.to_string()),
                ..Latency::default()
            };
            if let Some(histogram) = latency.histogram() {
                self.response.add(&histogram);
            }
        }
    }

    /// Calls of a cell that failed, and calls that ended.
    pub fn outcomes(cell: &Cell, expected: &Expected) -> (u64, u64) {
        let errors = cell.errors().filter(|(class, _)| *class != SHED);
        errors.fold((0, cell.ok), |(failed, ended), (class, n)| {
            let is_error = expected.is_error(class);
            (
                u64::saturating_add(failed, if is_error { n } else { 0 }),
                ended.saturating_add(n),
            )
        })
    }

    /// Adds another's; what is open is that of the later one, or of other targets, as the caller knows.
    pub fn add(&mut self, other: &Self) {
        for (a, b) in [
            (&mut self.due, other.due),
            (&mut self.ended, other.ended),
            (&mut self.ok, other.ok),
            (&mut self.failed, other.failed),
            (&mut self.never, other.never),
        ] {
            *a = a.saturating_add(b);
        }
        self.response.add(&other.response);
    }

    /// Errors over all that ended.
    pub fn error_rate(&self) -> Option<f64> {
        (self.ended > 0).then(|| self.failed as f64 / self.ended as f64)
    }

    /// A percentile in microseconds.
    pub fn at(&self, quantile: Quantile) -> Found {
        if self.response.is_empty() && self.never == 0 {
            return Found::None;
        }
        match quantile.of(&self.response, self.never) {
            Some(us) => Found::Us(us),
            None => Found::Beyond,
        }
    }
}

/// What a percentile comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// There was no call to take it from.
    None,
    /// In microseconds.
    Us(u64),
    /// It falls among calls that never came back.
    Beyond,
}
