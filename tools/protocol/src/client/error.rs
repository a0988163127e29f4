//! Why a server could not be met: one sentence each, with what to do about it.

use thiserror::Error;

/// Why a server could not be met.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// DNS.
    #[error("the name {host:?} cannot be resolved ({reason}): check the URL")]
    NameNotResolved {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// Nobody listens.
    #[error(
        "the connection to {address} was refused: check that the server runs and listens on this port"
    )]
    ConnectionRefused {
        /// Host and port.
        address: String,
    },
    /// No route, or a network that is down.
    #[error("{address} cannot be reached ({reason}): check the address and the network")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// Accepted, then gone without an answer.
    #[error(
        "{address} closed the connection without an answer{detail}: check the port, something else than an MCP server may be listening there"
    )]
    Closed {
        /// Host and port.
        address: String,
        /// What it said about it, in brackets, or nothing.
        detail: String,
    },
    /// A child that could not be started.
    #[error("the command cannot be started: {reason}")]
    NotStarted {
        /// What stood in the way.
        reason: String,
    },
    /// A child that ended, or closed its stdout, without an answer.
    #[error(
        "the command closed its stdout without an answer{detail}: run it by hand and see what it says"
    )]
    ChildGone {
        /// What it said before, in brackets, or nothing.
        detail: String,
    },
    /// Silence.
    #[error(
        "no answer from {address} within {seconds} s: give it longer with --timeout, or check the port; the server may also wait for something else{hint}"
    )]
    NoAnswer {
        /// Host and port.
        address: String,
        /// How long we waited.
        seconds: u64,
        /// One more thing that it could be, or nothing.
        hint: &'static str,
    },
    /// A certificate that is not trusted.
    #[error(
        "the certificate of {address} is not trusted ({reason}): name its authority with --ca-file, or trust anybody with --insecure"
    )]
    BadCertificate {
        /// Host and port.
        address: String,
        /// What TLS says.
        reason: String,
    },
    /// TLS spoken to a server without.
    #[error("{address} does not speak TLS: write http:// or ws:// instead of https:// or wss://")]
    NotTls {
        /// Host and port.
        address: String,
    },
    /// Plain text spoken to a TLS server.
    #[error("{address} wants TLS: write https:// or wss:// instead of http:// or ws://")]
    TlsExpected {
        /// Host and port.
        address: String,
    },
    /// HTTP/1.1 only, where HTTP/2 is asked for.
    #[error("{address} does not speak HTTP/2: leave --http2 always away")]
    NotHttp2 {
        /// Host and port.
        address: String,
    },
    /// Any other trouble with TLS.
    #[error("TLS with {address} failed ({reason}): check the port and the server's TLS settings")]
    Tls {
        /// Host and port.
        address: String,
        /// What TLS says.
        reason: String,
    },
    /// 401.
    #[error(
        "the server wants to know who is asking (HTTP 401{said}): give it a token with --header 'Authorization: Bearer …'"
    )]
    Unauthorized {
        /// What it said about it, after a colon, or nothing.
        said: String,
    },
    /// 403.
    #[error(
        "the server forbids the request (HTTP 403{said}): it may want --header 'Authorization: Bearer …', another Origin, or another Host (--host-header)"
    )]
    Forbidden {
        /// What it said about it, after a colon, or nothing.
        said: String,
    },
    /// 421, or 403 that speaks of the host.
    #[error(
        "the server does not accept Host {host:?} (HTTP {status}): send one that it knows with --host-header, or allow this one at the server"
    )]
    HostRefused {
        /// What we sent.
        host: String,
        /// 421 or 403.
        status: u16,
    },
    /// 404 or 405.
    #[error(
        "the server has no MCP at {path} (HTTP {status}{said}): the path may be wrong; many servers use /mcp"
    )]
    WrongPath {
        /// The path of the URL.
        path: String,
        /// 404 or 405.
        status: u16,
        /// What it said about it, after a colon, or nothing.
        said: String,
    },
    /// 3xx, which is not followed.
    #[error("the server redirects to {location:?} (HTTP {status}): use that URL")]
    Redirected {
        /// Where to.
        location: String,
        /// The status.
        status: u16,
    },
    /// Any other status.
    #[error("the server answers HTTP {status}{said}: see its log for the reason")]
    Status {
        /// The status.
        status: u16,
        /// What it said about it, after a colon, or nothing.
        said: String,
    },
    /// HTTP or WebSocket, but no MCP.
    #[error(
        "the server answers, but not in MCP ({said}): check host, port and path; many servers use /mcp"
    )]
    NotMcp {
        /// What it said instead.
        said: String,
    },
    /// Neither HTTP nor WebSocket.
    #[error("{address} does not speak HTTP (it sent {said:?}): check the port")]
    NotHttp {
        /// Host and port.
        address: String,
        /// The beginning of what it sent.
        said: String,
    },
    /// An HTTP or WebSocket answer that breaks off or breaks the rules.
    #[error("the answer of {address} cannot be read: {reason}")]
    BrokenAnswer {
        /// Host and port.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No WebSocket there.
    #[error(
        "the server refuses the upgrade to WebSocket at {path} (HTTP {status}{said}): check the path and the credentials (--header 'Authorization: Bearer …'), or use http:// if it speaks Streamable HTTP"
    )]
    UpgradeRefused {
        /// The path of the URL.
        path: String,
        /// The status.
        status: u16,
        /// What it said about it, after a colon, or nothing.
        said: String,
    },
    /// A broken WebSocket handshake.
    #[error("the upgrade to WebSocket failed: {reason}")]
    UpgradeFailed {
        /// What is wrong with it.
        reason: String,
    },
    /// The server speaks MCP, but not what was asked for.
    #[error(
        "the server does not speak {wanted}, but {offered}: leave --protocol away or give it one of these"
    )]
    NotOffered {
        /// What was asked for.
        wanted: String,
        /// What it speaks.
        offered: String,
    },
    /// A revision that nobody has heard of.
    #[error(
        "the server speaks the revision {got:?}, which is not known here: see whether it can be told to speak 2025-11-25"
    )]
    UnknownRevision {
        /// What it speaks.
        got: String,
    },
    /// A JSON-RPC error to `initialize`.
    #[error(
        "the server refuses to be initialized (error {code}: {message}): check that the URL is that of an MCP server"
    )]
    InitializeRefused {
        /// The code.
        code: i64,
        /// The message.
        message: String,
    },
    /// A list that the server announces and does not give.
    #[error(
        "the server answers {method} with {said}, {tries} times in a row, so what it offers is not known: see its log for the reason"
    )]
    ListFailed {
        /// `tools/list` and so on.
        method: String,
        /// What came the last time.
        said: String,
        /// How often it was asked for.
        tries: u32,
    },
    /// A header of ours or of the user that cannot be sent.
    #[error("{0}")]
    BadHeader(String),
}

