//! The seconds of the load, by target: counts and answers, kept so that a fault can be looked at whichever record comes first.

use super::CONNECT;
use super::stages::is_measured;
use crate::outcome::CLASSES;
use record::kind::Interval;
use std::collections::{BTreeMap, BTreeSet};

/// What the seconds may take in memory before those far from any fault are added up into longer ones: about two hours
/// of five targets and four calls in full.
const MAX_BYTES: usize = 64 << 20;
/// Cells beyond this are left out, where adding up did not help: so many targets are no load of ours.
const MAX_CELLS: usize = 1 << 18;
/// Names kept apart; the rest shares the last number.
const MAX_NAMES: usize = 4_096;
/// What a cell takes beside its histograms, roughly.
const CELL_BYTES: usize = 160;

/// Where calls belong: seconds since the base, target, and the stage in which they were due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The first second.
    pub first: i64,
    /// How many; more than one where intervals had been added up, by mcp-gen for a slow reader or here.
    pub count: i64,
    /// The target's number.
    pub target: u16,
    /// The stage's number.
    pub stage: u16,
}

/// Calls of one target and one stage within some seconds.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Calls due.
    pub due: u64,
    /// Calls answered well.
    pub ok: u64,
    /// Outcomes besides ok, by the place of their class in [`CLASSES`]; one beyond is a class of the future.
    pub errors: Vec<(u8, u64)>,
    /// Response times of ok calls, as records carry them: a tenth of what they take decoded, and few are ever read.
    pub responses: Vec<Box<str>>,
}

/// All of them.
#[derive(Default)]
pub struct Seconds {
    /// Where seconds begin to count, in Unix microseconds: t0, or the first interval of a stream without one.
    pub base_us: Option<i64>,
    pub targets: Names,
    stages: Names,
    pub cells: BTreeMap<At, Cell>,
    bytes: usize,
    /// The longest that seconds were added up here to save memory; 1 where they were not.
    pub added_up: i64,
    /// Cells that did not fit.
    pub left_out: u64,
    /// Seconds in which a fault began or ended.
    pub edges: BTreeSet<i64>,
}

/// Names by number.
#[derive(Default)]
pub struct Names(Vec<String>);

