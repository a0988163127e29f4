//! Header lines of a request, each of which stays within its line whoever gives it.

use crate::endpoint::Endpoint;

/// What the user of a tool adds to each request.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadOptions<'a> {
    /// The value of `Host`, where it is not that of the endpoint.
    pub host_header: Option<&'a str>,
    /// Further headers. One that we would send ourselves is sent as given here instead.
    pub headers: &'a [(String, String)],
}

/// Why a head cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A name that is no token (RFC 9110 5.1).
    #[error("`{0}` is no header name: use letters, digits and `-`")]
    BadName(String),
    /// A value that would end its line, or hold other control characters.
    #[error("the value of the header {0} holds a line end or another control character")]
    BadValue(String),
    /// A header that says where messages begin and end.
    #[error("the header {0} cannot be given: it is set for each request as its body needs it")]
    Framing(String),
}

/// Headers that decide where a message ends or what is spoken behind it.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "upgrade", "te"];

/// Header lines under construction; refuses whatever would break out of its line.
#[derive(Debug)]
pub(crate) struct HeadLines<'a> {
    text: Vec<u8>,
    options: &'a HeadOptions<'a>,
}

impl<'a> HeadLines<'a> {
    /// A head with its request line, `Host` and `User-Agent`.
    pub(crate) fn new(
        method: &str,
        endpoint: &Endpoint,
        options: &'a HeadOptions<'a>,
    ) -> Result<HeadLines<'a>, HeadError> {
        let mut lines = HeadLines {
            text: format!("{method} {} HTTP/1.1\r\n", endpoint.path).into_bytes(),
            options,
        };
        match options.host_header {
            Some(host) => lines.push("Host", host)?,
            None => lines.own("Host", &endpoint.host_header())?,
        }
        // Firewalls in front of servers refuse requests that name no agent.
        lines.own("User-Agent", concat!("mcpipe/", env!("CARGO_PKG_VERSION")))?;
        Ok(lines)
    }

    /// Whether the user gives this header.
    pub(super) fn is_given(&self, name: &str) -> bool {
        let mut given = self.options.headers.iter();
        given.any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    /// A header of ours, unless the user gives it.
    pub(crate) fn own(&mut self, name: &str, value: &str) -> Result<(), HeadError> {
        if self.is_given(name) {
            return Ok(());
        }
        self.push(name, value)
    }

    /// A header that we must send as it is.
    pub(crate) fn push(&mut self, name: &str, value: &str) -> Result<(), HeadError> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(HeadError::BadName(name.to_owned()));
        }
        if !is_value(value) {
            return Err(HeadError::BadValue(name.to_owned()));
        }
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b": ");
        self.text.extend_from_slice(value.as_bytes());
        self.text.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// The user's headers, without those in `reserved` (lower case), and the lines so far.
    pub(crate) fn finish(mut self, reserved: &[&str]) -> Result<Vec<u8>, HeadError> {
        for (name, value) in self.options.headers {
            let lower = name.to_ascii_lowercase();
            if FRAMING.contains(&lower.as_str()) || reserved.contains(&lower.as_str()) {
                return Err(HeadError::Framing(name.clone()));
            }
            if lower == "host" && self.options.host_header.is_some() {
                continue;
            }
            self.push(name, value)?;
        }
        Ok(self.text)
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a text can stand in a header line without ending it.
pub(super) fn is_value(value: &str) -> bool {
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    !value.bytes().any(is_control)
}