impl DiscoveryError {
    /// A short code for records, in snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NameNotResolved { .. } => "name_not_resolved",
            Self::ConnectionRefused { .. } => "connection_refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Closed { .. } => "connection_closed",
            Self::NotStarted { .. } => "not_started",
            Self::ChildGone { .. } => "child_gone",
            Self::NoAnswer { .. } => "no_answer",
            Self::BadCertificate { .. } => "bad_certificate",
            Self::NotTls { .. } => "not_tls",
            Self::TlsExpected { .. } => "tls_expected",
            Self::NotHttp2 { .. } => "not_http2",
            Self::Tls { .. } => "tls_failed",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::HostRefused { .. } => "host_refused",
            Self::WrongPath { .. } => "wrong_path",
            Self::Redirected { .. } => "redirected",
            Self::Status { .. } => "http_status",
            Self::NotMcp { .. } => "not_mcp",
            Self::NotHttp { .. } => "not_http",
            Self::BrokenAnswer { .. } => "broken_answer",
            Self::UpgradeRefused { .. } => "upgrade_refused",
            Self::UpgradeFailed { .. } => "upgrade_failed",
            Self::NotOffered { .. } => "protocol_not_offered",
            Self::UnknownRevision { .. } => "unknown_revision",
            Self::InitializeRefused { .. } => "initialize_refused",
            Self::ListFailed { .. } => "list_failed",
            Self::BadHeader(_) => "bad_header",
        }
    }

    /// Whether the server took part: it is there, and said something that we did not like.
    pub(super) fn is_an_answer(&self) -> bool {
        matches!(
            self,
            Self::InitializeRefused { .. }
                | Self::UnknownRevision { .. }
                | Self::WrongPath { .. }
                | Self::Status { .. }
                | Self::NotMcp { .. }
        )
    }

    /// What an HTTP status means that no message explains. `host` is what we sent as `Host`.
    pub(super) fn of_status(
        status: u16,
        said: &str,
        location: Option<&str>,
        host: &str,
        path: &str,
    ) -> Self {
        let speaks_of_host = said.to_ascii_lowercase().contains("host");
        let said = match said {
            "" => String::new(),
            said => format!(": {said}"),
        };
        match (status, location) {
            (300..=399, Some(location)) => Self::Redirected {
                location: location.to_owned(),
                status,
            },
            (401, _) => Self::Unauthorized { said },
            (421, _) => Self::HostRefused {
                host: host.to_owned(),
                status,
            },
            (403, _) if speaks_of_host => Self::HostRefused {
                host: host.to_owned(),
                status,
            },
            (403, _) => Self::Forbidden { said },
            (404 | 405, _) => Self::WrongPath {
                path: path.to_owned(),
                status,
                said,
            },
            // It knows no POST at all, as a server of files.
            (501, _) => Self::NotMcp {
                said: format!("HTTP 501{said}"),
            },
            _ => Self::Status { status, said },
        }
    }
}

/// What the body of an HTTP answer comes down to: the message of a JSON-RPC error, the title of a web page, else its
/// beginning.
pub(super) fn gist(body: &[u8]) -> String {
    let error = serde_json::from_slice::<serde_json::Value>(body);
    if let Ok(json) = error
        && let Some(message) = json.pointer("/error/message").and_then(|m| m.as_str())
    {
        return excerpt(message.as_bytes());
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let title = text
        .trim_start()
        .starts_with('<')
        .then(|| text.split_once("<title>")?.1.split_once("</title>"))
        .flatten();
    match title {
        Some((title, _)) => format!("a web page titled {:?}", excerpt(title.as_bytes())),
        None => excerpt(body),
    }
}

/// The beginning of what a server said, fit for a sentence.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const MAX_CHARS: usize = 120;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_CHARS)]);
    let mut words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|letter| !letter.is_control());
    if words.chars().count() > MAX_CHARS {
        words = words.chars().take(MAX_CHARS).collect();
        words.push('…');
    }
    words
}
