//! Finds out which era a server speaks, as the specification says, and opens the conversation in it.
//!
//! Modern first (2026-07-28, "determining the server's era"): a result of `server/discover` or one of
//! the three modern error codes means modern. Any other error, refusal, silence or hanging up means
//! legacy: servers of that era answer an unknown method in all these ways. The same goes for lines,
//! where the specification (stdio) wants `initialize` on the connection that was probed.

use std::time::Duration;

use serde_json::Value;

use super::Options;
use super::connect::{Deadline, Lost, address};
use super::error::DiscoveryError;
use super::http::HttpLink;
use super::lines::LineLink;
use super::link::{Link, Said};
use super::server_info::{ServerInfo, legacy_revision, modern_server, revisions, server_info};
use super::sse::SseLink;
use super::websocket::WsLink;
use crate::code;
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::message::{self, ClientInfo};
use crate::revision::{Era, Revision, Wanted};
use crate::transport::Transport;

// A server on the same network that knows `server/discover` answers it well within this.
const LONGEST_PROBE: Duration = Duration::from_secs(2);

/// A conversation with a server whose dialect is known.
pub(super) struct Met {
    pub(super) link: Link,
    pub(super) dialect: Dialect,
    pub(super) server: ServerInfo,
    pub(super) notes: Vec<String>,
    pub(super) last_id: u64,
}

/// Opens a conversation.
pub(super) fn meet(
    endpoint: &Endpoint,
    options: &Options,
    deadline: Deadline,
) -> Result<Met, DiscoveryError> {
    let mut meeting = Meeting {
        endpoint,
        options,
        deadline,
        client: ClientInfo::named(&options.client_name),
        notes: Vec::new(),
        last_id: 0,
    };
    meeting.run().map_err(|lost| meeting.tell_of(lost))
}

struct Meeting<'a> {
    endpoint: &'a Endpoint,
    options: &'a Options,
    deadline: Deadline,
    client: ClientInfo,
    notes: Vec<String>,
    last_id: u64,
}

/// What a probe found.
enum Found {
    Modern(ServerInfo),
    Legacy,
}

