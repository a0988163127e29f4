//! The conversation over WebSocket: one text frame for each message, with or without the subprotocol `mcp`.

use std::time::Duration;

use super::Options;
use super::connect::{Deadline, Lost, address};
use super::error::{DiscoveryError, excerpt, gist};
use super::exchange::not_http;
use super::feed::Feed;
use super::link::{Heard, Said, hear};
use crate::endpoint::Endpoint;
use crate::http::{Broken, HeadOptions, Limits};
use crate::message;
use crate::ws::{
    self, Frame, FrameReader, Upgrade, UpgradeError, Upgraded, upgrade_request, write_close,
    write_pong, write_text,
};

const SUBPROTOCOL: &str = "mcp";

pub(super) struct WsLink {
    feed: Feed,
    append_newline: bool,
    reader: FrameReader,
    pub(super) subprotocol: bool,
}

impl WsLink {
    /// Connects and upgrades; without the subprotocol where the server does not take it.
    pub(super) fn open(
        endpoint: &Endpoint,
        options: &Options,
        deadline: Deadline,
        notes: &mut Vec<String>,
    ) -> Result<Self, Lost> {
        let offer = options.ws_subprotocol.then_some(SUBPROTOCOL);
        let first = match Self::upgrade(endpoint, options, offer, deadline) {
            Ok((link, upgraded)) => {
                notes.extend(oddity(&upgraded, offer.is_some()));
                return Ok(link);
            }
            Err(lost) => lost,
        };
        if offer.is_none() || !may_be_the_subprotocol(&first) {
            return Err(first);
        }
        match Self::upgrade(endpoint, options, None, deadline) {
            Ok((link, _)) => {
                notes.push(
                    "the server refused the WebSocket subprotocol mcp; connected without it"
                        .to_owned(),
                );
                Ok(link)
            }
            // The subprotocol was not to blame, so the first reason stands.
            Err(_) => Err(first),
        }
    }

    fn upgrade(
        endpoint: &Endpoint,
        options: &Options,
        offer: Option<&str>,
        deadline: Deadline,
    ) -> Result<(Self, Upgraded), Lost> {
        let head_options = HeadOptions {
            host_header: options.host_header.as_deref(),
            headers: &options.headers,
        };
        let (request, expected) = upgrade_request(endpoint, &head_options, offer, random()?)
            .map_err(|error| DiscoveryError::BadHeader(error.to_string()))?;
        let mut link = Self {
            feed: Feed::open(endpoint, options, deadline)?,
            append_newline: options.ws_append_newline,
            reader: FrameReader::new(ws::Limits::default()),
            subprotocol: false,
        };
        link.feed.write(&request, deadline)?;
        let mut upgrade = Upgrade::new(expected, Limits::default());
        let upgraded = loop {
            let length = link.feed.fill(deadline)?;
            let (input, at) = link.feed.input();
            let result = match length {
                0 => Err(upgrade.eof()),
                _ => upgrade.next(input, at),
            };
            let first = &input[..length.min(64)];
            match result {
                Ok(Some(upgraded)) => break upgraded,
                Ok(None) => {}
                Err(error) => return Err(refused(error, endpoint, options, first)),
            }
        };
        link.subprotocol = offer.is_some() && upgraded.subprotocol.is_some();
        Ok((link, upgraded))
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
            let mut said = None;
            while said.is_none() {
                let (input, at) = self.feed.input();
                let frame = match self.reader.next(input, at) {
                    Ok(frame) => frame,
                    Err(broken) => return Err(self.feed.broken(&broken).into()),
                };
                match frame {
                    None => break,
                    Some(Frame::Ping(payload)) => write_pong(&mut out, random()?, payload),
                    Some(Frame::Pong) => {}
                    Some(Frame::Close(code, reason)) => return Err(closed(code, reason)),
                    Some(Frame::Message(text)) => match hear(text, Some(id), false) {
                        Heard::Answer(answer) => said = Some(answer),
                        Heard::Request(id, method) => {
                            let reply = message::reply(id, &method);
                            let parts = [&reply[..], newline(self.append_newline)];
                            write_text(&mut out, random()?, &parts);
                        }
                        Heard::Other => {}
                        Heard::Nonsense(_) => said = Some(Said::Nonsense(excerpt(text))),
                    },
                }
            }
            if !out.is_empty() {
                self.feed.write(&out, deadline)?;
            }
            if let Some(said) = said {
                return Ok(said);
            }
            if self.feed.fill(deadline)? == 0 {
                return Err(Lost::Closed(String::new()));
            }
        }
    }

    pub(super) fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Lost> {
        let mut frame = Vec::new();
        let parts = [message, newline(self.append_newline)];
        write_text(&mut frame, random()?, &parts);
        self.feed.write(&frame, deadline)
    }

    /// Says goodbye; the answer to it is not waited for.
    pub(super) fn end(mut self) {
        let mut frame = Vec::new();
        if let Ok(mask) = random() {
            write_close(&mut frame, mask, 1000, "");
            let _ = self
                .feed
                .write(&frame, Deadline::after(Duration::from_secs(1)));
        }
        self.feed.shut_down();
    }
}

