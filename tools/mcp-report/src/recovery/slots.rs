//! The seconds of the load in their order, all targets side by side.

use super::tally::Tally;
use crate::outcome::{Expected, SHED};
use crate::run::{At, Cell, Run, signed};
use std::collections::BTreeSet;

/// A second, or several where intervals had been added up.
pub struct Slot<'a> {
    /// Begin, in microseconds since the base of the seconds.
    pub from_us: i64,
    /// End, likewise.
    pub to_us: i64,
    /// The stage of its calls; `None` where several stages share the second, or nothing was due.
    pub stage: Option<u16>,
    cells: Vec<(u16, &'a Cell)>,
}

/// All of them, without gaps between but those of the stream.
pub struct Slots<'a> {
    pub list: Vec<Slot<'a>>,
    /// How many of them the load lasted; what follows holds calls that were still to end.
    pub loaded: usize,
    /// When the load ended, in microseconds since the base.
    pub load_end_us: i64,
    expected: &'a Expected,
}

/// The figures of the targets that a fault hits, and of the others.
#[derive(Clone, Debug, Default)]
pub struct Pair {
    pub hit: Tally,
    pub others: Tally,
}

impl Pair {
    /// Both together.
    pub fn all(&self) -> Tally {
        let mut all = self.hit.clone();
        all.add(&self.others);
        all.open = self.hit.open.saturating_add(self.others.open);
        all
    }
}

impl<'a> Slots<'a> {
    /// Those of a run.
    pub fn of(run: &'a Run, expected: &'a Expected) -> Self {
        let mut list: Vec<Slot<'a>> = Vec::new();
        let mut mixed = false;
        for (at, cell) in &run.seconds.cells {
            let (from_us, to_us) = (micros(at.first), micros(at.first + at.count));
            match list.last_mut().filter(|last| from_us < last.to_us) {
                Some(last) => {
                    last.to_us = last.to_us.max(to_us);
                    last.cells.push((at.target, cell));
                }
                None => {
                    mixed = false;
                    list.push(Slot {
                        from_us,
                        to_us,
                        stage: None,
                        cells: vec![(at.target, cell)],
                    });
                }
            }
            if let Some(slot) = list.last_mut()
                && cell.due > 0
            {
                mixed |= slot.stage.is_some_and(|s| s != at.stage);
                slot.stage = (!mixed).then_some(at.stage);
            }
        }
        let load_end_us = load_end_us(run, &list);
        let loaded = list.partition_point(|s| s.from_us < load_end_us);
        Self {
            list,
            loaded,
            load_end_us,
            expected,
        }
    }

    /// The place of the slot that holds an instant, or of the first one after it.
    pub fn place(&self, us: i64) -> usize {
        self.list.partition_point(|s| s.to_us <= us)
    }

    /// How long a range of slots lasted, as far as the load did, in microseconds.
    pub fn lasted_us(&self, range: std::ops::Range<usize>) -> i64 {
        let of = |s: &Slot<'_>| (s.to_us.min(self.load_end_us) - s.from_us).max(0);
        self.list[range].iter().map(of).sum()
    }

    /// The figures of a slot.
    pub fn pair(&self, place: usize, hit: &BTreeSet<u16>, open: &[[u64; 2]]) -> Pair {
        let mut pair = Pair::default();
        for (target, cell) in &self.list[place].cells {
            let side = if hit.contains(target) {
                &mut pair.hit
            } else {
                &mut pair.others
            };
            side.add_cell(cell, self.expected);
        }
        [pair.hit.open, pair.others.open] = open.get(place).copied().unwrap_or_default();
        pair
    }

    /// Calls of a slot that failed, and calls that ended: what needs no histogram.
    pub fn failed(&self, place: usize) -> (u64, u64) {
        let cells = self.list[place].cells.iter();
        cells.fold((0, 0), |sum, (_, cell)| {
            let (failed, ended) = Tally::outcomes(cell, self.expected);
            (
                u64::saturating_add(sum.0, failed),
                u64::saturating_add(sum.1, ended),
            )
        })
    }

    /// How many calls were due or in flight at the end of each slot, of the targets hit and of the others. What was
    /// scheduled is ended or open, over any prefix of the stream; so this holds in a second without any record, too.
    pub fn open(&self, hit: &BTreeSet<u16>) -> Vec<[u64; 2]> {
        let mut sums = [0_i128; 2];
        let mut open = Vec::with_capacity(self.list.len());
        for slot in &self.list {
            for (target, cell) in &slot.cells {
                let ended = cell
                    .errors()
                    .map(|(_, n)| n)
                    .fold(cell.ok, u64::saturating_add);
                sums[usize::from(!hit.contains(target))] +=
                    i128::from(cell.due) - i128::from(ended);
            }
            open.push(sums.map(|sum| u64::try_from(sum.max(0)).unwrap_or(u64::MAX)));
        }
        open
    }

    /// Calls of the whole load that came to an end, but for those shed: what an objective is a share of.
    pub fn ended(&self, is_measured: impl Fn(&At) -> bool, run: &Run) -> u64 {
        let cells = run.seconds.cells.iter().filter(|(at, _)| is_measured(at));
        cells
            .map(|(_, cell)| {
                let errors = cell.errors().filter(|(class, _)| *class != SHED);
                errors.map(|(_, n)| n).fold(cell.ok, u64::saturating_add)
            })
            .fold(0, u64::saturating_add)
    }
}

/// The end of the last measured stage; of a run that was cut short, and of one whose generator said nothing of stages,
/// that of the last second in which a call was due.
fn load_end_us(run: &Run, list: &[Slot<'_>]) -> i64 {
    let base = run.seconds.base_us.unwrap_or(0);
    let last = list.last().map_or(0, |s| s.to_us);
    let is_due = |at: &At, cell: &Cell| cell.due > 0 && run.seconds.is_measured(at.stage);
    let due = run
        .seconds
        .cells
        .iter()
        .filter(|(at, cell)| is_due(at, cell));
    let due_until = due
        .map(|(at, _)| micros(at.first + at.count))
        .max()
        .unwrap_or(0);
    match run.stages.measured_until_us() {
        Some(us) => (signed(us) - base).min(last),
        None => due_until,
    }
}

fn micros(second: i64) -> i64 {
    second.saturating_mul(1_000_000)
}
