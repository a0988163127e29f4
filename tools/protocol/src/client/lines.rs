//! The conversation in lines: one message each, over a connection or the pipes of a child.

use super::Options;
use super::connect::{Deadline, Lost};
use super::error::excerpt;
use super::feed::Feed;
use super::link::{Heard, Said, hear};
use crate::endpoint::Endpoint;
use crate::lines::{LineReader, write_line};
use crate::message;

/// Servers that write a banner or a log between their messages are told of, and listened to as long as it is not more.
const MAX_NONSENSE: usize = 1_000;

pub(super) struct LineLink {
    feed: Feed,
    reader: LineReader,
    /// The first line that was no message, and how many there were.
    nonsense: Option<String>,
    nonsense_lines: usize,
    /// What came last, where no line has ended in it.
    rest: Option<String>,
}

impl LineLink {
    pub(super) fn open(
        endpoint: &Endpoint,
        options: &Options,
        deadline: Deadline,
    ) -> Result<Self, Lost> {
        Ok(Self {
            feed: Feed::open(endpoint, options, deadline)?,
            reader: LineReader::default(),
            nonsense: None,
            nonsense_lines: 0,
            rest: None,
        })
    }

    /// What the server wrote that is no message, for a note.
    pub(super) fn oddity(&self) -> Option<String> {
        let said = self.nonsense.as_ref()?;
        Some(format!(
            "the server writes lines that are no messages, such as {said:?}; under load they are counted, and no call is blamed for them"
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
                let (input, at) = self.feed.input();
                let line = match self.reader.next(input, at) {
                    Ok(line) => line,
                    Err(broken) => return Err(self.feed.broken(&broken).into()),
                };
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
                self.feed.write(&out, deadline)?;
            }
            if let Some(answer) = answer {
                return Ok(answer);
            }
            match self.feed.fill(deadline) {
                Ok(0) => return Err(Lost::Closed(self.said())),
                Ok(_) if self.nonsense_lines <= MAX_NONSENSE => {
                    let (input, _) = self.feed.input();
                    let begins = !input.contains(&b'\n');
                    self.rest = begins.then(|| excerpt(input));
                }
                Ok(_) => return Ok(Said::Nonsense(self.nonsense.clone().unwrap_or_default())),
                Err(Lost::Closed(_)) => return Err(Lost::Closed(self.said())),
                // Whatever is there talks, and not in MCP.
                Err(Lost::Silent) if self.nonsense.is_some() || self.rest.is_some() => {
                    let said = self.nonsense.clone().or(self.rest.clone());
                    return Ok(Said::Nonsense(said.unwrap_or_default()));
                }
                Err(lost) => return Err(lost),
            }
        }
    }

    pub(super) fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Lost> {
        let mut line = Vec::new();
        write_line(&mut line, &[message]);
        self.feed.write(&line, deadline)
    }

    /// Says goodbye: the server's end of file.
    pub(super) fn end(mut self) {
        self.feed.shut_down();
        self.feed.read_away();
    }

    fn said(&self) -> String {
        match &self.nonsense {
            Some(said) => format!(" (it sent {said:?})"),
            None => String::new(),
        }
    }
}