fn newline(wanted: bool) -> &'static [u8] {
    if wanted { b"\n" } else { b"" }
}

fn random<const N: usize>() -> Result<[u8; N], Lost> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Lost::Fatal(DiscoveryError::UpgradeFailed {
            reason: format!("the system has no random bytes ({error})"),
        })
    })?;
    Ok(bytes)
}

fn closed(code: Option<u16>, reason: &str) -> Lost {
    let reason = excerpt(reason.as_bytes());
    Lost::Closed(match code {
        Some(code) if reason.is_empty() => format!(" (WebSocket close code {code})"),
        Some(code) => format!(" (WebSocket close code {code}, {reason:?})"),
        None => " (with a WebSocket close frame)".to_owned(),
    })
}

fn oddity(upgraded: &Upgraded, offered: bool) -> Option<String> {
    let sentence = if upgraded.unasked_subprotocol {
        "the server chose the WebSocket subprotocol mcp though none was offered; many clients refuse that"
    } else if offered && upgraded.subprotocol.is_none() {
        "the server did not choose the WebSocket subprotocol mcp that was offered; many clients refuse that"
    } else {
        return None;
    };
    Some(sentence.to_owned())
}

/// Servers say no to a subprotocol in every way there is; what is plainly about something else is not
/// asked twice.
fn may_be_the_subprotocol(lost: &Lost) -> bool {
    match lost {
        Lost::Closed(_) => true,
        Lost::Silent => false,
        Lost::Fatal(error) => {
            matches!(
                error,
                DiscoveryError::UpgradeRefused { status, .. } if !matches!(status, 404 | 405 | 426)
            ) || matches!(error, DiscoveryError::UpgradeFailed { .. })
        }
    }
}

fn refused(error: UpgradeError, endpoint: &Endpoint, options: &Options, first: &[u8]) -> Lost {
    let address = address(endpoint);
    let failed = |reason: String| Lost::Fatal(DiscoveryError::UpgradeFailed { reason });
    match error {
        UpgradeError::Ended => Lost::Closed(String::new()),
        UpgradeError::Http(Broken::NotHttp) => Lost::Fatal(not_http(address, first)),
        UpgradeError::Http(Broken::EndedInHead | Broken::EndedInBody) => {
            Lost::Closed(" (in the middle of its answer)".to_owned())
        }
        UpgradeError::Refused {
            status,
            location,
            body,
        } => {
            let host = options.host_header.clone();
            let host = host.unwrap_or_else(|| endpoint.host_header());
            let body = gist(body.as_bytes());
            let path = endpoint.path.clone();
            let location = location.as_deref();
            Lost::Fatal(
                match DiscoveryError::of_status(status, &body, location, &host, &path) {
                    // These sentences know nothing of upgrades, which some servers (Starlette) refuse
                    // with 403 where only the path is wrong.
                    DiscoveryError::WrongPath { .. }
                    | DiscoveryError::Forbidden { .. }
                    | DiscoveryError::Status { .. } => {
                        let said = match body.as_str() {
                            "" => String::new(),
                            body => format!(": {body}"),
                        };
                        DiscoveryError::UpgradeRefused { path, status, said }
                    }
                    other => other,
                },
            )
        }
        other => failed(other.to_string()),
    }
}
