//! A request as HTTP/1.1 writes it, taken apart for HTTP/2: the method, the path, and header lines.

/// Why a request cannot go out over HTTP/2. Those of [`crate::http::PostHead`] and its fellows always can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No request line, or no blank line behind the headers.
    #[error("the request has no whole head, so it cannot be sent over HTTP/2")]
    NoHead,
    /// All stream ids are used up (RFC 9113, 5.1.1).
    #[error("the connection has no stream left: connect anew")]
    NoStreams,
}

/// Headers that speak of one connection of HTTP/1.1, and must not be sent (RFC 9113, 8.2.2), beside those that get
/// another form here.
const OF_THE_CONNECTION: [&str; 6] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// A request's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// The request line and the header lines, each with its CRLF.
    pub head: &'a [u8],
    /// What follows the blank line.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    pub(super) fn read(text: &'a [u8]) -> Result<Self, RequestError> {
        let end = memchr::memmem::find(text, b"\r\n\r\n").ok_or(RequestError::NoHead)?;
        Ok(Self {
            head: &text[..end + 2],
            body: &text[end + 4..],
        })
    }
}

/// The method and the path of a request line.
pub(super) fn method_and_path(line: &[u8]) -> Result<(&[u8], &[u8]), RequestError> {
    let mut words = line.split(|&byte| byte == b' ');
    match (words.next(), words.next()) {
        (Some(method), Some(path)) if !method.is_empty() && !path.is_empty() => Ok((method, path)),
        _ => Err(RequestError::NoHead),
    }
}

/// The name and the value of a header line; `None` for what HTTP/2 does not send.
pub(super) fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let is_left_out = name.is_empty()
        || OF_THE_CONNECTION
            .iter()
            .any(|left_out| name.eq_ignore_ascii_case(left_out.as_bytes()));
    (!is_left_out).then_some((name, value))
}

/// The value of `Host` in header lines.
pub(super) fn host(lines: &[u8]) -> Option<&[u8]> {
    let mut lines = lines.split(|&byte| byte == b'\n');
    lines.find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let is_host = line[..colon].eq_ignore_ascii_case(b"host");
        is_host.then(|| line[colon + 1..].trim_ascii())
    })
}
