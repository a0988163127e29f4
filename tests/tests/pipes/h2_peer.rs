//! A small MCP server over HTTP/2, frame by frame, that a test tells where to misbehave.

use pipe_tests::{Hostile, answer};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// `:status: 200` and `content-type: application/json`, without compression.
pub const GOOD_HEAD: &[u8] = b"\x88\x0f\x10\x10application/json";

/// A frame's bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A sane answer.
pub fn sane(stream: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = frame(HEADERS, END_HEADERS, stream, GOOD_HEAD);
    bytes.extend(frame(DATA, END_STREAM, stream, body));
    bytes
}

/// A request that has come whole.
pub struct Asked {
    /// Its stream.
    pub stream: u32,
    /// Its body; `Null` of a DELETE.
    pub message: Value,
    /// The number of its connection, from 0.
    pub connection: u64,
}

/// Serves MCP. `settings` is the payload of the first SETTINGS. Of each `tools/call`, `odd` says what is written instead
/// of a sane answer; `None` ends the connection.
pub fn h2_peer(
    settings: &'static [u8],
    odd: impl Fn(&Asked) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Hostile {
    Hostile::listen(move |mut client, n| {
        // The end of the test is the end of a conversation like any other.
        let _ = converse(&mut client, n, settings, &odd);
    })
}

fn converse(
    client: &mut TcpStream,
    connection: u64,
    settings: &[u8],
    odd: &impl Fn(&Asked) -> Option<Vec<u8>>,
) -> std::io::Result<()> {
    let mut preface = [0; 24];
    client.read_exact(&mut preface)?;
    client.write_all(&frame(SETTINGS, 0, 0, settings))?;
    let mut bodies: HashMap<u32, Vec<u8>> = HashMap::new();
    loop {
        let mut header = [0; 9];
        client.read_exact(&mut header)?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
        let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        let mut payload = vec![0; length];
        client.read_exact(&mut payload)?;
        match header[3] {
            SETTINGS if header[4] & 1 == 0 => client.write_all(&frame(SETTINGS, 1, 0, &[]))?,
            HEADERS => drop(bodies.insert(stream, Vec::new())),
            DATA => {
                bodies.entry(stream).or_default().extend(payload);
                for of in [0, stream] {
                    let more = (length as u32).to_be_bytes();
                    client.write_all(&frame(WINDOW_UPDATE, 0, of, &more))?;
                }
            }
            _ => {}
        }
        let is_request = matches!(header[3], HEADERS | DATA) && header[4] & END_STREAM != 0;
        if !is_request {
            continue;
        }
        let body = bodies.remove(&stream).unwrap_or_default();
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let reply = if message["method"] == "tools/call" {
            let asked = Asked {
                stream,
                message,
                connection,
            };
            match odd(&asked) {
                Some(bytes) => bytes,
                None => return Ok(()),
            }
        } else if message.get("id").is_some() {
            sane(stream, answer(&message, true).to_string().as_bytes())
        } else {
            // 202, without a body.
            frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x08\x03202")
        };
        client.write_all(&reply)?;
    }
}
