//! Counts: what a row has come to since the run began, and what stands in it now.

use super::buckets::Buckets;
use crate::tally::{Cell, Now};
use protocol::outcome::Outcome;

/// What a row has come to. A row is a profile and a method here, or a profile's connections.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Calls due.
    pub scheduled: u64,
    /// Calls whose last byte was written.
    pub sent: u64,
    /// Calls by [`Outcome::index`].
    pub outcomes: [u64; Outcome::CLASSES.len()],
    /// Connection attempts that failed.
    pub connect_failures: u64,
    /// What stood at the end of the last interval.
    pub now: Now,
    /// Due to done, ok.
    pub ok: Buckets,
    /// Due to done, sent and not ok.
    pub failed: Buckets,
    /// Due to taken up.
    pub lag: Buckets,
    /// Set-up of connections.
    pub connect: Buckets,
}

impl Counts {
    /// Adds an interval of the row at one target and in one stage. [`Self::now`] adds up too: it is to be zero before the
    /// first one of an interval.
    pub fn take(&mut self, cell: &Cell) {
        self.scheduled += cell.scheduled;
        self.sent += cell.sent;
        add(&mut self.outcomes, &cell.outcomes);
        self.connect_failures += cell.connect_failures;
        self.stand(cell.now);
        for (sum, interval) in [
            (&mut self.ok, &cell.response),
            (&mut self.failed, &cell.failed),
            (&mut self.lag, &cell.lag),
            (&mut self.connect, &cell.connect),
        ] {
            if let Some(histogram) = interval {
                sum.take(histogram);
            }
        }
    }

    /// Adds another row.
    pub fn join(&mut self, other: &Self) {
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        add(&mut self.outcomes, &other.outcomes);
        self.connect_failures += other.connect_failures;
        self.stand(other.now);
        self.ok.join(&other.ok);
        self.failed.join(&other.failed);
        self.lag.join(&other.lag);
        self.connect.join(&other.connect);
    }

    fn stand(&mut self, now: Now) {
        self.now.in_flight += now.in_flight;
        self.now.waiting += now.waiting;
        self.now.connections += now.connections;
    }
}

fn add(sums: &mut [u64], more: &[u64]) {
    sums.iter_mut().zip(more).for_each(|(a, b)| *a += b);
}
