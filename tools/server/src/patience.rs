//! How long a message may take from its first byte to its last: whoever sends one byte an hour must not hold a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The time limit of the message that is under way on one connection.
pub(crate) struct Patience {
    limit: Duration,
    /// The message, by its number, and when it was first seen to be incomplete.
    since: Option<(u64, Instant)>,
    /// Made when it is first needed, since most connections never need it; it may ring for a message that is long whole.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            sleep: None,
        }
    }

    /// Whether the message `under_way` has taken too long; whoever asks is woken when it has.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, under_way: Option<u64>) -> bool {
        let Some(number) = under_way else {
            self.since = None;
            return false;
        };
        let since = match self.since {
            Some((known, since)) if known == number => since,
            _ => Instant::now(),
        };
        self.since = Some((number, since));
        let deadline = since + self.limit;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }
}
