//! A TCP proxy of our own: one thread that relays any number of connections, through faults where there are any.
//!
//! A proxy is a port and the address behind it (`gate.rs`). Each connection is two sockets and two directions
//! (`link.rs`, `lane.rs`). Where no toxic is active on a direction, bytes are passed on as they come; where one is, they
//! wait in its queue (`stage.rs`) as long as it says (`crate::network`). Toxics come and go on living connections, and
//! nothing is lost or overtakes. What a direction holds in memory is bounded; beyond that the sender's kernel holds it.

mod active;
mod end;
mod gate;
mod lane;
mod later;
mod link;
mod links;
mod listener;
mod order;
mod pipes;
mod poller;
mod relay;
mod stage;
mod talk;

use crate::message::{self, Wire};
use crate::network::Toxic;
pub use crate::network::tally::Counts;
use order::Order;
use poller::{Poller, Waker};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A proxy that is asked for.
#[derive(Debug, Clone)]
pub struct Open {
    /// Its name, which no other one has.
    pub name: String,
    /// Where it listens; port 0 for any that is free.
    pub listen: SocketAddr,
    /// Where its connections go.
    pub upstream: SocketAddr,
    /// How messages lie on its connections, where they are to be looked at: then all that is read goes through that.
    pub split: Option<Wire>,
}

/// A fault that is asked for, on one proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Its name; of two with the same on one proxy, the later one replaces the earlier one.
    pub id: String,
    /// What it does.
    pub what: What,
    /// The share of the connections that it hits, from 0 to 1: drawn for each, by seed and number of the connection.
    pub toxicity: f64,
    /// The seed of all that it draws.
    pub seed: u64,
    /// How long it grows to its full strength, where the kind does.
    pub ramp: Duration,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Something with the bytes.
    Toxic(Toxic),
    /// Something with the messages, where they are looked at.
    Message(message::Fault),
}

/// What the relay tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The first byte of any client came through any proxy. Told once.
    FirstByte {
        /// CLOCK_MONOTONIC, µs.
        mono_us: u64,
    },
    /// Something is wrong: a sentence. Told once for each kind of trouble and proxy.
    Trouble(String),
}

/// A proxy as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Where it listens, or would.
    pub listen: SocketAddr,
    /// Where new connections go.
    pub upstream: SocketAddr,
    /// Whether it is there: disabled, its port is closed.
    pub enabled: bool,
    /// The faults on it, in the order in which they came.
    pub toxics: Vec<Applied>,
    /// Connections that there are.
    pub links: usize,
    /// Connections that there were.
    pub accepted: u64,
    /// Connections that were reset, since the address behind refused them.
    pub refused: u64,
}

/// The proxies: a handle for any thread. With the last one of them the relay ends.
#[derive(Clone)]
pub struct Proxies(Arc<Handle>);

struct Handle {
    orders: Sender<Order>,
    waker: Waker,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Proxies {
    /// Starts the relay's thread, and lets this process have as many open files as it may. `tell` is called from it, and must not call it back.
    ///
    /// # Errors
    /// The system has no more threads or files for us.
    pub fn start(tell: impl Fn(Said) + Send + 'static) -> io::Result<Self> {
        raise_open_files();
        let poller = Poller::new()?;
        let waker = poller.waker();
        let (orders, ordered) = channel();
        let thread = std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || relay::Relay::new(poller, ordered, Box::new(tell)).run())?;
        Ok(Self(Arc::new(Handle {
            orders,
            waker,
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Opens a proxy, and gives the address at which it listens now.
    ///
    /// # Errors
    /// A sentence: the name is taken, or the address, or there are no more files.
    pub fn open(&self, open: Open) -> Result<SocketAddr, String> {
        self.ask(|answer| Order::Open(open, answer))?
    }

    /// New connections of a proxy go there from now on. A name that nobody has is no mistake: it may have been shut.
    pub fn aim(&self, name: &str, upstream: SocketAddr) {
        self.order(Order::Aim(name.to_owned(), upstream));
    }

    /// Closes a proxy, its port and its connections.
    pub fn shut(&self, name: &str) {
        let _ = self.ask(|answer| Order::Shut(name.to_owned(), answer));
    }

    /// Closes a proxy's port and connections, or opens the same port again.
    ///
    /// # Errors
    /// A sentence: nobody has this name.
    pub fn set_enabled(&self, name: &str, enabled: bool) -> Result<(), String> {
        self.ask(|answer| Order::Enable(name.to_owned(), enabled, answer))?
    }

    /// Applies a fault, on connections that there are and those that come. One with the same id is replaced, and what it
    /// holds back goes on to the new one.
    ///
    /// # Errors
    /// A sentence: nobody has this name.
    pub fn apply(&self, name: &str, applied: Applied) -> Result<(), String> {
        self.ask(|answer| Order::Apply(name.to_owned(), applied, answer))?
    }

    /// Takes a fault away: what it holds back goes on at once. Gives what it did.
    ///
    /// # Errors
    /// A sentence: nobody has this name, or there is no such fault.
    pub fn lift(&self, name: &str, id: &str) -> Result<Counts, String> {
        self.ask(|answer| Order::Lift(name.to_owned(), id.to_owned(), answer))?
    }

    /// Takes two connections that are there already, and do not block, for one of a proxy: a client's, and its server's.
    ///
    /// # Errors
    /// A sentence: nobody has this name, or there are no more files. Both are closed then.
    pub fn join(&self, name: &str, client: OwnedFd, server: OwnedFd) -> Result<(), String> {
        self.ask(|answer| Order::Join(name.to_owned(), client, server, answer))?
    }

    /// All proxies, in the order in which they were opened.
    #[must_use]
    pub fn list(&self) -> Vec<Shown> {
        self.ask(Order::List).unwrap_or_default()
    }

    /// Closes everything, and waits until that is done.
    pub fn end(self) {
        self.order(Order::End);
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // Where it panicked, it has said so, and its files are closed.
            let _ = thread.join();
        }
    }

    fn order(&self, order: Order) {
        // Where it has ended, there is nothing left that the order could be about.
        let _ = self.0.orders.send(order);
        self.0.waker.wake();
    }

    fn ask<T>(&self, order: impl FnOnce(SyncSender<T>) -> Order) -> Result<T, String> {
        let (answer, answered) = sync_channel(1);
        self.order(order(answer));
        answered
            .recv()
            .map_err(|_| "the proxies have ended: nothing can be asked of them".to_owned())
    }
}

/// Each connection is two files, and the usual soft limit of 1,024 stands for programs that use select(2).
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, the soft limit stays what it was.
    let _ = setrlimit(Resource::Nofile, limit);
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
        self.waker.wake();
    }
}
