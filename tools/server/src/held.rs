//! Messages that wait for their instant, earliest first, counted in number and bytes.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::state::Planned;

/// A message that leaves later.
pub(crate) struct Held {
    /// When it leaves, when its work was done, and its turn: a stall lets out in this order.
    due: (u64, u64, u64),
    /// The JSON of the id that it answers, to cancel it by.
    id: String,
    pub(crate) text: String,
    /// The call that ends with this message; a notification ends none.
    pub(crate) call: Option<Planned>,
}

/// What is waiting on one stream.
#[derive(Default)]
pub(crate) struct Waiting {
    heap: BinaryHeap<Reverse<Held>>,
    bytes: usize,
    turn: u64,
}

impl Waiting {
    pub(crate) fn push(
        &mut self,
        release_ns: u64,
        done_ns: u64,
        id: &str,
        text: String,
        call: Option<Planned>,
    ) {
        self.turn += 1;
        self.bytes += text.len();
        self.heap.push(Reverse(Held {
            due: (release_ns, done_ns, self.turn),
            id: id.to_owned(),
            text,
            call,
        }));
    }

    /// When the next one leaves; `u64::MAX` where nothing waits.
    pub(crate) fn next_ns(&self) -> u64 {
        self.heap
            .peek()
            .map_or(u64::MAX, |Reverse(held)| held.due.0)
    }

    /// Takes the next one that may leave by now.
    pub(crate) fn pop(&mut self, now_ns: u64) -> Option<Held> {
        if self.next_ns() > now_ns {
            return None;
        }
        let Reverse(held) = self.heap.pop()?;
        self.bytes -= held.text.len();
        Some(held)
    }

    /// Takes out all messages of the call with this id; gives the call back where one was waiting.
    pub(crate) fn cancel(&mut self, id: &str) -> Vec<Planned> {
        let mut cancelled = Vec::new();
        let kept = std::mem::take(&mut self.heap)
            .into_iter()
            .filter_map(|Reverse(held)| {
                if held.id != id {
                    return Some(Reverse(held));
                }
                self.bytes -= held.text.len();
                cancelled.extend(held.call);
                None
            });
        self.heap = kept.collect();
        cancelled
    }

    /// All that still waits, when the connection is gone.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Planned> + '_ {
        self.bytes = 0;
        self.heap.drain().filter_map(|Reverse(held)| held.call)
    }

    pub(crate) fn count(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        self.due.cmp(&other.due)
    }
}

#[cfg(test)]
mod tests {
    use super::Waiting;

    #[test]
    fn messages_leave_by_instant_then_by_end_of_work_then_by_turn() {
        let mut waiting = Waiting::default();
        for (release, done, text) in [
            (20, 15, "c"),
            (20, 12, "b"),
            (10, 10, "a"),
            (20, 15, "d"),
            (30, 30, "e"),
        ] {
            waiting.push(release, done, "1", text.to_owned(), None);
        }
        assert!(waiting.pop(9).is_none());
        let mut left = String::new();
        while let Some(held) = waiting.pop(20) {
            left.push_str(&held.text);
        }
        assert_eq!(left, "abcd");
        assert_eq!(
            (waiting.next_ns(), waiting.count(), waiting.bytes()),
            (30, 1, 1)
        );
    }

    #[test]
    fn a_cancelled_call_takes_its_notifications_with_it_and_nothing_else() {
        let mut waiting = Waiting::default();
        for id in ["1", "\"1\"", "1", "2"] {
            waiting.push(10, 10, id, id.to_owned(), None);
        }
        assert!(waiting.cancel("1").is_empty());
        assert_eq!((waiting.count(), waiting.bytes()), (2, 4));
    }
}
