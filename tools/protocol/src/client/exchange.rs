//! One request and its response on the wire, whatever stands in between.

use std::io::{Read, Write};
use std::time::Duration;

use super::connect::{Deadline, Lost, address, open};
use super::error::{DiscoveryError, excerpt, gist};
use super::http::{GOODBYE, HttpLink};
use super::link::{Heard, Said, hear};
use crate::http::{Broken, Content, Event, Limits, Reply};
use crate::message;

// After the answer a stream should end; a server that lets it stand is not waited for.
const LINGER: Duration = Duration::from_millis(200);

/// What came back for one request.
#[derive(Default)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) streamed: bool,
    pub(super) location: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) session: Option<String>,
    pub(super) answer: Option<Said>,
    /// What came instead of an answer.
    pub(super) text: String,
    /// An event of the old transport.
    pub(super) old_endpoint: bool,
    pub(super) over: bool,
    pub(super) reusable: bool,
}

impl HttpLink {
    /// Sends a request on the kept connection or a new one, and reads until its answer is over.
    pub(super) fn exchange(
        &mut self,
        request: &[u8],
        id: Option<u64>,
        deadline: Deadline,
    ) -> Result<Response, Lost> {
        let address = address(&self.endpoint);
        let lost = |error: std::io::Error| Lost::of_io(&error, &address);
        let mut wire = match self.kept.take() {
            Some(wire) => wire,
            None => open(&self.endpoint, &self.options, deadline)?,
        };
        let left = deadline.left().ok_or(Lost::Silent)?;
        wire.set_blocking(left).map_err(lost)?;
        wire.write_all(request)
            .and_then(|()| wire.flush())
            .map_err(lost)?;

        let mut reply = Reply::new(Limits::default());
        let mut response = Response::default();
        let mut buffer = vec![0; 16 * 1024];
        let mut first: Vec<u8> = Vec::new();
        let mut deadline = deadline;
        while !response.over {
            if response.answer.is_some() && response.streamed {
                deadline = deadline.or_after(LINGER);
            }
            let left = deadline.left().ok_or(Lost::Silent);
            let read = left.and_then(|left| {
                wire.set_blocking(left).map_err(lost)?;
                wire.read(&mut buffer).map_err(lost)
            });
            let length = match read {
                Ok(length) => length,
                // What matters has come; the connection is not kept.
                Err(_) if response.answer.is_some() => return Ok(response),
                Err(lost) => return Err(lost),
            };
            if first.len() < 64 {
                first.extend_from_slice(&buffer[..length.min(64)]);
            }
            let taken = if length == 0 {
                self.finish(&mut reply, &mut response, id, deadline)
            } else {
                self.take(&mut reply, &buffer[..length], &mut response, id, deadline)
            };
            match taken {
                Ok(()) => {}
                Err(_) if response.answer.is_some() => return Ok(response),
                Err(broken) => return Err(self.unreadable(&broken, &first)),
            }
            if response.old_endpoint {
                return Ok(response);
            }
            if length == 0 && !response.over {
                return Err(Lost::Closed(String::new()));
            }
        }
        if response.reusable {
            self.kept = Some(wire);
        }
        Ok(response)
    }

    fn take(
        &self,
        reply: &mut Reply,
        input: &[u8],
        response: &mut Response,
        id: Option<u64>,
        deadline: Deadline,
    ) -> Result<(), Broken> {
        let mut at = 0;
        while let Some(event) = reply.next(input, &mut at)? {
            self.note(event, response, id, deadline);
        }
        Ok(())
    }

    fn finish(
        &self,
        reply: &mut Reply,
        response: &mut Response,
        id: Option<u64>,
        deadline: Deadline,
    ) -> Result<(), Broken> {
        while let Some(event) = reply.eof()? {
            self.note(event, response, id, deadline);
        }
        response.reusable = false;
        Ok(())
    }

    fn note(&self, event: Event<'_>, response: &mut Response, id: Option<u64>, deadline: Deadline) {
        match event {
            Event::Head(head) => {
                response.status = head.status;
                response.streamed = head.content == Content::EventStream;
                response.session.clone_from(&head.session);
                response.location.clone_from(&head.location);
                response.challenge.clone_from(&head.challenge);
            }
            Event::Message(data) => match hear(data, id, !response.streamed) {
                Heard::Answer(said) => {
                    response.answer.get_or_insert(said);
                }
                Heard::Request(id, method) => {
                    // The answer to ours may wait for this one, so it goes out on a connection of its own.
                    let mut other = Self::new(&self.endpoint, &self.options);
                    other.dialect = self.dialect;
                    other.session.clone_from(&self.session);
                    let message = message::reply(id, &method);
                    let _ = other.post(None, &message, None, deadline.or_after(GOODBYE));
                }
                Heard::Other => {}
                Heard::Nonsense(_) if !response.streamed => response.text = gist(data),
                Heard::Nonsense(why) => response.text = why,
            },
            Event::Named { kind, .. } => response.old_endpoint |= kind == "endpoint",
            Event::End { reusable } => {
                response.over = true;
                response.reusable = reusable;
            }
        }
    }

    fn unreadable(&self, broken: &Broken, first: &[u8]) -> Lost {
        let address = address(&self.endpoint);
        match broken {
            Broken::EndedInHead | Broken::EndedInBody => {
                Lost::Closed(" (in the middle of its answer)".to_owned())
            }
            Broken::NotHttp => Lost::Fatal(not_http(address, first)),
            _ => Lost::Fatal(DiscoveryError::BrokenAnswer {
                address,
                reason: broken.to_string(),
            }),
        }
    }
}

/// What the first bytes say that are no HTTP.
pub(super) fn not_http(address: String, first: &[u8]) -> DiscoveryError {
    // A TLS server answers plain text with an alert: record type 21, version 3.x.
    if first.starts_with(&[0x15, 0x03]) {
        return DiscoveryError::TlsExpected { address };
    }
    DiscoveryError::NotHttp {
        address,
        said: excerpt(&first[..first.len().min(40)]),
    }
}
