//! A queue between threads that is bounded by bytes, because records differ in size a thousandfold.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A bounded queue: many threads push, one takes all that is there at once.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    drained: Condvar,
    max_bytes: usize,
}

struct State<T> {
    items: VecDeque<T>,
    bytes: usize,
    closed: bool,
}

impl<T> Queue<T> {
    /// A queue that holds items of some `max_bytes` in all, and always at least one.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        let state = Mutex::new(State {
            items: VecDeque::new(),
            bytes: 0,
            closed: false,
        });
        Self {
            state,
            filled: Condvar::new(),
            drained: Condvar::new(),
            max_bytes,
        }
    }

    /// Waits for room, then adds `item`. After [`Self::close`] the item is dropped.
    pub fn push(&self, item: T, bytes: usize) {
        let mut state = self.lock();
        while state.bytes > 0 && state.bytes + bytes > self.max_bytes && !state.closed {
            state = self
                .drained
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.add(state, item, bytes);
    }

    /// Adds `item` where there is room now.
    ///
    /// # Errors
    /// Gives the item back where there is none.
    pub fn offer(&self, item: T, bytes: usize) -> Result<(), T> {
        let state = self.lock();
        if state.bytes > 0 && state.bytes + bytes > self.max_bytes {
            return Err(item);
        }
        self.add(state, item, bytes);
        Ok(())
    }

    fn add(&self, mut state: MutexGuard<'_, State<T>>, item: T, bytes: usize) {
        if !state.closed {
            state.items.push_back(item);
            state.bytes += bytes;
            self.filled.notify_one();
        }
    }

    /// Waits for items and takes all of them; `None` once the queue is closed and empty.
    pub fn take_all(&self) -> Option<VecDeque<T>> {
        let mut state = self.lock();
        while state.items.is_empty() {
            if state.closed {
                return None;
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes = 0;
        self.drained.notify_all();
        Some(std::mem::take(&mut state.items))
    }

    /// Takes nothing more in; what is inside can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    // A thread that panicked while it held the lock left whole items behind: the queue is still good.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
