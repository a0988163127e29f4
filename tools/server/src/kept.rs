//! Answers that a legacy session can have again: each POST that was answered by events has an outbox of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::outbox::Outbox;
use crate::state::Planned;

/// Most answers that a session keeps, those that are still to come included.
const MOST: usize = 64;
/// Most bytes of answers that it keeps.
const MOST_BYTES: usize = 1 << 20;

/// The answers of a session, by numbers that count from 1.
#[derive(Default)]
pub(crate) struct Kept {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last: u64,
    answers: VecDeque<Entry>,
    bytes: usize,
}

struct Entry {
    number: u64,
    bytes: usize,
    outbox: Arc<Outbox>,
}

impl Kept {
    /// Keeps an answer of so many bytes, and forgets the oldest that was heard to the end. `None` where there is no room.
    pub(crate) fn keep(&self, outbox: &Arc<Outbox>, bytes: usize) -> Option<u64> {
        let mut inner = self.lock();
        while inner.answers.len() >= MOST || inner.bytes + bytes > MOST_BYTES {
            let mut answers = inner.answers.iter();
            let n = answers.position(|entry| entry.outbox.load().0 == 0)?;
            let gone = inner.answers.remove(n)?;
            inner.bytes -= gone.bytes;
        }
        inner.last += 1;
        inner.bytes += bytes;
        let number = inner.last;
        inner.answers.push_back(Entry {
            number,
            bytes,
            outbox: Arc::clone(outbox),
        });
        Some(number)
    }

    /// The answer with this number, as long as it is kept.
    pub(crate) fn get(&self, number: u64) -> Option<Arc<Outbox>> {
        let inner = self.lock();
        let mut answers = inner.answers.iter();
        let entry = answers.find(|entry| entry.number == number)?;
        Some(Arc::clone(&entry.outbox))
    }

    /// Takes back what the call `id` was still to be told. Gives the call, where it was not answered.
    pub(crate) fn cancel(&self, id: &str) -> Vec<Planned> {
        let inner = self.lock();
        let outboxes = inner.answers.iter().map(|entry| &entry.outbox);
        outboxes.flat_map(|outbox| outbox.cancel(id)).collect()
    }

    /// Ends all, and gives the calls that nobody will hear the end of.
    pub(crate) fn close(&self) -> Vec<Planned> {
        let mut inner = self.lock();
        inner.bytes = 0;
        let answers = std::mem::take(&mut inner.answers);
        answers
            .iter()
            .flat_map(|entry| entry.outbox.close())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    /// An answer of one event, heard or not.
    fn answer(is_heard: bool) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(true));
        let mut place = outbox.attach(None);
        outbox.push(1, 1, "1", "x".to_owned(), None);
        outbox.finish();
        let mut cx = Context::from_waker(Waker::noop());
        if is_heard {
            let heard = outbox.poll_next(&mut cx, &mut place, 9);
            assert!(matches!(heard, Poll::Ready(Some(_))));
            let over = outbox.poll_next(&mut cx, &mut place, 9);
            assert!(matches!(over, Poll::Ready(None)));
        }
        outbox
    }

    #[test]
    fn what_was_heard_makes_room_and_what_was_not_is_kept() {
        let kept = Kept::default();
        assert_eq!(kept.keep(&answer(false), 10), Some(1));
        for number in 2..200 {
            assert_eq!(kept.keep(&answer(true), 10), Some(number));
        }
        assert!(kept.get(1).is_some() && kept.get(199).is_some());
        assert!(kept.get(2).is_none() && kept.get(200).is_none());
        assert_eq!(kept.keep(&answer(false), MOST_BYTES - 10), Some(200));
        assert!(kept.get(199).is_none(), "bytes are bounded too");
        assert_eq!(kept.keep(&answer(false), 1), None);
        assert!(kept.close().is_empty() && kept.get(1).is_none());
    }
}