impl Names {
    fn number(&mut self, name: &str) -> u16 {
        let known = self.0.iter().position(|n| n == name);
        let number = known.unwrap_or_else(|| {
            if self.0.len() < MAX_NAMES {
                self.0.push(name.to_owned());
            }
            self.0.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    /// The name of a number.
    pub fn name(&self, number: u16) -> &str {
        self.0.get(usize::from(number)).map_or("", String::as_str)
    }

    /// The numbers of those of these names that are there.
    pub fn numbers(&self, names: &[String]) -> BTreeSet<u16> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, name)| names.contains(name))
            .filter_map(|(i, _)| u16::try_from(i).ok())
            .collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Seconds {
    /// Takes in an interval; those of connections hold no calls.
    pub fn take(&mut self, t0_us: Option<u64>, i: &Interval) {
        if i.method == CONNECT {
            return;
        }
        let start_us = signed(i.start_us);
        let base = *self.base_us.get_or_insert(t0_us.map_or(start_us, signed));
        let (first, count) = seconds_of(start_us.saturating_sub(base), signed(i.span_us));
        let at = At {
            first,
            count,
            target: self.targets.number(&i.target),
            stage: self.stages.number(&i.stage),
        };
        if self.cells.len() >= MAX_CELLS && !self.cells.contains_key(&at) {
            self.left_out += 1;
            return;
        }
        let is_new = !self.cells.contains_key(&at);
        let cell = self.cells.entry(at).or_default();
        let before = cell.responses.len();
        cell.due = cell.due.saturating_add(i.scheduled);
        cell.ok = cell.ok.saturating_add(i.ok);
        for (class, n) in i.errors.iter().filter(|(_, n)| **n > 0) {
            cell.count_errors(number_of(class), *n);
        }
        if let Some(hdr) = i.response.as_ref().and_then(|r| r.hdr.as_deref()) {
            cell.responses.push(hdr.into());
        }
        let more: usize = cell.responses[before..].iter().map(|hdr| hdr.len()).sum();
        self.bytes += more + if is_new { CELL_BYTES } else { 0 };
        self.fit(MAX_BYTES);
    }

    /// Remembers an instant of a fault, in Unix microseconds: the seconds around it are kept apart.
    pub fn edge(&mut self, at_us: u64) {
        if let Some(base) = self.base_us {
            self.edges.insert(second_of(signed(at_us) - base));
        }
    }

    /// Whether calls of this stage were asked to be measured.
    pub fn is_measured(&self, stage: u16) -> bool {
        is_measured(self.stages.name(stage))
    }

    fn fit(&mut self, most_bytes: usize) {
        if self.bytes <= most_bytes {
            return;
        }
        let (cells, length) = super::thin::thin(std::mem::take(&mut self.cells), &self.edges);
        self.cells = cells;
        self.added_up = self.added_up.max(length);
        self.bytes = self.cells.values().map(Cell::bytes).sum();
    }
}

impl Cell {
    /// Counts outcomes of a class.
    pub fn count_errors(&mut self, class: u8, n: u64) {
        match self.errors.iter_mut().find(|(c, _)| *c == class) {
            Some((_, sum)) => *sum = sum.saturating_add(n),
            None => self.errors.push((class, n)),
        }
    }

    /// The outcomes besides ok, with their classes.
    pub fn errors(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let class = |c: u8| CLASSES.get(usize::from(c)).copied().unwrap_or("unknown");
        self.errors.iter().map(move |(c, n)| (class(*c), *n))
    }

    /// What it takes in memory, roughly.
    pub fn bytes(&self) -> usize {
        CELL_BYTES + self.responses.iter().map(|hdr| hdr.len()).sum::<usize>()
    }
}

fn number_of(class: &str) -> u8 {
    let found = CLASSES.iter().position(|c| *c == class);
    u8::try_from(found.unwrap_or(CLASSES.len())).unwrap_or(u8::MAX)
}

/// The seconds that a span lies in. Generators on several machines begin a few milliseconds apart, and stages cut
/// seconds in two: so what is short belongs to the second of its middle, and what is long to the nearest whole ones.
fn seconds_of(start_us: i64, span_us: i64) -> (i64, i64) {
    let end_us = start_us.saturating_add(span_us);
    if span_us <= 1_500_000 {
        return (second_of(start_us.saturating_add(span_us / 2)), 1);
    }
    let first = second_of(start_us.saturating_add(500_000));
    let end = second_of(end_us.saturating_add(500_000));
    (first, (end - first).max(1))
}

/// The second of an instant.
pub fn second_of(us: i64) -> i64 {
    us.div_euclid(1_000_000)
}

/// Unix microseconds with a sign; a hostile record's instant ends at the last one.
pub fn signed(us: u64) -> i64 {
    // Halved, so that differences of two cannot overflow.
    i64::try_from(us).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(target: &str) -> Interval {
        let mut histogram = record::Histogram::default();
        (0..50).for_each(|i| histogram.record(1_000 + i * 37));
        Interval {
            stage: "steady".into(),
            target: target.into(),
            method: "ping".into(),
            span_us: 1_000_000,
            scheduled: 51,
            ok: 50,
            errors: [("timeout".to_owned(), 1)].into(),
            response: Some(histogram.with_hdr()),
            ..Interval::default()
        }
    }

    #[test]
    fn a_span_belongs_to_the_seconds_that_it_mostly_lies_in() {
        for (start, span, wanted) in [
            (5_000_000, 1_000_000, (5, 1)),
            (5_003_000, 1_000_000, (5, 1)),
            (4_998_000, 1_000_000, (5, 1)),
            (5_225_000, 775_000, (5, 1)),
            (5_900_000, 100_000, (5, 1)),
            (5_000_000, 3_000_000, (5, 3)),
            (5_225_000, 2_775_000, (5, 3)),
            (-1_000_000, 1_000_000, (-1, 1)),
        ] {
            assert_eq!(seconds_of(start, span), wanted, "{start} {span}");
        }
    }

    #[test]
    fn a_run_of_hours_loses_no_call_and_keeps_the_seconds_around_a_fault() {
        const MOST_BYTES: usize = 3 << 19;
        let mut seconds = Seconds::default();
        let mut intervals = ["a", "b", "c"].map(interval);
        for second in 0..3_000 {
            for interval in &mut intervals {
                interval.start_us = second * 1_000_000;
                seconds.take(Some(0), interval);
                seconds.fit(MOST_BYTES);
            }
            if second == 1_500 {
                // Its record comes when two minutes have gone.
                seconds.edge(1_380_000_000);
            }
        }
        assert!(seconds.bytes <= MOST_BYTES, "{}", seconds.bytes);
        assert!(seconds.added_up >= 4, "{}", seconds.added_up);
        assert_eq!(seconds.left_out, 0);
        let due: u64 = seconds.cells.values().map(|c| c.due).sum();
        let timeouts: u64 = seconds
            .cells
            .values()
            .flat_map(|c| c.errors.iter())
            .map(|(_, n)| n)
            .sum();
        assert_eq!((due, timeouts), (3_000 * 3 * 51, 3_000 * 3));
        let apart = |at: &At| (1_260..1_500).contains(&at.first) && at.count > 1;
        assert_eq!(seconds.cells.keys().filter(|at| apart(at)).count(), 0);
        let answers: u64 = seconds
            .cells
            .values()
            .flat_map(|c| &c.responses)
            .map(|hdr| {
                let latency = record::Latency {
                    hdr: Some(hdr.to_string()),
                    ..record::Latency::default()
                };
                latency.histogram().unwrap().count()
            })
            .sum();
        assert_eq!(answers, 3_000 * 3 * 50);
    }
}
