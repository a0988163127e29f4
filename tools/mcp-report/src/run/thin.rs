//! Adds seconds far from any fault up into longer ones, so that hours of load fit into memory: coarser, and nothing lost.

use super::seconds::{At, Cell};
use record::{Histogram, Latency};
use std::collections::{BTreeMap, BTreeSet};

/// So many seconds before and after a fault's begin or end stay as they are.
const AROUND: i64 = 120;
/// The newest seconds, too: the record of a fault in them may not have come yet.
const NEWEST: i64 = 300;

/// Halves what is kept where no fault is near; where faults are everywhere, elsewhere too, but not the newest. Gives the
/// cells and the longest span that was made.
pub fn thin(cells: BTreeMap<At, Cell>, edges: &BTreeSet<i64>) -> (BTreeMap<At, Cell>, i64) {
    let most = bytes(&cells) / 2;
    let newest = cells
        .keys()
        .map(|at| at.first + at.count)
        .max()
        .unwrap_or(0);
    let mut cells = cells;
    let mut made = 1;
    for (spared, enough) in [(edges, most / 2 * 3), (&BTreeSet::new(), most)] {
        // Lengths are powers of two, so that what was added up before lies within one of the new ones.
        for length in (1..=24).map(|power| 1_i64 << power) {
            let is_free = |from: i64| {
                let near = from - AROUND..=from + length + AROUND;
                from + length <= newest - NEWEST && spared.range(near).next().is_none()
            };
            let many = cells.len();
            cells = add_up(cells, length, is_free);
            if cells.len() < many {
                made = length;
            }
            if bytes(&cells) <= most {
                return (cells, made);
            }
        }
        if bytes(&cells) <= enough {
            break;
        }
    }
    (cells, made)
}

fn add_up(
    cells: BTreeMap<At, Cell>,
    length: i64,
    is_free: impl Fn(i64) -> bool,
) -> BTreeMap<At, Cell> {
    let mut sums: BTreeMap<At, Cell> = BTreeMap::new();
    for (at, cell) in cells {
        let from = at.first.div_euclid(length) * length;
        let fits = at.first + at.count <= from + length && is_free(from);
        let to = if fits {
            At {
                first: from,
                count: length,
                ..at
            }
        } else {
            at
        };
        let sum = sums.entry(to).or_default();
        sum.due = sum.due.saturating_add(cell.due);
        sum.ok = sum.ok.saturating_add(cell.ok);
        for (class, n) in cell.errors {
            sum.count_errors(class, n);
        }
        sum.responses.extend(cell.responses);
    }
    for cell in sums.values_mut().filter(|c| c.responses.len() > 1) {
        cell.responses = merged(&cell.responses);
    }
    sums
}

/// One histogram in place of several.
fn merged(parts: &[Box<str>]) -> Vec<Box<str>> {
    let mut sum = Histogram::default();
    for part in parts {
        let latency = Latency {
            hdr: Some(part.to_string()),
            ..Latency::default()
        };
        if let Some(histogram) = latency.histogram() {
            sum.add(&histogram);
        }
    }
    let hdr = sum.with_hdr().hdr;
    hdr.map(String::into_boxed_str).into_iter().collect()
}

fn bytes(cells: &BTreeMap<At, Cell>) -> usize {
    cells.values().map(Cell::bytes).sum()
}
