//! Counts and latencies of one (stage, target, label), and a worker's book of all of them.

use crate::anatomy::Anatomy;
use crate::heard::Heard;
use protocol::outcome::Outcome;
use record::Histogram;
use record::kind::Sessions;
use std::collections::BTreeMap;

/// Which row something belongs to: indices into the stages, the targets and the menu's labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Index into [`crate::stages::Stages::all`].
    pub stage: u16,
    /// Index into the table of targets.
    pub home: u16,
    /// Index into the labels; the first ones are of connections.
    pub label: u16,
}

/// What happened within an interval (or a stage) in one row.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Calls due.
    pub scheduled: u64,
    /// Calls whose last byte was written.
    pub sent: u64,
    /// Of the ok ones, those done before their stage ended.
    pub ok_in_stage: u64,
    /// Calls by [`Outcome::index`]; the first is ok.
    pub outcomes: [u64; Outcome::CLASSES.len()],
    /// Codes behind outcomes.
    pub codes: BTreeMap<Code, u64>,
    /// Bytes of requests.
    pub sent_bytes: u64,
    /// Bytes of answers.
    pub received_bytes: u64,
    /// Calls whose stream was asked for again with `Last-Event-ID`, each time.
    pub resumed: u64,
    /// Calls that are over and were sent elsewhere than to their home.
    pub moved: u64,
    /// Connection attempts that failed.
    pub connect_failures: u64,
    /// What became of sessions; only in rows of connections.
    pub sessions: Option<Box<Sessions>>,
    /// At the end of the interval: calls in flight, calls waiting, connections.
    pub now: Now,
    /// Due to done, ok.
    pub response: Option<Box<Histogram>>,
    /// Sent to done, ok.
    pub service: Option<Box<Histogram>>,
    /// Due to done, not ok, sent.
    pub failed: Option<Box<Histogram>>,
    /// Due to taken up.
    pub lag: Option<Box<Histogram>>,
    /// Taken up to sent.
    pub wait: Option<Box<Histogram>>,
    /// Set-up of connections.
    pub connect: Option<Box<Histogram>>,
    /// The parts of set-up and of calls.
    pub anatomy: Anatomy,
    /// What was heard besides answers.
    pub heard: Option<Box<Heard>>,
}

/// What stands at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Calls sent and not done.
    pub in_flight: u64,
    /// Calls due and neither sent nor done.
    pub waiting: u64,
    /// Connections that can carry calls.
    pub connections: u64,
}

/// The code behind an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A JSON-RPC error code.
    Rpc(i64),
    /// An HTTP status.
    Http(u16),
    /// The connection had been kept from an earlier call.
    Reused,
}

impl Code {
    fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::RpcError(code) => Some(Self::Rpc(code)),
            Outcome::HttpError(status) => Some(Self::Http(status)),
            Outcome::ConnectionClosed { reused: true } => Some(Self::Reused),
            _ => None,
        }
    }

    /// As it stands in records.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Rpc(code) => format!("rpc_{code}"),
            Self::Http(status) => format!("http_{status}"),
            Self::Reused => "reused".to_owned(),
        }
    }
}

/// A hostile server could make up a code per call; beyond this many they are no longer told apart.
const MAX_CODES: usize = 64;

/// Counts a latency of `ns` in a histogram that comes into being with its first value.
pub fn count(histogram: &mut Option<Box<Histogram>>, ns: u64) {
    histogram.get_or_insert_default().record(ns / 1_000);
}

impl Cell {
    /// Counts an outcome and the code behind it.
    pub fn outcome(&mut self, outcome: Outcome) {
        self.outcomes[outcome.index()] += 1;
        if let Some(code) = Code::of(outcome)
            && (self.codes.len() < MAX_CODES || self.codes.contains_key(&code))
        {
            *self.codes.entry(code).or_default() += 1;
        }
    }

