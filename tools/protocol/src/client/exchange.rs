//! One request and its response on the wire, whatever stands in between.

use std::io::{Read, Write};
use std::time::Duration;

use super::connect::{Deadline, Lost, address, open};
use super::error::{DiscoveryError, excerpt, gist};
use super::http::{GOODBYE, HttpLink};
use super::link::{Heard, Said, hear};
use super::talk::{Talk, TalkBroken};
use crate::h2;
use crate::http::{Broken, Content, Event, Limits, Reply};
use crate::message;
use crate::wire::Wire;

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
        let (mut wire, mut talk) = match self.kept.take() {
            Some(kept) => kept,
            None => {
                let wire = open(&self.endpoint, &self.options, deadline)?;
                let talk = self.talk_on(&wire)?;
                (wire, talk)
            }
        };
        self.is_http2 = talk.is_some();
        let left = deadline.left().ok_or(Lost::Silent)?;
        wire.set_blocking(left).map_err(lost)?;
        if let Some(talk) = &mut talk {
            talk.ask(request)
                .map_err(|error| Lost::Closed(format!(" ({error})")))?;
            send(&mut wire, &mut talk.out)
        } else {
            wire.write_all(request).and_then(|()| wire.flush())
        }
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
            let taken = if let Some(talk) = &mut talk {
                let taken = talk.take(&buffer[..length], |event| {
                    self.note(event, &mut response, id, deadline);
                });
                match taken {
                    Ok(()) => send(&mut wire, &mut talk.out).map_err(lost)?,
                    Err(_) if response.answer.is_some() => return Ok(response),
                    Err(broken) => return Err(self.off(broken)),
                }
                Ok(())
            } else if length == 0 {
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
        if response.reusable && talk.as_ref().is_none_or(|talk| talk.is_reusable()) {
            self.kept = Some((wire, talk));
        }
        Ok(response)
    }

    /// The streams of a new connection, where it speaks HTTP/2.
    fn talk_on(&self, wire: &Wire) -> Result<Option<Box<Talk>>, Lost> {
        let is_tls = self.endpoint.scheme.is_tls();
        match self.options.http2.settle(is_tls, wire.alpn()) {
            Ok(speaks) => Ok(speaks.then(|| Box::new(Talk::new(is_tls)))),
            Err(_) => Err(self.no_http2()),
        }
    }

    fn no_http2(&self) -> Lost {
        Lost::Fatal(DiscoveryError::NotHttp2 {
            address: address(&self.endpoint),
        })
    }

    fn off(&self, broken: TalkBroken) -> Lost {
        let reason = match broken {
            TalkBroken::Connection(h2::Broken::NotHttp2) => return self.no_http2(),
            TalkBroken::Refused(how) => return Lost::Closed(how.to_owned()),
            TalkBroken::Connection(broken) => broken.to_string(),
            TalkBroken::Answer(broken) => broken.to_string(),
        };
        Lost::Fatal(DiscoveryError::BrokenAnswer {
            address: address(&self.endpoint),
            reason,
        })
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

fn send(wire: &mut Wire, out: &mut Vec<u8>) -> std::io::Result<()> {
    wire.write_all(out)?;
    out.clear();
    wire.flush()
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
