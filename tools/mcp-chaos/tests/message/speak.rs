//! Messages as clients and servers write them.

use serde_json::Value;

/// A call of a tool.
pub fn call(id: impl std::fmt::Display, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"message":"hi"}}}}}}"#
    )
}

/// The same as of 2026-07-28.
pub fn modern_call(id: u64, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}}}}"#
    )
}

/// Its result, as server-everything writes it: the id comes last.
pub fn result(id: impl std::fmt::Display) -> String {
    format!(
        r#"{{"result":{{"content":[{{"type":"text","text":"Echo: hi é"}}]}},"jsonrpc":"2.0","id":{id}}}"#
    )
}

/// A notification.
pub const PROGRESS: &str = r#"{"method":"notifications/progress","params":{"progressToken":1,"progress":1},"jsonrpc":"2.0"}"#;

/// A POST with this body; `lines` are more header lines, each with its end.
pub fn post(lines: &str, body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:5555\r\nAccept: application/json, text/event-stream\r\n{lines}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// An answer with a body of JSON.
pub fn json(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The head of a stream in chunks, as Node sends it.
pub const STREAM: &str = "HTTP/1.1 200 OK\r\nX-Powered-By: Express\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n";

/// An event, as server-everything writes it.
pub fn event(id: &str, data: &str) -> String {
    format!("event: message\nid: {id}\ndata: {data}\n\n")
}

/// One chunk.
pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// The end of all chunks.
pub const LAST: &str = "0\r\n\r\n";

/// Reads all messages of the answers in a stream of bytes, as a client's reader does that is not ours to change.
pub fn replies(bytes: &[u8]) -> Vec<Value> {
    let mut reply = protocol::http::Reply::new(protocol::http::Limits::default());
    let (mut at, mut found) = (0, Vec::new());
    while let Some(event) = reply.next(bytes, &mut at).unwrap() {
        if let protocol::http::Event::Message(text) = event {
            found.push(serde_json::from_slice(text).unwrap());
        }
    }
    found
}

/// A server's frame.
pub fn frame(text: &str) -> Vec<u8> {
    let frame = tungstenite::protocol::frame::Frame::message(
        text.to_owned(),
        tungstenite::protocol::frame::coding::OpCode::Data(
            tungstenite::protocol::frame::coding::Data::Text,
        ),
        true,
    );
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

/// A client's frame.
pub fn masked(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    protocol::ws::write_text(&mut bytes, [0x11, 0x7f, 0xfe, 0x03], &[text.as_bytes()]);
    bytes
}

/// Reads the texts of a server's frames with tungstenite.
pub fn frames(bytes: &[u8]) -> Vec<String> {
    let stream = std::io::Cursor::new(bytes.to_vec());
    let mut socket = tungstenite::WebSocket::from_raw_socket(
        ReadOnly(stream),
        tungstenite::protocol::Role::Client,
        None,
    );
    let mut found = Vec::new();
    while let Ok(message) = socket.read() {
        if let tungstenite::Message::Text(text) = message {
            found.push(text.to_string());
        }
    }
    found
}

/// What is written is of no interest.
struct ReadOnly(std::io::Cursor<Vec<u8>>);

impl std::io::Read for ReadOnly {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl std::io::Write for ReadOnly {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        Ok(buf.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An upgrade to WebSocket, asked for and agreed.
pub const UPGRADE: &str = "GET /mcp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mcp\r\n\r\n";
pub const UPGRADED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mcp\r\n\r\n";
