//! What is due when: a heap of instants, in which ends come before begins of the same instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is due, in the order in which it happens at the same instant: who is to be paused from 20 s on is not let go on
/// by the end, at 20 s, of an earlier pause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The fault with this id ends.
    End(String),
    /// Whoever was asked to end in this fault, and has not, is ended.
    Harder(String),
    /// Whoever was to come back in this fault, and has not, is given up.
    GiveUp(String),
    /// The fault at this place of the plan begins, for the n-th time, and stays for so many microseconds.
    Begin {
        /// Its place in the plan, from 0.
        fault: usize,
        /// Which of its comings, from 1.
        nth: u64,
        /// How long it stays.
        length_us: u64,
    },
    /// The steady state had its time.
    SteadyLimit,
    /// After a signal, the reader had its time.
    Leave,
}

/// A heap of what is due.
#[derive(Debug, Default)]
pub struct Dues(BinaryHeap<Reverse<(u64, Due)>>);

impl Dues {
    /// Something is due at this instant of CLOCK_MONOTONIC, in microseconds.
    pub fn push(&mut self, at_us: u64, due: Due) {
        self.0.push(Reverse((at_us, due)));
    }

    /// When something is due next.
    #[must_use]
    pub fn next_us(&self) -> Option<u64> {
        self.0.peek().map(|Reverse((at_us, _))| *at_us)
    }

    /// What is due by now, one at a time, with the instant at which it was.
    pub fn pop(&mut self, now_us: u64) -> Option<(u64, Due)> {
        if self.next_us()? > now_us {
            return None;
        }
        self.0.pop().map(|Reverse(due)| due)
    }

    /// No fault begins any more.
    pub fn begin_nothing(&mut self) {
        self.0
            .retain(|Reverse((_, due))| !matches!(due, Due::Begin { .. } | Due::SteadyLimit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(fault: usize, nth: u64) -> Due {
        Due::Begin {
            fault,
            nth,
            length_us: 5,
        }
    }

    #[test]
    fn what_is_due_comes_in_order_and_ends_come_before_begins_of_the_same_instant() {
        let mut dues = Dues::default();
        for (at, due) in [
            (20, begin(1, 1)),
            (20, Due::End("f1".to_owned())),
            (30, Due::Leave),
            (10, begin(0, 1)),
            (20, begin(0, 2)),
        ] {
            dues.push(at, due);
        }
        assert_eq!(dues.next_us(), Some(10));
        assert_eq!(dues.pop(9), None);
        assert_eq!(dues.pop(10), Some((10, begin(0, 1))));
        assert_eq!(dues.pop(10), None);
        let late: Vec<Due> = std::iter::from_fn(|| dues.pop(25))
            .map(|(_, due)| due)
            .collect();
        assert_eq!(late, [Due::End("f1".to_owned()), begin(0, 2), begin(1, 1)]);
        assert_eq!(dues.next_us(), Some(30));
    }

    #[test]
    fn after_the_run_ends_are_still_due_and_begins_are_not() {
        let mut dues = Dues::default();
        dues.push(10, begin(0, 1));
        dues.push(11, Due::End("f1".to_owned()));
        dues.push(12, Due::SteadyLimit);
        dues.begin_nothing();
        assert_eq!(dues.pop(20), Some((11, Due::End("f1".to_owned()))));
        assert_eq!(dues.pop(20), None);
    }
}
