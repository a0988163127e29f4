//! An exact alarm clock: tokio's own ticks in whole milliseconds, this one is a timerfd.
//!
//! One descriptor serves all sleepers: it is armed for the earliest, and one task wakes whoever is
//! due. A sleeper looks at the clock itself, so waking it too early costs a poll and no truth.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use record::clock::mono_ns;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// The sleepers of a server, keyed by deadline and a number that tells equals apart.
pub(crate) struct Alarm {
    fd: AsyncFd<OwnedFd>,
    sleepers: Mutex<BTreeMap<(u64, u64), Waker>>,
    next: AtomicU64,
}

impl Alarm {
    /// Makes the clock; its caller spawns [`Alarm::ring`].
    ///
    /// # Errors
    /// Where the kernel gives no more descriptors.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let fd = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        Ok(Arc::new(Self {
            // SAFETY: the OwnedFd keeps its one descriptor open until it is dropped, and the AsyncFd owns it.
            fd: unsafe { AsyncFd::register(fd) }.map_err(io::Error::from)?,
            sleepers: Mutex::new(BTreeMap::new()),
            next: AtomicU64::new(0),
        }))
    }

    /// Wakes sleepers for ever.
    pub(crate) async fn ring(self: Arc<Self>) {
        let mut due = Vec::new();
        loop {
            let Ok(mut guard) = self.fd.readable().await else {
                return;
            };
            let mut expirations = [0_u8; 8];
            // WouldBlock only says that somebody re-armed it meanwhile.
            let _ = rustix::io::read(self.fd.get_ref(), &mut expirations);
            guard.clear_ready();
            {
                let mut sleepers = self.lock();
                let later = sleepers.split_off(&(mono_ns() + 1, 0));
                due.extend(std::mem::replace(&mut *sleepers, later).into_values());
                // It has just rung, so with nobody left it is not armed.
                if !sleepers.is_empty() {
                    self.arm(&sleepers);
                }
            }
            due.drain(..).for_each(Waker::wake);
        }
    }

    /// A sleep of its own, without a deadline so far.
    pub(crate) fn sleep(self: &Arc<Self>) -> Sleep {
        Sleep {
            alarm: Arc::clone(self),
            deadline_ns: u64::MAX,
            registered: None,
        }
    }

    /// Waits until CLOCK_MONOTONIC shows `deadline_ns`; returns at once where that has passed.
    pub(crate) async fn until(self: &Arc<Self>, deadline_ns: u64) {
        let mut sleep = self.sleep();
        sleep.set(deadline_ns);
        sleep.await;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(u64, u64), Waker>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arm(&self, sleepers: &BTreeMap<(u64, u64), Waker>) {
        let first_ns = sleepers.first_key_value().map_or(0, |(key, _)| key.0);
        let spec = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: (first_ns / 1_000_000_000) as i64,
                tv_nsec: (first_ns % 1_000_000_000) as i64,
            },
        };
        // It fails only for a bad descriptor or an invalid time, and these are neither.
        let _ = timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &spec);
    }
}

/// A wait for an instant of CLOCK_MONOTONIC that can be moved.
pub(crate) struct Sleep {
    alarm: Arc<Alarm>,
    deadline_ns: u64,
    registered: Option<(u64, u64)>,
}

impl Sleep {
    /// Moves the deadline; `u64::MAX` waits for ever.
    pub(crate) fn set(&mut self, deadline_ns: u64) {
        if deadline_ns != self.deadline_ns {
            self.forget();
            self.deadline_ns = deadline_ns;
        }
    }

    fn forget(&mut self) {
        if let Some(key) = self.registered.take() {
            // The descriptor may now ring for nobody, which costs less than arming it again.
            self.alarm.lock().remove(&key);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.deadline_ns == u64::MAX {
            return Poll::Pending;
        }
        if mono_ns() >= this.deadline_ns {
            this.forget();
            return Poll::Ready(());
        }
        let key = *this.registered.get_or_insert_with(|| {
            (
                this.deadline_ns,
                this.alarm.next.fetch_add(1, Ordering::Relaxed),
            )
        });
        let mut sleepers = this.alarm.lock();
        match sleepers.get_mut(&key) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => {
                sleepers.insert(key, cx.waker().clone());
                if sleepers
                    .first_key_value()
                    .is_some_and(|(first, _)| *first == key)
                {
                    this.alarm.arm(&sleepers);
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn sleepers_wake_in_the_order_of_their_deadlines_and_never_early() {
        let alarm = Alarm::new().unwrap();
        tokio::spawn(Arc::clone(&alarm).ring());
        let woken = Arc::new(Mutex::new(Vec::new()));
        let start_ns = mono_ns();
        let tasks: Vec<_> = [3, 1, 2, 0]
            .into_iter()
            .map(|ms| {
                let (alarm, woken) = (Arc::clone(&alarm), Arc::clone(&woken));
                tokio::spawn(async move {
                    let deadline_ns = start_ns + ms * 1_000_000;
                    alarm.until(deadline_ns).await;
                    assert!(mono_ns() >= deadline_ns);
                    woken.lock().unwrap().push(ms);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*woken.lock().unwrap(), [0, 1, 2, 3]);
        assert!(alarm.lock().is_empty());
    }

    async fn poll_once(sleep: &mut Sleep) -> Poll<()> {
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *sleep).poll(cx))).await
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_sleep_that_is_dropped_or_moved_leaves_nothing_behind() {
        let alarm = Alarm::new().unwrap();
        tokio::spawn(Arc::clone(&alarm).ring());
        let mut sleep = alarm.sleep();
        sleep.set(mono_ns() + 3_600_000_000_000);
        assert!(poll_once(&mut sleep).await.is_pending());
        sleep.set(mono_ns() + 1_000);
        assert_eq!(alarm.lock().len(), 0);
        (&mut sleep).await;
        sleep.set(mono_ns() + 3_600_000_000_000);
        assert!(poll_once(&mut sleep).await.is_pending());
        drop(sleep);
        assert!(alarm.lock().is_empty());
    }
}
