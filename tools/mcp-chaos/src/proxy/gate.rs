//! A proxy: a port, the address behind it, and the toxics that are active between them.

use super::active::Active;
use super::listener::Listener;
use super::poller::Poller;
use super::talk::Talk;
use super::{Applied, Counts, Open, Shown};
use crate::message::{Fault, Rules, Wire};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

/// A proxy.
pub struct Gate {
    /// Its name.
    pub name: String,
    /// Its port.
    pub listener: Listener,
    /// Where new connections go.
    pub upstream: SocketAddr,
    /// How messages lie on its connections, where they are looked at.
    pub split: Option<Wire>,
    /// What is to become of messages there.
    pub rules: Rc<RefCell<Rules>>,
    /// The faults of messages among them.
    pub messages: Vec<Applied>,
    /// In the order in which they came.
    pub toxics: Vec<Active>,
    /// Whether it is there at all.
    pub is_enabled: bool,
    /// Connections that there were.
    pub accepted: u64,
    /// Connections that the address behind refused.
    pub refused: u64,
    /// Connections that there are.
    pub links: usize,
}

impl Gate {
    /// Binds and listens.
    ///
    /// # Errors
    /// The address is taken or not ours, or there are no more files.
    pub fn open(open: Open, number: usize, poller: &Poller) -> io::Result<Self> {
        Ok(Self {
            listener: Listener::open(open.listen, number, poller)?,
            name: open.name,
            upstream: open.upstream,
            rules: Rc::new(RefCell::new(Rules::new(open.split.is_some()))),
            messages: Vec::new(),
            split: open.split,
            toxics: Vec::new(),
            is_enabled: true,
            accepted: 0,
            refused: 0,
            links: 0,
        })
    }

    /// The place of a toxic.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.toxics.iter().position(|t| t.applied.id == id)
    }

    /// The conversation of its newest connection, where messages are looked at.
    pub fn talk(&self) -> Option<Talk> {
        let wire = self.split?;
        Some(Talk::new(wire, self.accepted, &self.rules))
    }

    /// Begins a fault of messages; one with the same id is replaced.
    ///
    /// # Errors
    /// A sentence: nobody looks at messages here.
    pub fn begin(&mut self, applied: Applied, fault: Fault) -> Result<(), String> {
        if self.split.is_none() {
            return Err(format!("the messages of {} are not looked at", self.name));
        }
        self.messages.retain(|known| known.id != applied.id);
        self.rules
            .borrow_mut()
            .begin(&applied.id, fault, applied.seed);
        self.messages.push(applied);
        Ok(())
    }

    /// Ends a fault of messages: what it did, where there is one.
    pub fn end(&mut self, id: &str) -> Option<Counts> {
        let place = self.messages.iter().position(|known| known.id == id)?;
        self.messages.remove(place);
        Some(self.rules.borrow_mut().end(id))
    }

    /// Opens the port, or closes it, as it should be now.
    ///
    /// # Errors
    /// None that is known.
    pub fn settle(&mut self, poller: &Poller) -> io::Result<()> {
        let refuses = self.toxics.iter().any(|t| t.refuses().is_some());
        self.listener.set_open(self.is_enabled && !refuses, poller)
    }

    /// For a list.
    pub fn shown(&self) -> Shown {
        let toxics = self.toxics.iter().map(|t| &t.applied);
        let toxics: Vec<Applied> = toxics.chain(&self.messages).cloned().collect();
        Shown {
            name: self.name.clone(),
            listen: self.listener.address(),
            upstream: self.upstream,
            enabled: self.is_enabled,
            toxics,
            links: self.links,
            accepted: self.accepted,
            refused: self.refused,
        }
    }
}
