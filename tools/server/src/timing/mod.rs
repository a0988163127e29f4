//! The known truth: when the answer to a call is done, decided the moment the call arrives.
//!
//! A queue with N servers and FIFO order needs no queue: a call begins when the earliest of the N
//! is free, which is known on arrival (Kiefer and Wolfowitz, 1955). So a call costs one heap
//! operation, and the instant of its answer is exact however late a task is woken.

mod contention;
mod latency;
mod rng;
mod stall;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

pub use contention::Contention;
pub use latency::Latency;
use rng::Rng;
pub use stall::Stall;

/// A latency, stall or contention that is not written as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is no {what}: {expected}")]
pub struct SpecError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

/// What is asked of the service times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Model {
    pub(crate) latency: Option<Latency>,
    pub(crate) workers: Option<NonZeroUsize>,
    pub(crate) contention: Option<Contention>,
    pub(crate) error_rate: f64,
}

/// When a call is done, and whether it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) done_ns: u64,
    pub(crate) fails: bool,
}

/// Who is in service, and until when.
pub(crate) struct Book {
    model: Model,
    /// Nothing to draw and nobody to wait for: then no call takes the lock.
    plain: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    rng: Rng,
    /// When each call in service is done; with workers, when each busy one is free, the calls booked
    /// behind included.
    busy: BinaryHeap<Reverse<u64>>,
}

impl Book {
    pub(crate) fn new(model: Model, seed: u64) -> Self {
        Self {
            model,
            plain: model.latency.is_none()
                && model.workers.is_none()
                && model.contention.is_none()
                && model.error_rate <= 0.0,
            inner: Mutex::new(Inner {
                rng: Rng::new(seed),
                busy: BinaryHeap::new(),
            }),
        }
    }

    /// Books a call that arrives now and works `own_ns` beyond the usual latency (the tool `slow`).
    ///
    /// The booking stands even if the call is cancelled: a worker is not interrupted.
    pub(crate) fn admit(&self, now_ns: u64, own_ns: u64) -> Outlook {
        if self.plain {
            return Outlook {
                done_ns: now_ns + own_ns,
                fails: false,
            };
        }
        let inner = &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let model = &self.model;
        let fails = model.error_rate > 0.0 && inner.rng.unit() <= model.error_rate;
        let drawn_ns = model
            .latency
            .map_or(0, |latency| latency.draw_ns(&mut inner.rng));
        let mut service_ns = drawn_ns + own_ns;
        let mut start_ns = now_ns;
        if model.workers.is_some() || model.contention.is_some() {
            inner.leave(now_ns);
            if model
                .workers
                .is_some_and(|workers| inner.busy.len() >= workers.get())
                && let Some(Reverse(first_free_ns)) = inner.busy.pop()
            {
                start_ns = first_free_ns;
            }
            if let Some(contention) = model.contention {
                // FIFO: whoever was booked before has started by then, so those who are not done
                // by then are in service.
                let others = inner.busy.iter().filter(|done| done.0 > start_ns).count();
                service_ns = (service_ns as f64 * contention.factor(others + 1)).round() as u64;
            }
            inner.busy.push(Reverse(start_ns + service_ns));
        }
        Outlook {
            done_ns: start_ns + service_ns,
            fails,
        }
    }
}

impl Inner {
    /// Whoever is done by then leaves.
    fn leave(&mut self, by_ns: u64) {
        while self
            .busy
            .peek()
            .is_some_and(|Reverse(done_ns)| *done_ns <= by_ns)
        {
            self.busy.pop();
        }
    }
}

/// Splits `a=1,b=2` into the values of exactly these names, in any order; `None` for anything else.
fn fields<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<[&'a str; N]> {
    let mut values = [""; N];
    let mut seen = 0;
    for field in text.split(',') {
        let (name, value) = field.split_once('=')?;
        let at = names.iter().position(|wanted| *wanted == name.trim())?;
        if !std::mem::replace(&mut values[at], value.trim()).is_empty() {
            return None;
        }
        seen += 1;
    }
    (seen == N).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(workers: usize, contention: Option<&str>) -> Book {
        let model = Model {
            latency: Some("10us".parse().unwrap()),
            workers: NonZeroUsize::new(workers),
            contention: contention.map(|text| text.parse().unwrap()),
            error_rate: 0.0,
        };
        Book::new(model, 1)
    }

    #[test]
    fn with_two_workers_five_calls_at_once_are_done_two_by_two() {
        let book = book(2, None);
        let done: Vec<u64> = (0..5).map(|_| book.admit(0, 0).done_ns / 1_000).collect();
        assert_eq!(done, [10, 10, 20, 20, 30]);
        assert_eq!(book.admit(100_000, 0).done_ns, 110_000, "idle again");
    }

    #[test]
    fn contention_counts_the_calls_in_service_at_the_start_of_a_call() {
        let open = book(0, Some("0.5,0.1"));
        let done: Vec<u64> = (0..3).map(|_| open.admit(0, 0).done_ns).collect();
        // n = 1: 1; n = 2: 1 + 0.5 + 0.2; n = 3: 1 + 1.0 + 0.6
        assert_eq!(done, [10_000, 17_000, 26_000]);
        let queued = book(1, Some("0.5,0.1"));
        let done: Vec<u64> = (0..3).map(|_| queued.admit(0, 0).done_ns).collect();
        assert_eq!(
            done,
            [10_000, 20_000, 30_000],
            "one at a time: nobody to contend with"
        );
    }

    #[test]
    fn errors_come_at_their_rate_and_at_the_same_places_for_the_same_seed() {
        let draw = |seed| {
            let book = Book::new(
                Model {
                    error_rate: 0.01,
                    ..Model::default()
                },
                seed,
            );
            (0..100_000)
                .map(|_| book.admit(0, 0).fails)
                .collect::<Vec<_>>()
        };
        let count = draw(7).iter().filter(|fails| **fails).count();
        assert!((850..1150).contains(&count), "{count} of 100000");
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
