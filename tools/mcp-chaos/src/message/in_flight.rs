//! The requests of one connection, or of one stream of events, that have no answer yet.

use super::MAX_IN_FLIGHT;
use super::call::{Call, Id};
use std::collections::{HashMap, VecDeque};

/// Bounded: the oldest is forgotten first, since its answer is the likeliest never to come.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    calls: HashMap<Id, (u64, Call)>,
    /// In the order in which they came; those that were answered are still there until they come to the front.
    order: VecDeque<(u64, Id)>,
    came: u64,
}

impl InFlight {
    pub(super) fn insert(&mut self, id: Id, call: Call) {
        self.came += 1;
        self.order.push_back((self.came, id.clone()));
        self.calls.insert(id, (self.came, call));
        self.tidy();
    }

    pub(super) fn get(&mut self, id: &Id) -> Option<&mut Call> {
        self.calls.get_mut(id).map(|(_, call)| call)
    }

    pub(super) fn take(&mut self, id: &Id) -> Option<Call> {
        let (_, call) = self.calls.remove(id)?;
        self.tidy();
        Some(call)
    }

    /// Forgets what was answered, and what is too old.
    fn tidy(&mut self) {
        while let Some((came, id)) = self.order.front() {
            let lives = self.calls.get(id).is_some_and(|(at, _)| at == came);
            if lives && self.order.len() <= MAX_IN_FLIGHT {
                break;
            }
            if lives {
                self.calls.remove(id);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_answered_makes_room_for_what_comes_later() {
        let mut calls = InFlight::default();
        for n in 0..3 * MAX_IN_FLIGHT as u64 {
            calls.insert(Id::Number(n), Call::unknown(n));
        }
        assert_eq!(calls.order.len(), MAX_IN_FLIGHT);
        assert_eq!(calls.take(&Id::Number(0)), None);
        let last = 3 * MAX_IN_FLIGHT as u64 - 1;
        assert_eq!(
            calls.take(&Id::Number(last)).map(|call| call.session),
            Some(last)
        );
    }

    #[test]
    fn an_id_that_is_used_again_names_the_later_request_and_answered_ones_take_no_room() {
        let mut calls = InFlight::default();
        calls.insert(Id::Number(1), Call::unknown(1));
        calls.insert(Id::Number(1), Call::unknown(2));
        assert_eq!(calls.take(&Id::Number(1)).map(|c| c.session), Some(2));
        assert_eq!(calls.take(&Id::Number(1)), None);
        assert!(calls.order.is_empty() && calls.calls.is_empty());
    }
}
