//! Sleeping: epoll for the sockets, a timerfd for what is due, an eventfd for orders from other threads.
//!
//! Connections are watched edge-triggered, both ways and once: what epoll said is remembered with the connection until a
//! read or a write says otherwise, so that no message costs an epoll_ctl(2).

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
const GATE: u64 = 1 << 62;
const EVENTS: usize = 256;
const NEVER: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// One end of a connection.
    Link {
        /// The connection's place.
        slot: usize,
        /// Its server end; otherwise the client's.
        is_server: bool,
    },
    /// A listener, by the number of its proxy.
    Gate(usize),
}

/// What epoll said.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// About whom.
    pub of: Watched,
    /// It can be read: bytes, the end, or an error.
    pub is_readable: bool,
    /// It can be written, or writing tells the error.
    pub is_writable: bool,
    /// The other end has no more to say.
    pub has_ended: bool,
    /// Both directions are over, or it was reset.
    pub has_hung_up: bool,
}

/// How long to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// Not at all.
    No,
    /// Until this instant (CLOCK_MONOTONIC, µs), or something happens.
    Until(u64),
    /// Until something happens.
    Long,
}

/// Sleeps until something happens or a time has come.
pub struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
    orders: Arc<OwnedFd>,
    armed_us: u64,
}

/// Wakes the relay from another thread.
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
    ///
    /// # Errors
    /// The system has no more files for us.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let orders = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        // Edge-triggered: nobody has to read the timer, setting it anew is enough.
        let edge = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), edge)?;
        epoll::add(&epoll, &*orders, EventData::new_u64(ORDERS), edge)?;
        Ok(Self {
            epoll,
            timer,
            orders,
            armed_us: 0,
        })
    }

    /// What wakes this poller.
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.orders))
    }

    /// Watches one end of a connection.
    ///
    /// # Errors
    /// The system has no memory, or may watch no more files.
    pub fn add(&self, fd: impl AsFd, slot: usize, is_server: bool) -> Result<(), Errno> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        let data = EventData::new_u64((slot as u64) << 1 | u64::from(is_server));
        epoll::add(&self.epoll, fd, data, flags)
    }

    /// Watches a listener, level-triggered: what was not accepted is told again.
    ///
    /// # Errors
    /// As above.
    pub fn add_listener(&self, fd: impl AsFd, gate: usize) -> io::Result<()> {
        let data = EventData::new_u64(GATE | gate as u64);
        Ok(epoll::add(&self.epoll, fd, data, EventFlags::IN)?)
    }

    /// Lets connections wait with the kernel for a while, or no longer.
    pub fn pause_listener(&self, fd: impl AsFd, gate: usize, paused: bool) {
        let data = EventData::new_u64(GATE | gate as u64);
        let flags = if paused {
            EventFlags::empty()
        } else {
            EventFlags::IN
        };
        let _ = epoll::modify(&self.epoll, fd, data, flags);
    }

    /// Watches a file no more. Closing it is not enough: a child that has not yet become another program has it, too.
    pub fn forget(&self, fd: impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Sleeps, and gives what happened; true where there may be orders.
    ///
    /// # Errors
    /// None that a working system knows.
    pub fn wait(&mut self, sleep: Sleep, events: &mut Vec<Event>) -> io::Result<bool> {
        events.clear();
        if let Sleep::Until(us) = sleep
            && us != self.armed_us
        {
            let it_value = Timespec {
                tv_sec: (us / 1_000_000) as i64,
                tv_nsec: (us % 1_000_000 * 1_000) as _,
            };
            timerfd_settime(
                &self.timer,
                TimerfdTimerFlags::ABSTIME,
                &Itimerspec {
                    it_interval: NEVER,
                    it_value,
                },
            )?;
            self.armed_us = us;
        }
        let timeout = (sleep == Sleep::No).then_some(&NEVER);
        let mut space = [MaybeUninit::uninit(); EVENTS];
        let happened = match epoll::wait(&self.epoll, &mut space, timeout) {
            Ok((happened, _)) => happened,
            Err(Errno::INTR) => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        let mut has_orders = false;
        for event in happened {
            let (data, flags) = (event.data.u64(), event.flags);
            let of = match data {
                // It fired, so the next time must be set even where it is the same one.
                TIMER => {
                    self.armed_us = 0;
                    continue;
                }
                ORDERS => {
                    has_orders = true;
                    continue;
                }
                data if data & GATE != 0 => Watched::Gate((data & !GATE) as usize),
                data => Watched::Link {
                    slot: (data >> 1) as usize,
                    is_server: data & 1 == 1,
                },
            };
            let over = EventFlags::HUP | EventFlags::ERR;
            events.push(Event {
                of,
                is_readable: flags.intersects(EventFlags::IN | EventFlags::RDHUP | over),
                is_writable: flags.intersects(EventFlags::OUT | over),
                has_ended: flags.intersects(EventFlags::RDHUP | over),
                has_hung_up: flags.intersects(over),
            });
        }
        Ok(has_orders)
    }
}
