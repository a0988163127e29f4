//! A proxy: a port, the address behind it, and the toxics that are active between them.

use super::active::Active;
use super::listener::Listener;
use super::poller::Poller;
use super::{Applied, Open, Shown};
use crate::message::Wire;
use std::io;
use std::net::SocketAddr;

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
        let toxics: Vec<Applied> = self.toxics.iter().map(|t| t.applied.clone()).collect();
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
