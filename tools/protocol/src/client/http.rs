//! The conversation over Streamable HTTP: one POST for each message, answered in JSON or as a stream.

use std::io::{Read, Write};
use std::time::Duration;

use super::Options;
use super::connect::{Deadline, Lost, address, open};
use super::error::{DiscoveryError, excerpt};
use super::link::{Heard, Said, hear};
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::http::{
    Broken, Content, Event, HeadError, HeadOptions, Limits, PostHead, Reply, delete_head, get_head,
};
use crate::message;
use crate::revision::Era;
use crate::wire::Wire;

// After the answer a stream should end; a server that lets it stand is not waited for.
const LINGER: Duration = Duration::from_millis(200);
// What leave-taking may cost.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) struct HttpLink {
    endpoint: Endpoint,
    options: Options,
    pub(super) dialect: Option<Dialect>,
    pub(super) session: Option<String>,
    /// A connection that the last answer left usable.
    kept: Option<Wire>,
}

/// What came back for one request.
#[derive(Default)]
struct Response {
    status: u16,
    streamed: bool,
    location: Option<String>,
    session: Option<String>,
    answer: Option<Said>,
    /// What came instead of an answer.
    text: String,
    /// An event of the old transport.
    old_endpoint: bool,
    over: bool,
    reusable: bool,
}

impl HttpLink {
    pub(super) fn new(endpoint: &Endpoint, options: &Options) -> Self {
        Self {
            endpoint: endpoint.clone(),
            options: options.clone(),
            dialect: None,
            session: None,
            kept: None,
        }
    }

    pub(super) fn ask(
        &mut self,
        id: u64,
        method: &str,
        message: &[u8],
        deadline: Deadline,
    ) -> Result<Said, Lost> {
        let response = self.post(Some(method), message, Some(id), deadline)?;
        if method == "initialize" {
            self.session = response.session;
        }
        let (status, text) = (response.status, response.text);
        Ok(match response.answer {
            Some(Said::Error {
                code,
                message,
                data,
                ..
            }) => Said::Error {
                code,
                message,
                data,
                status,
            },
            Some(said) => said,
            None if !(200..300).contains(&status) => Said::Refused {
                status,
                said: text,
                location: response.location,
            },
            None if text.is_empty() => {
                Said::Nonsense(format!("HTTP {status} and no message that answers"))
            }
            None => Said::Nonsense(text),
        })
    }

    pub(super) fn tell(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Lost> {
        let response = self.post(None, message, None, deadline)?;
        if (200..300).contains(&response.status) {
            return Ok(());
        }
        Err(Lost::Fatal(self.refusal(
            response.status,
            &response.text,
            response.location.as_deref(),
        )))
    }

    /// What a status means that no message explains.
    pub(super) fn refusal(
        &self,
        status: u16,
        said: &str,
        location: Option<&str>,
    ) -> DiscoveryError {
        let given = self.options.headers.iter();
        let host = self.options.host_header.clone().or_else(|| {
            given
                .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
                .map(|(_, value)| value.clone())
                .next()
        });
        let host = host.unwrap_or_else(|| self.endpoint.host_header());
        // nginx and Go say it in words, on a connection that speaks plain HTTP all the same.
        let lower = said.to_ascii_lowercase();
        if status == 400 && lower.contains("https") && lower.contains("http request") {
            return DiscoveryError::TlsExpected {
                address: address(&self.endpoint),
            };
        }
        DiscoveryError::of_status(status, said, location, &host, &self.endpoint.path)
    }

    /// Whether a GET opens the stream of the 2024 transport, which begins by naming its other endpoint.
    pub(super) fn speaks_old_transport(&mut self, deadline: Deadline) -> bool {
        let head = get_head(&self.endpoint, &self.head_options(), None, None, None);
        let Ok(head) = head else { return false };
        self.kept = None;
        let deadline = deadline.or_after(GOODBYE);
        self.exchange(&head, None, deadline)
            .is_ok_and(|response| response.old_endpoint)
    }

    /// DELETEs the session; 405 and whatever else comes back are all the same to us.
    pub(super) fn end(mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let head = delete_head(
            &self.endpoint,
            &self.head_options(),
            self.revision_header(),
            &session,
        );
        if let Ok(head) = head {
            let _ = self.send(&head, None, Deadline::after(GOODBYE));
        }
    }

    fn head_options(&self) -> HeadOptions<'_> {
        HeadOptions {
            host_header: self.options.host_header.as_deref(),
            headers: &self.options.headers,
        }
    }

    fn revision_header(&self) -> Option<&'static str> {
        self.dialect
            .filter(Dialect::has_version_header)
            .map(|dialect| dialect.revision.as_str())
    }

    fn post(
        &mut self,
        method: Option<&str>,
        message: &[u8],
        id: Option<u64>,
        deadline: Deadline,
    ) -> Result<Response, Lost> {
        let request = self.render(method, message)?;
        self.send(&request, id, deadline)
    }

    fn render(&self, method: Option<&str>, message: &[u8]) -> Result<Vec<u8>, Lost> {
        let bad = |error: HeadError| DiscoveryError::BadHeader(error.to_string());
        let head = PostHead::new(
            &self.endpoint,
            &self.head_options(),
            self.revision_header(),
            self.session.as_deref(),
        )
        .map_err(bad)?;
        let is_modern = self
            .dialect
            .is_some_and(|dialect| dialect.era == Era::Modern);
        let modern = method.filter(|_| is_modern).map(|method| (method, None));
        let mut request = Vec::new();
        head.write(modern, message.len(), &mut request);
        request.extend_from_slice(message);
        Ok(request)
    }

    /// Sends a request, a second time if it ran into the end of a kept connection.
    fn send(
        &mut self,
        request: &[u8],
        id: Option<u64>,
        deadline: Deadline,
    ) -> Result<Response, Lost> {
        let was_kept = self.kept.is_some();
        match self.exchange(request, id, deadline) {
            Err(Lost::Closed(_)) if was_kept => self.exchange(request, id, deadline),
            result => result,
        }
    }

    fn exchange(
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
                Heard::Nonsense(_) if !response.streamed => response.text = excerpt(data),
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
