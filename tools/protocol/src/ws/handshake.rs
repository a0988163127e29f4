//! The upgrade from HTTP to WebSocket (RFC 6455 4.1), with the leniency that MCP servers need about
//! the subprotocol `mcp` and none about anything else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::UpgradeError;
use crate::endpoint::Endpoint;
use crate::http::{Event, HeadError, HeadLines, HeadOptions, HeadReader, Limits, Reply, has_token};

/// The subprotocol of MCP over WebSocket.
const MCP: &str = "mcp";
/// How much of a refusal's body is kept, in bytes.
const KEPT_BODY_BYTES: usize = 1024;
/// What is appended to the key (RFC 6455 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What the answer to an upgrade must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedAccept {
    accept: String,
    offered: Option<String>,
}

/// The server agreed. Bytes behind the head are frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// What the server answered; `None` also where it let an offer be.
    pub subprotocol: Option<String>,
    /// The server answered `mcp` though nothing was offered, as Python SDK 1.x does. That breaks
    /// RFC 6455, and many client libraries refuse it; here it is taken.
    pub unasked_subprotocol: bool,
    /// Each `Set-Cookie`; see [`crate::cookies::Jar`].
    pub set_cookies: Vec<String>,
}

/// A whole upgrade request. `subprotocol` is nearly always `Some("mcp")`; `key` should be random, since
/// some servers remember keys.
///
/// # Errors
/// When a name or a value of the options cannot stand in a header line.
pub fn upgrade_request(
    endpoint: &Endpoint,
    options: &HeadOptions<'_>,
    subprotocol: Option<&str>,
    key: [u8; 16],
) -> Result<(Vec<u8>, ExpectedAccept), HeadError> {
    let key = STANDARD.encode(key);
    let mut lines = HeadLines::new("GET", endpoint, options)?;
    lines.push("Connection", "Upgrade")?;
    lines.push("Upgrade", "websocket")?;
    lines.push("Sec-WebSocket-Version", "13")?;
    lines.push("Sec-WebSocket-Key", &key)?;
    if let Some(subprotocol) = subprotocol {
        lines.push("Sec-WebSocket-Protocol", subprotocol)?;
    }
    let mut request = lines.finish(&[
        "connection",
        "sec-websocket-version",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-extensions",
    ])?;
    request.extend_from_slice(b"\r\n");
    let expected = ExpectedAccept {
        accept: accept_key(key.as_bytes()),
        offered: subprotocol.map(str::to_owned),
    };
    Ok((request, expected))
}

/// What a server answers to a `Sec-WebSocket-Key` (RFC 6455 4.2.2).
pub fn accept_key(key: &[u8]) -> String {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key);
    sha1.update(GUID.as_bytes());
    STANDARD.encode(sha1.digest().bytes())
}

/// Reads the answer to an upgrade.
#[derive(Debug)]
pub struct Upgrade {
    expected: ExpectedAccept,
    limits: Limits,
    head: HeadReader,
    /// A refusal, of which the body is being read.
    refusal: Option<Reply>,
}

impl Upgrade {
    /// A reader for the answer to the request that `expected` came with.
    pub fn new(expected: ExpectedAccept, limits: Limits) -> Upgrade {
        Upgrade {
            expected,
            limits,
            head: HeadReader::default(),
            refusal: None,
        }
    }

    /// Takes bytes from `input[*at..]`, advances `*at`, and says whether the server agreed; `None`
    /// when more bytes are wanted. What lies behind `*at` then belongs to a
    /// [`FrameReader`](super::FrameReader).
    ///
    /// # Errors
    /// When the server refuses, or agrees to something else; the connection is of no use then.
    pub fn next(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Upgraded>, UpgradeError> {
        while self.refusal.is_none() {
            let (expected, limits) = (&self.expected, self.limits);
            let head = self.head.next(input, at, limits.head_bytes, |parsed| {
                Ok(match parsed.code.unwrap_or_default() {
                    101 => Answer::Switch(agree(parsed, expected)),
                    100..200 => Answer::Interim,
                    _ => Answer::Refusal(Box::new(Reply::behind(parsed, limits)?)),
                })
            })?;
            match head {
                None => return Ok(None),
                Some(Answer::Interim) => {}
                Some(Answer::Switch(upgraded)) => return upgraded.map(Some),
                Some(Answer::Refusal(reply)) => self.refusal = Some(*reply),
            }
        }
        let Some(reply) = &mut self.refusal else {
            return Ok(None);
        };
        let body = match reply.next(input, at) {
            Ok(None) => return Ok(None),
            Ok(Some(Event::Message(body) | Event::Named { data: body, .. })) => beginning(body),
            // A body that cannot be read doesn't change what the status says.
            Ok(Some(_)) | Err(_) => String::new(),
        };
        Err(refused(reply, body))
    }

    /// The stream has ended before [`Upgrade::next`] had an answer: what that means.
    pub fn eof(&mut self) -> UpgradeError {
        let Some(reply) = &mut self.refusal else {
            return UpgradeError::Ended;
        };
        let body = match reply.eof() {
            Ok(Some(Event::Message(body))) => beginning(body),
            _ => String::new(),
        };
        refused(reply, body)
    }
}

enum Answer {
    Interim,
    Switch(Result<Upgraded, UpgradeError>),
    Refusal(Box<Reply>),
}

fn refused(reply: &Reply, body: String) -> UpgradeError {
    UpgradeError::Refused {
        status: reply.head().status,
        location: reply.head().location.clone(),
        body,
    }
}

fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(KEPT_BODY_BYTES)]);
    text.trim().to_owned()
}

/// Checks a 101.
fn agree(
    parsed: &httparse::Response<'_, '_>,
    expected: &ExpectedAccept,
) -> Result<Upgraded, UpgradeError> {
    let named = |name: &str| {
        let headers = parsed.headers.iter();
        let mut found = headers.filter(|header| header.name.eq_ignore_ascii_case(name));
        let first = found.next().map(|header| header.value.trim_ascii());
        (first, found.next().is_some())
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let (upgrade, _) = named("upgrade");
    let has_connection = parsed.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("connection") && has_token(header.value, b"upgrade")
    });
    if !upgrade.is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) || !has_connection {
        return Err(UpgradeError::NotWebSocket);
    }
    let (accept, repeated) = named("sec-websocket-accept");
    if accept != Some(expected.accept.as_bytes()) || repeated {
        return Err(UpgradeError::BadAccept);
    }
    if let (Some(extension), _) = named("sec-websocket-extensions") {
        return Err(UpgradeError::Extension(text(extension)));
    }
    let cookies = parsed.headers.iter();
    let cookies = cookies.filter(|header| header.name.eq_ignore_ascii_case("set-cookie"));
    let set_cookies = cookies.map(|header| text(header.value)).collect();
    let offered = &expected.offered;
    match named("sec-websocket-protocol") {
        (None, _) => Ok(Upgraded {
            subprotocol: None,
            unasked_subprotocol: false,
            set_cookies,
        }),
        (Some(got), false) if offered.as_ref().map_or(MCP, String::as_str).as_bytes() == got => {
            Ok(Upgraded {
                subprotocol: Some(text(got)),
                unasked_subprotocol: offered.is_none(),
                set_cookies,
            })
        }
        (Some(got), _) => Err(UpgradeError::SubprotocolMismatch {
            offered: offered.clone(),
            got: text(got),
        }),
    }
}
