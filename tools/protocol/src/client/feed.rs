//! A connection that is written to and read from within deadlines, with the bytes that were read and not yet taken.

use std::io::{Read, Write};
use std::time::Duration;

use super::Options;
use super::connect::{Deadline, Lost, address, open};
use super::error::DiscoveryError;
use crate::endpoint::Endpoint;
use crate::wire::Wire;

const BUFFER_BYTES: usize = 16 * 1024;

pub(super) struct Feed {
    address: String,
    wire: Wire,
    input: Vec<u8>,
    /// Taken so far; a reader of messages moves it on.
    at: usize,
    filled: usize,
}

impl Feed {
    pub(super) fn open(
        endpoint: &Endpoint,
        options: &Options,
        deadline: Deadline,
    ) -> Result<Self, Lost> {
        Ok(Self {
            address: address(endpoint),
            wire: open(endpoint, options, deadline)?,
            input: vec![0; BUFFER_BYTES],
            at: 0,
            filled: 0,
        })
    }

    /// What was read last, and how much of it is taken.
    pub(super) fn input(&mut self) -> (&[u8], &mut usize) {
        (&self.input[..self.filled], &mut self.at)
    }

    pub(super) fn write(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), Lost> {
        let left = deadline.left().ok_or(Lost::Silent)?;
        let address = &self.address;
        self.wire
            .set_blocking(left)
            .and_then(|()| self.wire.write_all(bytes))
            .and_then(|()| self.wire.flush())
            .map_err(|error| Lost::of_io(&error, address))
    }

    /// Reads more; all of what was there must have been taken. 0 at the end of the stream.
    pub(super) fn fill(&mut self, deadline: Deadline) -> Result<usize, Lost> {
        let left = deadline.left().ok_or(Lost::Silent)?;
        let (wire, input) = (&mut self.wire, &mut self.input);
        let length = wire
            .set_blocking(left)
            .and_then(|()| wire.read(input))
            .map_err(|error| Lost::of_io(&error, &self.address))?;
        (self.at, self.filled) = (0, length);
        Ok(length)
    }

    /// The server sent what is none of the protocol's.
    pub(super) fn broken(&self, broken: &impl ToString) -> DiscoveryError {
        DiscoveryError::BrokenAnswer {
            address: self.address.clone(),
            reason: broken.to_string(),
        }
    }

    /// Writes no more.
    pub(super) fn shut_down(&mut self) {
        let _ = self.wire.shut_down();
    }

    /// Takes what still comes within a moment: whoever closes with answers unread sends a reset, which looks like a
    /// crash at the other end.
    pub(super) fn read_away(&mut self) {
        let _ = self.wire.set_blocking(Duration::from_millis(100));
        let _ = self.wire.read(&mut self.input);
    }
}
