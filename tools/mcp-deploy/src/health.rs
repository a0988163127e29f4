//! Whether a server is well: it answers MCP, or a GET with 2xx where it offers one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use protocol::client::{Options, probe};
use protocol::endpoint::Endpoint;
use protocol::tls::{Roots, client_config};
use protocol::transport::Transport;

use crate::cli::TOOL;

/// As much of an answer as its first line can have.
const STATUS_BYTES: usize = 64;

/// How to ask a server.
pub enum Check {
    /// By a GET of this URL.
    Get(String),
    /// Over MCP at this URL.
    Mcp(String),
}

impl Check {
    /// Asks once.
    ///
    /// # Errors
    /// A sentence that says what the server did instead.
    pub fn ask(&self, timeout: Duration) -> Result<(), String> {
        match self {
            Self::Get(url) => get(url, timeout),
            Self::Mcp(url) => mcp(url, &Asking::within(timeout)).map(drop),
        }
    }
}

/// What a server is asked with.
pub struct Asking {
    /// For everything together.
    pub timeout: Duration,
    /// Names and values, for servers that want to know who is asking.
    pub headers: Vec<(String, String)>,
    /// `Host`, where it is not that of the URL.
    pub host_header: Option<String>,
    /// Whose certificates are trusted, where it speaks TLS.
    pub roots: Roots,
}

impl Asking {
    /// With nothing but a limit.
    pub fn within(timeout: Duration) -> Self {
        Self {
            timeout,
            headers: Vec::new(),
            host_header: None,
            roots: Roots::System,
        }
    }
}

/// Asks in the spec's way of finding out, so that no server is called well that mcp-gen could not talk to, and tells how
/// messages travel there.
/// A session that this begins is ended, too.
///
/// # Errors
/// A sentence that says what the server did instead, and the way out.
pub fn mcp(url: &str, asking: &Asking) -> Result<Transport, String> {
    let endpoint = Endpoint::parse(url).map_err(|error| error.to_string())?;
    // Reading the system's certificates takes a while, which a server without TLS need not wait for.
    let tls = match endpoint.scheme.is_tls() {
        true => Some(
            client_config(asking.roots.clone(), &[b"http/1.1"])
                .map_err(|error| error.to_string())?,
        ),
        false => None,
    };
    let options = Options {
        tls,
        timeout: asking.timeout,
        headers: asking.headers.clone(),
        host_header: asking.host_header.clone(),
        client_name: TOOL.to_owned(),
        ..Options::default()
    };
    match probe(&endpoint, &options) {
        Ok(found) => Ok(found.transport),
        Err(error) => Err(error.to_string()),
    }
}

fn get(url: &str, timeout: Duration) -> Result<(), String> {
    let endpoint = Endpoint::parse(url).map_err(|error| error.to_string())?;
    let status =
        status(&endpoint, timeout).map_err(|error| format!("{url} gives no answer: {error}"))?;
    let mut words = status.split(' ');
    match (words.next(), words.next()) {
        (Some(version), Some(code)) if version.starts_with("HTTP/1.") && code.starts_with('2') => {
            Ok(())
        }
        _ => Err(format!("{url} answers '{}' instead of 2xx", status.trim())),
    }
}

/// The first line of the answer. Plain HTTP/1.1 on a connection of its own: this runs beside a load test.
fn status(endpoint: &Endpoint, timeout: Duration) -> std::io::Result<String> {
    let deadline = Instant::now() + timeout;
    let address = endpoint.resolve()?[0]; // resolve() gives one at least
    let mut connection = TcpStream::connect_timeout(&address, timeout)?;
    connection.set_write_timeout(Some(timeout))?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: mcp-deploy\r\nConnection: close\r\n\r\n",
        endpoint.path,
        endpoint.host_header()
    );
    connection.write_all(request.as_bytes())?;
    let mut line = Vec::new();
    let mut bytes = [0; STATUS_BYTES];
    while line.len() < STATUS_BYTES && !line.contains(&b'\n') {
        let left = deadline.saturating_duration_since(Instant::now());
        connection.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match connection.read(&mut bytes)? {
            0 => break,
            count => line.extend_from_slice(&bytes[..count]),
        }
    }
    let text = String::from_utf8_lossy(&line);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
