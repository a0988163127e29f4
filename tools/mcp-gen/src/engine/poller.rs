//! Sleeping: epoll for the sockets, a timerfd for the schedule, an eventfd for orders from the main thread.
//!
//! The timerfd is there for its exactness: epoll_wait's own timeout has milliseconds, and the schedule has microseconds.

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

const TIMER: u64 = u64::MAX;
const ORDERS: u64 = u64::MAX - 1;
const EVENTS: usize = 256;

/// What epoll said of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The connection's number.
    pub conn: usize,
    /// Whether it can be read: bytes, the end, or an error.
    pub read: bool,
    /// Whether it can be written.
    pub write: bool,
}

/// Sleeps until something happens or a time has come.
pub struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
    orders: Arc<OwnedFd>,
    armed_ns: u64,
}

/// Wakes a worker from another thread.
#[derive(Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// Wakes it.
    pub fn wake(&self) {
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }
}

impl Poller {
    /// A poller that watches nothing but its timer and its orders.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let orders = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        // Edge-triggered: nobody has to read the timer, setting it anew is enough.
        epoll::add(
            &epoll,
            &timer,
            EventData::new_u64(TIMER),
            EventFlags::IN | EventFlags::ET,
        )?;
        epoll::add(
            &epoll,
            &*orders,
            EventData::new_u64(ORDERS),
            EventFlags::IN | EventFlags::ET,
        )?;
        Ok(Self {
            epoll,
            timer,
            orders,
            armed_ns: 0,
        })
    }

    /// What wakes this poller.
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.orders))
    }

    /// Watches a connection: reading always, writing where asked.
    pub fn add(&self, fd: impl AsFd, conn: usize, write: bool) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            fd,
            EventData::new_u64(conn as u64),
            flags(write),
        )?)
    }

    /// Changes what is watched. Errors are watched always.
    pub fn change(&self, fd: impl AsFd, conn: usize, read: bool, write: bool) -> io::Result<()> {
        let mut wanted = flags(write);
        if !read {
            wanted.remove(EventFlags::IN | EventFlags::RDHUP);
        }
        let data = EventData::new_u64(conn as u64);
        Ok(epoll::modify(&self.epoll, fd, data, wanted)?)
    }

    /// Sleeps until `until_ns` of CLOCK_MONOTONIC at most (0: not at all), and tells which connections are ready.
    pub fn wait(&mut self, until_ns: u64, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        if until_ns != 0 && until_ns != self.armed_ns {
            let value = Timespec {
                tv_sec: (until_ns / 1_000_000_000) as i64,
                tv_nsec: (until_ns % 1_000_000_000) as _,
            };
            let never = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            timerfd_settime(
                &self.timer,
                TimerfdTimerFlags::ABSTIME,
                &Itimerspec {
                    it_interval: never,
                    it_value: value,
                },
            )?;
            self.armed_ns = until_ns;
        }
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let timeout = (until_ns == 0).then_some(&now);
        let mut space = [MaybeUninit::uninit(); EVENTS];
        let events = match epoll::wait(&self.epoll, &mut space, timeout) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        for event in events {
            let (data, flags) = (event.data.u64(), event.flags);
            match data {
                // It fired, so the next time must be set even where it is the same one.
                TIMER => self.armed_ns = 0,
                ORDERS => {}
                conn => ready.push(Ready {
                    conn: conn as usize,
                    read: flags.intersects(
                        EventFlags::IN | EventFlags::HUP | EventFlags::ERR | EventFlags::RDHUP,
                    ),
                    write: flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR),
                }),
            }
        }
        Ok(())
    }
}

fn flags(write: bool) -> EventFlags {
    if write {
        EventFlags::IN | EventFlags::RDHUP | EventFlags::OUT
    } else {
        EventFlags::IN | EventFlags::RDHUP
    }
}