impl Meeting<'_> {
    fn run(&mut self) -> Result<Met, Lost> {
        let wanted = self.options.wanted;
        let mut link = self.open()?;
        // HTTP+SSE is older than the modern era.
        if wanted.admits_era(Era::Modern) && !matches!(link, Link::Sse(_)) {
            match self.probe(&mut link)? {
                Found::Modern(server) => return Ok(self.met(link, Revision::MODERN, server)),
                Found::Legacy => {}
            }
        }
        let asked = match wanted {
            Wanted::Revision(revision) if revision.era() == Era::Legacy => revision,
            _ => Revision::LATEST_LEGACY,
        };
        match self.initialize(&mut link, asked) {
            Ok((revision, server)) if wanted.admits(revision) => {
                Ok(self.met(link, revision, server))
            }
            Ok((revision, _)) => {
                link.end();
                Err(self.not_offered(revision))
            }
            // Only to be able to say what the server does speak.
            Err(Lost::Fatal(error)) if !wanted.admits_era(Era::Modern) && error.is_an_answer() => {
                link.speak(None);
                match self.probe(&mut link) {
                    Ok(Found::Modern(_)) => Err(self.not_offered(Revision::MODERN)),
                    _ => Err(Lost::Fatal(error)),
                }
            }
            Err(lost) => Err(lost),
        }
    }

    fn open(&mut self) -> Result<Link, Lost> {
        let (endpoint, options) = (self.endpoint, self.options);
        Ok(match endpoint.scheme.transport() {
            Transport::Ws => {
                let link = WsLink::open(endpoint, options, self.deadline, &mut self.notes)?;
                Link::WebSocket(Box::new(link))
            }
            Transport::Http if options.old_transport => self.open_old()?,
            Transport::Http => Link::Http(Box::new(HttpLink::new(endpoint, options))),
            Transport::Sse => self.open_old()?,
            Transport::Tcp | Transport::Stdio => {
                Link::Lines(Box::new(LineLink::open(endpoint, options, self.deadline)?))
            }
        })
    }

    fn open_old(&self) -> Result<Link, Lost> {
        let link = SseLink::open(self.endpoint, self.options, self.deadline)?;
        Ok(Link::Sse(Box::new(link)))
    }

    fn met(&mut self, link: Link, revision: Revision, server: ServerInfo) -> Met {
        self.notes.extend(link.oddity());
        // Opened twice, a server may be odd twice.
        self.notes.dedup();
        let dialect = Dialect {
            era: revision.era(),
            revision,
            subprotocol: link.has_subprotocol(),
            sessions: link.has_session(),
        };
        Met {
            link,
            dialect,
            server,
            notes: std::mem::take(&mut self.notes),
            last_id: self.last_id,
        }
    }

    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Asks `server/discover`. Whatever is not plainly modern leaves a fresh link for `initialize`.
    fn probe(&mut self, link: &mut Link) -> Result<Found, Lost> {
        let is_http = matches!(link, Link::Http(_));
        let modern = Dialect::new(Revision::MODERN);
        link.speak(Some(modern));
        let id = self.id();
        let message = message::discover(id, modern.revision, &self.client);
        let patience = match endpoint_waits(self.endpoint) {
            // HTTP servers answer everything, and a child may take long to start: silence means that it is slow.
            true => self.options.timeout / 2,
            false => (self.options.timeout / 3).min(LONGEST_PROBE),
        };
        let deadline = self.deadline.or_after(patience);
        let said = link.ask(id, "server/discover", &message, deadline);
        match said {
            Ok(Said::Result(result)) => {
                if let Some(server) = modern_server(&result) {
                    return Ok(Found::Modern(server));
                }
            }
            Ok(Said::Error {
                code,
                data,
                message,
                ..
            }) if code::is_modern(code) => {
                let supported = revisions(&data);
                if code != code::UNSUPPORTED_PROTOCOL_VERSION || supported.is_empty() {
                    return Err(Lost::Fatal(DiscoveryError::InitializeRefused {
                        code,
                        message,
                    }));
                }
                // It is modern enough to say so, but of revisions that come after this tool, or legacy.
                if supported.iter().all(|text| legacy_revision(text).is_none()) {
                    let got = supported.join(", ");
                    return Err(Lost::Fatal(DiscoveryError::UnknownRevision { got }));
                }
            }
            Ok(Said::Refused {
                status,
                said,
                location,
            }) if matches!(status, 301..=308 | 401 | 403 | 421) => {
                // `initialize` would meet the same door.
                if let Link::Http(http) = link {
                    let error = http.refusal(status, &said, location.as_deref());
                    return Err(Lost::Fatal(error));
                }
            }
            Ok(_) => {}
            // HTTP opens a connection for each question anyway.
            Err(Lost::Closed(_)) if is_http => {}
            Err(Lost::Closed(_)) => *link = self.open()?,
            Err(Lost::Silent) => self.notes.push(
                "the server did not answer server/discover in time, so it was asked to initialize"
                    .to_owned(),
            ),
            Err(fatal) => return Err(fatal),
        }
        link.speak(None);
        Ok(Found::Legacy)
    }

    /// The legacy handshake: `initialize`, and `notifications/initialized` after it.
    fn initialize(
        &mut self,
        link: &mut Link,
        asked: Revision,
    ) -> Result<(Revision, ServerInfo), Lost> {
        let mut said = self.ask_to_initialize(link, asked)?;
        if let Said::Error { data, .. } = &said
            // Some servers refuse a revision instead of answering with their own.
            && let Some(other) = revisions(data).iter().find_map(|text| legacy_revision(text))
            && other != asked
        {
            said = self.ask_to_initialize(link, other)?;
        }
        let result = match said {
            Said::Result(result) => result,
            other if self.is_old(link, &other) => {
                *link = self.open_old()?;
                return self.initialize(link, asked);
            }
            other => return Err(Lost::Fatal(self.no_handshake(link, other))),
        };
        let got = result.get("protocolVersion").and_then(Value::as_str);
        let Some(got) = got else {
            let said = "its answer to initialize names no protocolVersion".to_owned();
            return Err(Lost::Fatal(DiscoveryError::NotMcp { said }));
        };
        let Some(revision) = legacy_revision(got) else {
            let got = super::error::excerpt(got.as_bytes());
            return Err(Lost::Fatal(DiscoveryError::UnknownRevision { got }));
        };
        if revision != asked {
            self.notes.push(format!(
                "the server was asked for revision {asked} and answered {revision}, which is used"
            ));
        }
        link.speak(Some(Dialect::new(revision)));
        link.tell(&message::initialized(), self.deadline)?;
        Ok((revision, server_info(&result, &result["serverInfo"])))
    }

    fn ask_to_initialize(&mut self, link: &mut Link, revision: Revision) -> Result<Said, Lost> {
        let id = self.id();
        let message = message::initialize(id, revision, &self.client);
        link.ask(id, "initialize", &message, self.deadline)
    }

    /// Whether a refusal of `initialize` is that of a server of HTTP+SSE (2024-11-05, as its successors tell how to
    /// find out): a GET then opens the stream that names the other endpoint.
    fn is_old(&self, link: &mut Link, said: &Said) -> bool {
        match (link, said) {
            (Link::Http(http), Said::Refused { status, .. } | Said::Error { status, .. }) => {
                matches!(status, 400 | 404 | 405) && http.speaks_old_transport(self.deadline)
            }
            _ => false,
        }
    }

    /// What an answer to `initialize` means that is no result.
    fn no_handshake(&self, link: &mut Link, said: Said) -> DiscoveryError {
        match (said, link) {
            (
                Said::Refused {
                    status,
                    said,
                    location,
                },
                Link::Http(http),
            ) => http.refusal(status, &said, location.as_deref()),
            (
                Said::Refused {
                    status,
                    said,
                    location,
                },
                Link::Sse(sse),
            ) => sse.refusal(status, &said, location.as_deref()),
            // These say more than the error that stands in their body.
            (
                Said::Error {
                    status,
                    message,
                    code,
                    ..
                },
                Link::Http(http),
            ) if matches!(status, 401 | 403 | 421)
                || (status == 404 && code != code::METHOD_NOT_FOUND) =>
            {
                http.refusal(status, &message, None)
            }
            (Said::Error { code, message, .. }, _) => {
                DiscoveryError::InitializeRefused { code, message }
            }
            (Said::Nonsense(said), _) => DiscoveryError::NotMcp { said },
            (other, _) => DiscoveryError::NotMcp {
                said: format!("{other:?}"),
            },
        }
    }

    fn not_offered(&self, offered: Revision) -> Lost {
        Lost::Fatal(DiscoveryError::NotOffered {
            wanted: self.options.wanted.to_string(),
            offered: format!("{offered} ({})", offered.era()),
        })
    }

    fn tell_of(&self, lost: Lost) -> DiscoveryError {
        lost.tell(self.endpoint, self.options)
    }
}

/// Whether silence says nothing about the era.
fn endpoint_waits(endpoint: &Endpoint) -> bool {
    matches!(
        endpoint.scheme.transport(),
        Transport::Http | Transport::Stdio
    )
}

impl Lost {
    /// The sentence for it.
    pub(super) fn tell(self, endpoint: &Endpoint, options: &Options) -> DiscoveryError {
        let address = address(endpoint);
        match self {
            Self::Fatal(error) => error,
            Self::Closed(detail) if endpoint.scheme.transport() == Transport::Stdio => {
                DiscoveryError::ChildGone { detail }
            }
            Self::Closed(detail) => DiscoveryError::Closed { address, detail },
            Self::Silent => DiscoveryError::NoAnswer {
                address,
                seconds: options.timeout.as_secs_f64().ceil() as u64,
                hint: if endpoint.scheme.transport() == Transport::Ws && !options.ws_append_newline
                {
                    ", such as a line feed behind each message (--ws-append-newline)"
                } else {
                    ""
                },
            },
        }
    }
}
