//! What one stream of events has still to say, and what it said last, for a client that comes back.
//!
//! Whoever makes a message puts it in, with its instant; the body of the stream takes it out. The two
//! are different tasks, and at times nobody is there to take anything.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::held::Waiting;
use crate::state::Planned;

/// Most messages that may be said again.
const MOST_KEPT: usize = 256;
/// Most bytes that they may have.
const MOST_KEPT_BYTES: usize = 256 << 10;
/// Most notifications that may wait where nobody reads; 10,000 sessions without a reader are no rarity.
const MOST_UNREAD: usize = 64;

/// One stream's messages, as those who write and the one who reads share them.
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    /// Whether what was said is kept, to be said again.
    replays: bool,
}

#[derive(Default)]
struct Inner {
    waiting: Waiting,
    /// Said or about to be: numbered, the oldest first.
    log: VecDeque<Entry>,
    log_bytes: usize,
    /// The number of the last that entered the log; they count from 1.
    last: u64,
    /// The number of the last that was given to a reader.
    given: u64,
    /// Counts readers: only the newest one is served.
    reader: u64,
    waker: Option<Waker>,
    /// Nothing more will be put in: the stream ends with what is there.
    finished: bool,
    closed: bool,
}

struct Entry {
    text: Bytes,
    call: Option<Planned>,
}

/// A reader's place in an outbox.
pub(crate) struct Place {
    reader: u64,
    next: u64,
}

/// A message that leaves now.
pub(crate) struct Given {
    /// Counts from 1 in its outbox.
    pub(crate) number: u64,
    pub(crate) text: Bytes,
    /// The call that it answers, the first time that it is given.
    pub(crate) call: Option<Planned>,
}

/// There is no room.
#[derive(Debug)]
pub(crate) struct Full;

impl Outbox {
    pub(crate) fn new(replays: bool) -> Self {
        Self {
            inner: Mutex::default(),
            replays,
        }
    }

    /// Attaches a reader, in place of the one before: behind what was given already, or behind `seen`.
    pub(crate) fn attach(&self, seen: Option<u64>) -> Place {
        let mut inner = self.lock();
        inner.reader += 1;
        inner.wake();
        Place {
            reader: inner.reader,
            next: seen.unwrap_or(inner.given).min(inner.last) + 1,
        }
    }

    /// Puts a message in that leaves at `release_ns`, the answer of `call` where there is one.
    pub(crate) fn push(
        &self,
        release_ns: u64,
        done_ns: u64,
        id: &str,
        text: String,
        call: Option<Planned>,
    ) {
        let mut inner = self.lock();
        if !inner.closed {
            inner.waiting.push(release_ns, done_ns, id, text, call);
            inner.wake();
        }
    }

    /// Puts a notification in.
    ///
    /// # Errors
    /// Where too many wait for a reader; it is lost then.
    pub(crate) fn notify(&self, release_ns: u64, now_ns: u64, text: String) -> Result<(), Full> {
        let mut inner = self.lock();
        let unread = inner.waiting.count() as u64 + (inner.last - inner.given);
        if inner.closed || (unread >= MOST_UNREAD as u64 && inner.waker.is_none()) {
            return Err(Full);
        }
        if inner.waiting.count() >= MOST_KEPT {
            return Err(Full);
        }
        inner.waiting.push(release_ns, now_ns, "", text, None);
        inner.wake();
        Ok(())
    }

