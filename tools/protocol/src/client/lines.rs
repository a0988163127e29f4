//! The conversation in lines: one message each, over a connection or the pipes of a child.

use std::io::{Read, Write};
use std::time::Duration;

use super::Options;
use super::connect::{Deadline, Lost, address, open};
use super::error::{DiscoveryError, excerpt};
use super::link::{Heard, Said, hear};
use crate::endpoint::Endpoint;
use crate::lines::{LineReader, write_line};
use crate::message;
use crate::wire::Wire;

const BUFFER_BYTES: usize = 16 * 1024;
/// Servers that write a banner or a log between their messages are told of, and listened to as long as it is not more.
const MAX_NONSENSE: usize = 1_000;

pub(super) struct LineLink {
    address: String,
    wire: Wire,
    reader: LineReader,
    /// Bytes that were read and not yet taken: `input[at..filled]`.
    input: Vec<u8>,
    at: usize,
    filled: usize,
    /// The first line that was no message, and how many there were.
    nonsense: Option<String>,
    nonsense_lines: usize,
}

impl LineLink {
    pub(super) fn open(
        endpoint: &Endpoint,
        options: &Options,
        deadline: Deadline,
    ) -> Result<Self, Lost> {
        Ok(Self {
            address: address(endpoint),
            wire: open(endpoint, options, deadline)?,
            reader: LineReader::default(),
            input: vec![0; BUFFER_BYTES],
            at: 0,
            filled: 0,
            nonsense: None,
            nonsense_lines: 0,
        })
    }

    /// What the server wrote that is no message, for a note.
    pub(super) fn oddity(&self) -> Option<String> {
        let said = self.nonsense.as_ref()?;
        Some(format!(
            "the server writes lines that are no messages, such as {said:?}; under load each of them fails a call"
        ))
    }

    pub(super) fn ask(
        &mut self,
        id: u64,
        message: &[u8],
        deadline: Deadline,
    ) -> Result<Said, Lost> {
        self.send(message, deadline)?;
        loop {
            let mut out = Vec::new();
            let mut answer = None;
            while answer.is_none() {
                let input = &self.input[..self.filled];
                let line = self.reader.next(input, &mut self.at).map_err(|broken| {
                    DiscoveryError::BrokenAnswer {
                        address: self.address.clone(),
                        reason: broken.to_string(),
                    }
                })?;
                let Some(line) = line else { break };
                match hear(line, Some(id), false) {
                    Heard::Answer(said) => answer = Some(said),
                    Heard::Request(id, method) => {
                        write_line(&mut out, &[&message::reply(id, &method)]);
                    }
                    Heard::Other => {}
                    Heard::Nonsense(_) => {
                        self.nonsense_lines += 1;
                        self.nonsense.get_or_insert_with(|| excerpt(line));
                    }
                }
            }
            if !out.is_empty() {
                self.write(&out, deadline)?;
            }
            if let Some(answer) = answer {
                return Ok(answer);
            }
            match self.fill(deadline) {
                Ok(0) => return Err(Lost::Closed(self.said())),
                Ok(_) if self.nonsense_lines <= MAX_NONSENSE => {}
                Ok(_) => return Ok(Said::Nonsense(self.nonsense.clone().unwrap_or_default())),
                Err(Lost::Closed(_)) => return Err(Lost::Closed(self.said())),
                Err(lost) => return Err(lost),
            }
        }
    }

    pub(super) fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Lost> {
        let mut line = Vec::new();
        write_line(&mut line, &[message]);
        self.write(&line, deadline)
    }

    /// Says goodbye: the server's end of file.
    pub(super) fn end(mut self) {
        let _ = self.wire.shut_down();
        // Whoever closes with answers unread sends a reset, which looks like a crash at the other end.
        let _ = self.wire.set_blocking(Duration::from_millis(100));
        let _ = self.wire.read(&mut self.input);
    }

    fn said(&self) -> String {
        match &self.nonsense {
            Some(said) => format!(" (it sent {said:?})"),
            None => String::new(),
        }
    }

    fn write(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), Lost> {
        let left = deadline.left().ok_or(Lost::Silent)?;
        let address = &self.address;
        self.wire
            .set_blocking(left)
            .and_then(|()| self.wire.write_all(bytes))
            .and_then(|()| self.wire.flush())
            .map_err(|error| Lost::of_io(&error, address))
    }

    /// Reads more; all of what was there must have been taken. 0 at the end of the stream.
    fn fill(&mut self, deadline: Deadline) -> Result<usize, Lost> {
        let left = deadline.left().ok_or(Lost::Silent)?;
        let (wire, input) = (&mut self.wire, &mut self.input);
        let length = wire
            .set_blocking(left)
            .and_then(|()| wire.read(input))
            .map_err(|error| Lost::of_io(&error, &self.address))?;
        (self.at, self.filled) = (0, length);
        Ok(length)
    }
}
