//! Asking mcp-gen over HTTP, byte by byte, so that a test also can ask wrongly.

use crate::PATIENCE;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Sends a whole request, and gives the status and the body of the answer.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn ask(address: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let patience = stream.set_read_timeout(Some(PATIENCE));
    patience.expect("a socket can wait");
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    read.expect("an answer comes");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (status.expect("a status"), body.to_owned())
}

/// A request with a body, as `curl` would send it.
#[must_use]
pub fn request(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a request without more headers is answered with.
///
/// # Panics
/// Where that is no JSON.
#[must_use]
pub fn json(address: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, text) = ask(address, &request(address, method, path, "", body));
    (
        status,
        serde_json::from_str(&text).expect("the answer is JSON"),
    )
}
