//! Where a server is: the seven kinds of URL that this crate can connect to, taken apart.

use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};

mod scheme;

pub use scheme::Scheme;

/// The longest URL that is looked at, in bytes.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is spoken there.
    pub scheme: Scheme,
    /// A name or an address; an IPv6 address stands here without its brackets. Empty for `stdio`.
    pub host: String,
    /// The TCP port, 1 to 65535; 0 for `stdio`.
    pub port: u16,
    /// Path and query, as sent in the request line; begins with `/`. For `stdio` the command line, as it was typed.
    pub path: String,
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// No `scheme://` in front.
    #[error(
        "`{0}` has no scheme: write it as ws://{0}, wss://{0}, http://{0}, https://{0} or tcp://{0}, or stdio:{0} for a command"
    )]
    NoScheme(String),
    /// A scheme of another protocol.
    #[error("the scheme `{0}` is not spoken here: use ws, wss, http, https, tcp, tcps or stdio")]
    UnknownScheme(String),
    /// `user:password@` in front of the host.
    #[error(
        "the URL carries a user name or password: take it out and send it with --header 'Authorization: …'"
    )]
    UserInfo,
    /// An empty or malformed host.
    #[error(
        "`{0}` is no host: use a name of letters, digits, `-`, `_` and `.`, an IPv4 address, or an IPv6 address in [brackets]"
    )]
    BadHost(String),
    /// A port that is no number from 1 to 65535.
    #[error("`{0}` is no port: use a number from 1 to 65535")]
    BadPort(String),
    /// A port is missing that has no default.
    #[error("{0} has no port of its own: write it behind the host, {0}://HOST:PORT")]
    NoPort(&'static str),
    /// `stdio:` with nothing behind it, or with a line end or another control character in it.
    #[error("`{0:?}` is no command line: write it behind stdio:, as in 'stdio:npx -y some-server'")]
    BadCommand(String),
    /// A character that cannot stand in a request line.
    #[error("the path holds {0:?}: percent-encode it")]
    BadPath(char),
    /// Longer than any server would take.
    #[error("the URL is {0} bytes long: {MAX_URL_BYTES} is the limit")]
    TooLong(usize),
}

impl Endpoint {
    /// Takes a URL apart. A fragment is dropped, since it is never sent.
    ///
    /// # Errors
    /// When the text is no URL of the seven schemes; each error says what to write instead.
    pub fn parse(url: &str) -> Result<Endpoint, EndpointError> {
        if url.len() > MAX_URL_BYTES {
            return Err(EndpointError::TooLong(url.len()));
        }
        if let Some(command) = url.strip_prefix("stdio:") {
            return Endpoint::command(command);
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(EndpointError::NoScheme(url.to_owned()));
        };
        let Some(scheme) = Scheme::parse(scheme) else {
            return Err(EndpointError::UnknownScheme(scheme.to_owned()));
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            // RFC 3986 3.2.3 allows a colon with nothing behind it.
            None | Some("") => scheme
                .default_port()
                .ok_or(EndpointError::NoPort(scheme.as_str()))?,
            Some(digits) => parse_port(digits)?,
        };
        Ok(Endpoint {
            scheme,
            host,
            port,
            path: check_path(path)?,
        })
    }

    /// The server that a command line starts and that speaks over its stdin and stdout.
    ///
    /// # Errors
    /// When there is nothing in it, or a control character.
    pub fn command(line: &str) -> Result<Endpoint, EndpointError> {
        let line = line.trim();
        if line.is_empty() || line.chars().any(char::is_control) {
            return Err(EndpointError::BadCommand(line.to_owned()));
        }
        Ok(Endpoint {
            scheme: Scheme::Stdio,
            host: String::new(),
            port: 0,
            path: line.to_owned(),
        })
    }

    /// What a reference means that was received from this endpoint: a whole URL, `/path`, `?query`
    /// or a relative path. HTTP+SSE servers name their POST address so.
    ///
    /// # Errors
    /// As for [`Endpoint::parse`].
    pub fn join(&self, reference: &str) -> Result<Endpoint, EndpointError> {
        if reference.contains("://") {
            return Endpoint::parse(reference);
        }
        if let Some(rest) = reference.strip_prefix("//") {
            return Endpoint::parse(&format!("{}://{rest}", self.scheme.as_str()));
        }
        let reference = reference.split('#').next().unwrap_or_default();
        let base = self.path.split('?').next().unwrap_or("/");
        let path = if reference.is_empty() {
            self.path.clone()
        } else if reference.starts_with('/') {
            reference.to_owned()
        } else if reference.starts_with('?') {
            format!("{base}{reference}")
        } else {
            let folder = &base[..base.rfind('/').map_or(0, |slash| slash + 1)];
            format!("{folder}{reference}")
        };
        Ok(Endpoint {
            path: check_path(&path)?,
            ..self.clone()
        })
    }

    /// The host as URLs write it: an IPv6 address in brackets.
    fn bracketed_host(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }

    /// The value of the `Host` header: without the scheme's own port (RFC 9110 4.2.3).
    pub fn host_header(&self) -> String {
        let host = self.bracketed_host();
        if Some(self.port) == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// Scheme, host and port, the port always written out, or the command line: the key under which what is known about
    /// a server is kept.
    pub fn origin(&self) -> String {
        if self.scheme == Scheme::Stdio {
            return self.to_string();
        }
        let host = self.bracketed_host().to_ascii_lowercase();
        format!("{}://{host}:{}", self.scheme.as_str(), self.port)
    }

    /// The addresses behind the host, in the resolver's order; none for `stdio`. Blocks while the name is looked up.
    ///
    /// # Errors
    /// When the name is unknown or has no address.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if self.scheme == Scheme::Stdio {
            return Ok(Vec::new());
        }
        let addresses: Vec<_> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("the host {} cannot be found: {error}", self.host),
                )
            })?
            .collect();
        if addresses.is_empty() {
            let sentence = format!("the host {} has no address", self.host);
            return Err(io::Error::new(io::ErrorKind::NotFound, sentence));
        }
        Ok(addresses)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme.as_str();
        if self.scheme == Scheme::Stdio {
            return write!(f, "{scheme}:{}", self.path);
        }
        write!(f, "{scheme}://{}{}", self.host_header(), self.path)
    }
}

fn split_port(authority: &str) -> Result<(String, Option<&str>), EndpointError> {
    let bad = || EndpointError::BadHost(authority.to_owned());
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or_else(bad)?;
        let address: Ipv6Addr = address.parse().map_err(|_| bad())?;
        let port = match after {
            "" => None,
            _ => Some(after.strip_prefix(':').ok_or_else(bad)?),
        };
        return Ok((address.to_string(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    // A second colon is nearly always an IPv6 address without its brackets.
    if port.is_some_and(|port| port.contains(':')) {
        return Err(bad());
    }
    let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if host.is_empty() || host.len() > 253 || !host.bytes().all(is_host_byte) {
        return Err(EndpointError::BadHost(host.to_owned()));
    }
    Ok((host.to_owned(), port))
}

fn parse_port(digits: &str) -> Result<u16, EndpointError> {
    let bad = || EndpointError::BadPort(digits.to_owned());
    // `u16::from_str` takes a leading plus sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(bad()),
        Ok(port) => Ok(port),
    }
}

fn check_path(path: &str) -> Result<String, EndpointError> {
    if let Some(bad) = path.chars().find(|c| !c.is_ascii_graphic()) {
        return Err(EndpointError::BadPath(bad));
    }
    Ok(if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    })
}