    /// Calls that are over, however they ended.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Adds what happened in another interval, or at another worker at the same time (`together`), whose connections
    /// then stand beside ours; otherwise the later one's count.
    pub fn add(&mut self, other: &Self, together: bool) {
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.ok_in_stage += other.ok_in_stage;
        for (a, b) in self.outcomes.iter_mut().zip(other.outcomes) {
            *a += b;
        }
        for (code, n) in &other.codes {
            *self.codes.entry(*code).or_default() += n;
        }
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.resumed += other.resumed;
        self.moved += other.moved;
        self.connect_failures += other.connect_failures;
        if let Some(other) = &other.sessions {
            self.sessions.get_or_insert_default().add(other);
        }
        self.anatomy.add(&other.anatomy);
        let zero = Now::default();
        let base = if together { self.now } else { zero };
        self.now = Now {
            in_flight: base.in_flight + other.now.in_flight,
            waiting: base.waiting + other.now.waiting,
            connections: base.connections + other.now.connections,
        };
        for (a, b) in [
            (&mut self.response, &other.response),
            (&mut self.service, &other.service),
            (&mut self.failed, &other.failed),
            (&mut self.lag, &other.lag),
            (&mut self.wait, &other.wait),
            (&mut self.connect, &other.connect),
        ] {
            if let Some(b) = b {
                a.get_or_insert_default().add(b);
            }
        }
        if let Some(heard) = &other.heard {
            self.heard.get_or_insert_default().add(heard);
        }
    }

    /// What was heard besides answers.
    pub fn heard(&mut self) -> &mut Heard {
        self.heard.get_or_insert_default()
    }
}

/// A worker's book: a cell for each row that something happened in since the last interval, and what stands.
pub struct Book {
    homes: usize,
    labels: usize,
    /// They come into being with the stage they are of.
    rows: Vec<Row>,
    /// Rows that will be in the next interval.
    open: Vec<usize>,
}

#[derive(Default)]
struct Row {
    cell: Option<Box<Cell>>,
    now: Now,
}

impl Book {
    /// A book for so many targets and labels.
    #[must_use]
    pub fn new(homes: usize, labels: usize) -> Self {
        Self {
            homes,
            labels,
            rows: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The cell of a row, and what stands in it.
    pub fn row(&mut self, key: Key) -> (&mut Cell, &mut Now) {
        let index = (usize::from(key.stage) * self.homes + usize::from(key.home)) * self.labels
            + usize::from(key.label);
        if index >= self.rows.len() {
            let stages = usize::from(key.stage) + 1;
            let needed = stages * self.homes * self.labels;
            self.rows.resize_with(needed, Row::default);
        }
        let row = &mut self.rows[index];
        if row.cell.is_none() {
            self.open.push(index);
        }
        (row.cell.get_or_insert_default(), &mut row.now)
    }

    /// The cell of a row.
    pub fn cell(&mut self, key: Key) -> &mut Cell {
        self.row(key).0
    }

    /// Ends an interval: takes all rows in which something happened, or in which calls or connections stand.
    pub fn close(&mut self) -> Vec<(Key, Cell)> {
        let mut taken = Vec::with_capacity(self.open.len());
        for index in std::mem::take(&mut self.open) {
            let row = &mut self.rows[index];
            let Some(mut cell) = row.cell.take() else {
                continue;
            };
            cell.now = row.now;
            let key = Key {
                stage: (index / self.labels / self.homes) as u16,
                home: (index / self.labels % self.homes) as u16,
                label: (index % self.labels) as u16,
            };
            taken.push((key, *cell));
            if row.now != Now::default() {
                // It stands in the next interval too, also when nothing more happens in it.
                row.cell = Some(Box::default());
                self.open.push(index);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_told_as_long_as_something_stands_in_it() {
        let key = Key {
            stage: 1,
            home: 2,
            label: 3,
        };
        let mut book = Book::new(4, 5);
        let (cell, now) = book.row(key);
        cell.scheduled += 1;
        now.waiting += 1;
        let first = book.close();
        assert_eq!(
            (
                first.len(),
                first[0].0,
                first[0].1.scheduled,
                first[0].1.now.waiting
            ),
            (1, key, 1, 1)
        );
        let second = book.close();
        assert_eq!(
            (second.len(), second[0].1.scheduled, second[0].1.now.waiting),
            (1, 0, 1)
        );
        let (cell, now) = book.row(key);
        now.waiting -= 1;
        cell.outcome(Outcome::Abandoned);
        assert_eq!(book.close().len(), 1);
        assert!(book.close().is_empty());
    }

    #[test]
    fn codes_are_kept_and_bounded() {
        let mut cell = Cell::default();
        for code in 0..1_000 {
            cell.outcome(Outcome::RpcError(code));
        }
        cell.outcome(Outcome::RpcError(0));
        assert_eq!(cell.done(), 1_001);
        assert_eq!(
            (cell.codes.len(), cell.codes[&Code::Rpc(0)]),
            (MAX_CODES, 2)
        );
    }
}
