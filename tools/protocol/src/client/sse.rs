//! The conversation over HTTP+SSE (2024-11-05): messages go out by POST, answers come on the stream of a GET.

use std::collections::VecDeque;
use std::io::{Read, Write};

use super::Options;
use super::connect::{Deadline, Lost, address, open};
use super::error::DiscoveryError;
use super::exchange::not_http;
use super::http::{GOODBYE, HttpLink};
use super::link::{Heard, Said, hear};
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::h2::Http2;
use crate::http::{Broken, Content, Event, HeadOptions, Limits, Reply, get_head};
use crate::message;
use crate::wire::Wire;

const BUFFER_BYTES: usize = 16 * 1024;

pub(super) struct SseLink {
    endpoint: Endpoint,
    wire: Wire,
    reply: Reply,
    buffer: Vec<u8>,
    /// What came on the stream and was not heard yet.
    came: VecDeque<Came>,
    /// Where messages go, by POST.
    post: HttpLink,
}

/// What the stream brought.
enum Came {
    Head(u16, Content),
    Endpoint(String),
    Message(Vec<u8>),
    End,
}

impl SseLink {
    /// Opens the stream, and waits for the event that says where messages go.
    pub(super) fn open(
        endpoint: &Endpoint,
        options: &Options,
        deadline: Deadline,
    ) -> Result<Self, Lost> {
        let options = &Options {
            http2: Http2::Never,
            ..options.clone()
        };
        let head_options = HeadOptions {
            host_header: options.host_header.as_deref(),
            headers: &options.headers,
        };
        let head = get_head(endpoint, &head_options, None, None, None)
            .map_err(|error| DiscoveryError::BadHeader(error.to_string()))?;
        let mut link = Self {
            endpoint: endpoint.clone(),
            wire: open(endpoint, options, deadline)?,
            reply: Reply::new(Limits::default()),
            buffer: vec![0; BUFFER_BYTES],
            came: VecDeque::new(),
            post: HttpLink::new(endpoint, options),
        };
        let left = deadline.left().ok_or(Lost::Silent)?;
        link.wire
            .set_blocking(left)
            .and_then(|()| link.wire.write_all(&head))
            .and_then(|()| link.wire.flush())
            .map_err(|error| Lost::of_io(&error, &address(endpoint)))?;
        loop {
            match link.next(deadline)? {
                Came::Head(200, Content::EventStream) | Came::Message(_) => {}
                Came::Head(status, _) => {
                    return Err(Lost::Fatal(link.post.refusal(status, "", None)));
                }
                Came::Endpoint(path) => {
                    link.post.endpoint = link.there(&path)?;
                    return Ok(link);
                }
                Came::End => return Err(Lost::Closed(String::new())),
            }
        }
    }

    fn there(&self, path: &str) -> Result<Endpoint, Lost> {
        let nonsense = |said: String| Lost::Fatal(DiscoveryError::NotMcp { said });
        let there = self.endpoint.join(path.trim());
        let there = there.map_err(|error| nonsense(format!("its endpoint: {error}")))?;
        if there.origin() == self.endpoint.origin() {
            return Ok(there);
        }
        // Whoever names another place would have us call that.
        Err(nonsense(format!(
            "its stream names an endpoint at another origin, {}",
            there.origin()
        )))
    }

    pub(super) fn ask(
        &mut self,
        id: u64,
        message: &[u8],
        deadline: Deadline,
    ) -> Result<Said, Lost> {
        let response = self.post.post(None, message, Some(id), deadline)?;
        if let Some(said) = response.answer {
            return Ok(said);
        }
        if !(200..300).contains(&response.status) {
            return Ok(Said::Refused {
                status: response.status,
                said: response.text,
                location: response.location,
            });
        }
        loop {
            let message = match self.next(deadline)? {
                Came::Message(message) => message,
                Came::End => return Err(Lost::Closed(String::new())),
                Came::Head(..) | Came::Endpoint(_) => continue,
            };
            match hear(&message, Some(id), false) {
                Heard::Answer(said) => return Ok(said),
                Heard::Request(id, method) => {
                    let reply = message::reply(id, &method);
                    let _ = self
                        .post
                        .post(None, &reply, None, deadline.or_after(GOODBYE));
                }
                Heard::Other => {}
                Heard::Nonsense(why) => return Ok(Said::Nonsense(why)),
            }
        }
    }

    pub(super) fn tell(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Lost> {
        self.post.tell(message, deadline)
    }

    pub(super) fn speak(&mut self, dialect: Option<Dialect>) {
        self.post.dialect = dialect;
    }

    /// What a refusal of the POST means.
    pub(super) fn refusal(
        &self,
        status: u16,
        said: &str,
        location: Option<&str>,
    ) -> DiscoveryError {
        self.post.refusal(status, said, location)
    }

    pub(super) fn end(mut self) {
        let _ = self.wire.shut_down();
    }

    fn next(&mut self, deadline: Deadline) -> Result<Came, Lost> {
        loop {
            if let Some(came) = self.came.pop_front() {
                return Ok(came);
            }
            let left = deadline.left().ok_or(Lost::Silent)?;
            let (wire, buffer) = (&mut self.wire, &mut self.buffer);
            let length = wire
                .set_blocking(left)
                .and_then(|()| wire.read(buffer))
                .map_err(|error| Lost::of_io(&error, &address(&self.endpoint)))?;
            if length == 0 {
                return Err(Lost::Closed(String::new()));
            }
            let mut at = 0;
            loop {
                match self.reply.next(&self.buffer[..length], &mut at) {
                    Ok(None) => break,
                    Ok(Some(event)) => self.came.extend(came(event)),
                    Err(Broken::NotHttp) => {
                        let first = &self.buffer[..length.min(64)];
                        return Err(Lost::Fatal(not_http(address(&self.endpoint), first)));
                    }
                    Err(broken) => {
                        return Err(Lost::Fatal(DiscoveryError::BrokenAnswer {
                            address: address(&self.endpoint),
                            reason: broken.to_string(),
                        }));
                    }
                }
            }
        }
    }
}

fn came(event: Event<'_>) -> Option<Came> {
    match event {
        Event::Head(head) => Some(Came::Head(head.status, head.content)),
        Event::Named { kind, data } => {
            (kind == "endpoint").then(|| Came::Endpoint(String::from_utf8_lossy(data).into_owned()))
        }
        Event::Message(data) => Some(Came::Message(data.to_vec())),
        Event::End { .. } => Some(Came::End),
    }
}
