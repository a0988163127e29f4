//! The conversation over Streamable HTTP: one POST for each message, answered in JSON or as a stream.

use std::time::Duration;

use super::Options;
use super::connect::{Deadline, Lost, address};
use super::error::{DiscoveryError, excerpt};
use super::exchange::Response;
use super::link::Said;
use super::talk::Talk;
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::http::{HeadError, HeadOptions, PostHead, Routing, delete_head, get_head};
use crate::revision::Era;
use crate::wire::Wire;

// What leave-taking may cost.
pub(super) const GOODBYE: Duration = Duration::from_secs(1);

pub(super) struct HttpLink {
    pub(super) endpoint: Endpoint,
    pub(super) options: Options,
    pub(super) dialect: Option<Dialect>,
    pub(super) session: Option<String>,
    /// A connection that the last answer left usable, with its streams where it speaks HTTP/2.
    pub(super) kept: Option<(Wire, Option<Box<Talk>>)>,
    /// Whether the last connection spoke HTTP/2.
    pub(super) is_http2: bool,
}

impl HttpLink {
    pub(super) fn new(endpoint: &Endpoint, options: &Options) -> Self {
        Self {
            endpoint: endpoint.clone(),
            options: options.clone(),
            dialect: None,
            session: None,
            kept: None,
            is_http2: false,
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
        let (status, mut text) = (response.status, response.text);
        if let (401, Some(challenge)) = (status, &response.challenge) {
            // What it wants is more than any page that it shows to people.
            text = wanted(challenge);
        }
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

    /// What a status means that no message explains. Of a 401 `said` is what its challenge comes down to.
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

    pub(super) fn post(
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
        let modern = method.filter(|_| is_modern).map(|method| Routing {
            method,
            ..Routing::default()
        });
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
}

/// What a `WWW-Authenticate` comes down to for a person: where the server says who gives tokens for it (RFC 9728, which
/// MCP asks for since 2025-06-18), or else what it says itself.
fn wanted(challenge: &str) -> String {
    let metadata = challenge.split_once("resource_metadata=\"");
    match metadata.and_then(|(_, rest)| rest.split_once('"')) {
        Some((url, _)) => format!("who gives tokens is told at {}", excerpt(url.as_bytes())),
        None => excerpt(challenge.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn a_challenge_comes_down_to_where_tokens_are_told_of() {
        for (challenge, said) in [
            ("Bearer", "Bearer"),
            ("Bearer realm=\"x\"", "Bearer realm=\"x\""),
            (
                "Bearer error=\"invalid_token\", resource_metadata=\"https://a.example/.well-known/x\"",
                "who gives tokens is told at https://a.example/.well-known/x",
            ),
            (
                "Bearer resource_metadata=\"https://a",
                "Bearer resource_metadata=\"https://a",
            ),
        ] {
            assert_eq!(wanted(challenge), said);
        }
    }
}