    /// The next message that may leave by now; `None` when the stream is over for this reader.
    pub(crate) fn poll_next(
        &self,
        cx: &mut Context<'_>,
        place: &mut Place,
        now_ns: u64,
    ) -> Poll<Option<Given>> {
        let mut inner = self.lock();
        if inner.closed || place.reader != inner.reader {
            return Poll::Ready(None);
        }
        while let Some(held) = inner.waiting.pop(now_ns) {
            inner.last += 1;
            inner.log_bytes += held.text.len();
            inner.log.push_back(Entry {
                text: Bytes::from(held.text),
                call: held.call,
            });
        }
        let first = inner.last + 1 - inner.log.len() as u64;
        // What is no longer kept cannot be said again.
        place.next = place.next.max(first);
        if place.next > inner.last && inner.finished && inner.waiting.count() == 0 {
            return Poll::Ready(None);
        }
        if place.next > inner.last {
            inner.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let number = place.next;
        place.next += 1;
        inner.given = inner.given.max(number);
        let entry = &mut inner.log[(number - first) as usize];
        let given = Given {
            number,
            text: entry.text.clone(),
            call: entry.call.take(),
        };
        inner.trim(self.replays);
        Poll::Ready(Some(given))
    }

    /// All is in that will ever be.
    pub(crate) fn finish(&self) {
        let mut inner = self.lock();
        inner.finished = true;
        inner.wake();
    }

    /// The number of the last message that was given out, 0 before the first.
    pub(crate) fn given(&self) -> u64 {
        self.lock().given
    }

    /// When the next message leaves; `u64::MAX` where none waits.
    pub(crate) fn next_ns(&self) -> u64 {
        self.lock().waiting.next_ns()
    }

    /// How many messages wait, and how many bytes.
    pub(crate) fn load(&self) -> (usize, usize) {
        let inner = self.lock();
        let unsaid = inner.last - inner.given;
        (
            inner.waiting.count() + unsaid as usize,
            inner.waiting.bytes(),
        )
    }

    /// Takes back the messages of the call `id`; gives the calls that they were to end.
    pub(crate) fn cancel(&self, id: &str) -> Vec<Planned> {
        let mut inner = self.lock();
        inner.wake();
        inner.waiting.cancel(id)
    }

    /// Ends the stream, and gives the calls that nobody will hear the end of.
    pub(crate) fn close(&self) -> Vec<Planned> {
        let mut inner = self.lock();
        inner.closed = true;
        inner.wake();
        let mut calls: Vec<Planned> = inner.waiting.drain().collect();
        calls.extend(inner.log.drain(..).filter_map(|entry| entry.call));
        calls
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Forgets what was given, but for what is kept to be said again.
    fn trim(&mut self, replays: bool) {
        loop {
            let first = self.last + 1 - self.log.len() as u64;
            let fits = self.log.len() <= MOST_KEPT && self.log_bytes <= MOST_KEPT_BYTES;
            if first > self.given || (replays && fits) {
                return;
            }
            let Some(entry) = self.log.pop_front() else {
                return;
            };
            self.log_bytes -= entry.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that can be had now.
    fn read(outbox: &Outbox, place: &mut Place) -> Vec<(u64, String)> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut seen = Vec::new();
        while let Poll::Ready(Some(given)) = outbox.poll_next(&mut cx, place, 100) {
            seen.push((
                given.number,
                String::from_utf8(given.text.to_vec()).unwrap(),
            ));
        }
        seen
    }

    fn say(outbox: &Outbox, text: &str) {
        outbox.push(1, 1, "", text.to_owned(), None);
    }

    #[test]
    fn a_reader_that_comes_back_hears_what_it_missed_and_a_new_one_what_nobody_heard() {
        let outbox = Outbox::new(true);
        let mut first = outbox.attach(None);
        say(&outbox, "a");
        say(&outbox, "b");
        assert_eq!(read(&outbox, &mut first).len(), 2);
        say(&outbox, "c");
        let mut back = outbox.attach(Some(1));
        assert_eq!(read(&outbox, &mut first), [], "displaced");
        let wanted = [(2, "b".to_owned()), (3, "c".to_owned())];
        assert_eq!(read(&outbox, &mut back), wanted);
        say(&outbox, "d");
        assert_eq!(
            read(&outbox, &mut outbox.attach(None)),
            [(4, "d".to_owned())]
        );
        assert_eq!(
            read(&outbox, &mut outbox.attach(Some(99))),
            [],
            "a number that was never given is the end"
        );
    }

    #[test]
    fn what_is_kept_and_what_waits_for_nobody_is_bounded() {
        let outbox = Outbox::new(true);
        let mut place = outbox.attach(None);
        for n in 0..MOST_KEPT + 10 {
            say(&outbox, &n.to_string());
        }
        assert_eq!(read(&outbox, &mut place).len(), MOST_KEPT + 10);
        let again = read(&outbox, &mut outbox.attach(Some(0)));
        assert_eq!((again.len(), again[0].0), (MOST_KEPT, 11));
        let unread = Outbox::new(true);
        let taken = (0..200).filter(|_| unread.notify(1, 1, String::new()).is_ok());
        assert_eq!(taken.count(), MOST_UNREAD);
        let forgetful = Outbox::new(false);
        say(&forgetful, "a");
        assert_eq!(read(&forgetful, &mut forgetful.attach(None)).len(), 1);
        assert_eq!(read(&forgetful, &mut forgetful.attach(Some(0))), []);
    }
}
