//! What is to be passed on later: ordered by its instant, and within one by the order of passing.

use crate::message::{Pass, Side};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A queue ordered by instant.
#[derive(Debug, Default)]
pub struct Later {
    heap: BinaryHeap<Reverse<Entry>>,
    passed: u64,
    held: [usize; 2],
}

#[derive(Debug)]
struct Entry {
    at_us: u64,
    nth: u64,
    pass: Pass,
}

impl Later {
    /// Puts something in.
    pub fn push(&mut self, pass: Pass) {
        let at_us = match &pass {
            Pass::Bytes { at_us, to, bytes } => {
                self.held[place(*to)] += bytes.len();
                *at_us
            }
            Pass::End { at_us, .. } | Pass::Close { at_us, .. } => *at_us,
        };
        self.passed += 1;
        self.heap.push(Reverse(Entry {
            at_us,
            nth: self.passed,
            pass,
        }));
    }

    /// Takes out the first that is due.
    pub fn pop(&mut self, now_us: u64) -> Option<Pass> {
        if self.next_us()? > now_us {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
        if let Pass::Bytes { to, bytes, .. } = &entry.pass {
            self.held[place(*to)] -= bytes.len();
        }
        Some(entry.pass)
    }

    /// When the first is due (CLOCK_MONOTONIC, µs).
    pub fn next_us(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(entry)| entry.at_us)
    }

    /// How many bytes wait for one side.
    pub fn held(&self, to: Side) -> usize {
        self.held[place(to)]
    }
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Server)
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_us, self.nth).cmp(&(other.at_us, other.nth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_goes_first_and_of_one_instant_what_was_passed_first() {
        let mut later = Later::default();
        let to = Side::Client;
        for (at_us, byte) in [(30, 1), (10, 2), (20, 3), (10, 4), (20, 5)] {
            let bytes = vec![byte];
            later.push(Pass::Bytes { to, at_us, bytes });
        }
        later.push(Pass::End { to, at_us: 20 });
        assert_eq!((later.next_us(), later.held(to)), (Some(10), 5));
        assert_eq!(later.pop(9), None);
        let mut order = Vec::new();
        while let Some(pass) = later.pop(20) {
            order.push(match pass {
                Pass::Bytes { bytes, .. } => bytes[0],
                Pass::End { .. } => 0,
                Pass::Close { .. } => 99,
            });
        }
        assert_eq!(order, [2, 4, 3, 5, 0]);
        assert_eq!((later.next_us(), later.held(to)), (Some(30), 1));
    }
}
