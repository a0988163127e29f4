//! A call under way, and the calls in flight on a WebSocket by their ids.

use std::collections::VecDeque;

/// A call that was handed to a connection. Instants are nanoseconds of CLOCK_MONOTONIC; 0 is "not yet".
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Index on its client's schedule.
    pub index: u64,
    /// JSON-RPC id.
    pub id: u64,
    /// When it was due.
    pub due_ns: u64,
    /// When the loop took it up; `due_ns` for one that had to wait for a free window.
    pub taken_ns: u64,
    /// When write() had taken its last byte.
    pub sent_ns: u64,
    /// When the first byte of its answer came.
    pub first_ns: u64,
    /// The stage it was due in.
    pub stage: u16,
    /// Its home target at due.
    pub home: u16,
    /// The target that it was handed to; its home as a rule.
    pub place: u16,
    /// Our port of the connection; 0 before it has one.
    pub port: u16,
    /// Its place on the home's menu.
    pub dish: u32,
    /// Its client, by its place in the worker.
    pub client: u32,
    /// Bytes of the request.
    pub sent_bytes: u32,
}

/// The calls in flight on one connection. Ids are given out in order, so a queue with gaps finds each at once.
#[derive(Debug, Default)]
pub struct InFlight {
    first_id: u64,
    slots: VecDeque<Option<Call>>,
    count: usize,
    /// The longest that `slots` has been since memory was last looked at.
    peak: usize,
}

impl InFlight {
    /// Adds a call, whose id is the highest so far.
    pub fn push(&mut self, call: Call) {
        if self.slots.is_empty() {
            self.first_id = call.id;
        }
        // Ids of set-up and replies leave gaps.
        while self.first_id + (self.slots.len() as u64) < call.id {
            self.slots.push_back(None);
        }
        self.slots.push_back(Some(call));
        self.count += 1;
        self.peak = self.peak.max(self.slots.len());
    }

    /// The call with this id.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Call> {
        let slot = usize::try_from(id.checked_sub(self.first_id)?).ok()?;
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Takes out the call with this id; `None` for one that was never sent, or is over.
    pub fn take(&mut self, id: u64) -> Option<Call> {
        let slot = usize::try_from(id.checked_sub(self.first_id)?).ok()?;
        let call = self.slots.get_mut(slot)?.take()?;
        self.count -= 1;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first_id += 1;
        }
        Some(call)
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Call> {
        self.slots.iter().flatten()
    }

    /// The call that was sent first.
    pub fn oldest(&self) -> Option<&Call> {
        self.slots.front().and_then(Option::as_ref)
    }

    /// All of them, the oldest first.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Call> {
        self.slots.iter_mut().flatten()
    }

    /// Where the oldest one lies, and the next one will.
    pub fn address(&self) -> *const Option<Call> {
        self.slots.as_slices().0.as_ptr()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Gives the memory back, where none is in flight.
    pub fn rest(&mut self) {
        if self.count == 0 {
            self.slots = VecDeque::new();
        }
    }

    /// Gives back what only a burst has needed: a stall of the server fills the window once, and 1,024 calls in flight
    /// are 100 KB. Call it from time to time; it looks at what was needed since the last time. Gives the bytes.
    pub fn ease(&mut self) -> usize {
        let needed = 2 * std::mem::take(&mut self.peak).max(self.slots.len()).max(8);
        let had = self.slots.capacity();
        if had > 2 * needed {
            self.slots.shrink_to(needed);
        }
        (had - self.slots.capacity()) * size_of::<Option<Call>>()
    }

    /// Takes all out, the oldest first.
    pub fn drain(&mut self) -> Vec<Call> {
        self.count = 0;
        self.slots.drain(..).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: u64) -> Call {
        Call {
            place: 0,
            index: id,
            id,
            due_ns: 0,
            taken_ns: 0,
            sent_ns: 0,
            first_ns: 0,
            stage: 1,
            home: 0,
            port: 0,
            dish: 0,
            client: 0,
            sent_bytes: 0,
        }
    }

    #[test]
    fn answers_may_come_in_any_order_and_only_once() {
        let mut calls = InFlight::default();
        for id in [3, 4, 7, 8] {
            calls.push(call(id));
        }
        assert_eq!(calls.take(7).map(|c| c.id), Some(7));
        assert!(
            calls.take(7).is_none()
                && calls.take(5).is_none()
                && calls.take(2).is_none()
                && calls.take(99).is_none()
        );
        assert_eq!((calls.len(), calls.oldest().map(|c| c.id)), (3, Some(3)));
        assert_eq!(
            [3, 4, 8].map(|id| calls.take(id).map(|c| c.id)),
            [Some(3), Some(4), Some(8)]
        );
        assert_eq!((calls.len(), calls.oldest().is_none()), (0, true));
        calls.push(call(20));
        assert_eq!(calls.take(20).map(|c| c.id), Some(20));
    }

    #[test]
    fn what_a_burst_has_needed_is_given_back_while_calls_go_on() {
        let mut calls = InFlight::default();
        (1..=1_000).for_each(|id| calls.push(call(id)));
        (1..=998).for_each(|id| assert!(calls.take(id).is_some()));
        calls.ease();
        assert!(
            calls.slots.capacity() >= 1_000,
            "needed since the last time"
        );
        calls.ease();
        assert!(calls.slots.capacity() <= 32, "{}", calls.slots.capacity());
        assert_eq!((calls.len(), calls.take(999).map(|c| c.id)), (2, Some(999)));
    }
}
