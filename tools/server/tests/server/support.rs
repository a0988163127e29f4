//! A server in a thread of its own, and clients simple enough to be believed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::{Door, Options, ServeError};
use tokio::sync::oneshot;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

/// Longer than anything here takes, so that a hang is a failure and no wait is a guess.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, stopped when it is dropped.
pub struct Running {
    pub address: SocketAddr,
    /// Where lines are spoken.
    pub lines: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Running {
    pub fn start(options: Options) -> Self {
        let (tell_address, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let http = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let lines = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let addresses = [&http, &lines].map(|listener| listener.local_addr().unwrap());
                tell_address.send(addresses).unwrap();
                let doors = vec![Door::Http(http), Door::Lines(lines)];
                server::serve(doors, options, async {
                    let _ = stopped.await;
                })
                .await
            })
        });
        let [address, lines] = address.recv_timeout(PATIENCE).unwrap();
        Self {
            address,
            lines,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Stops it and says how that went.
    pub fn stop(mut self) -> Result<(), ServeError> {
        self.halt().unwrap()
    }

    fn halt(&mut self) -> Option<Result<(), ServeError>> {
        drop(self.stop.take());
        self.thread.take().map(|thread| thread.join().unwrap())
    }

    pub fn http(&self) -> Http {
        Http::new(self.address)
    }

    /// One request on a connection of its own.
    pub fn post(&self, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.http().post(headers, &body.to_string())
    }

    /// The id of a new legacy session.
    pub fn session(&self, version: &str) -> String {
        let reply = self.post(&[], &initialize(1, version));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.header("mcp-session-id").unwrap().to_owned()
    }

    /// A WebSocket with the subprotocol `mcp`.
    pub fn websocket(&self) -> Ws {
        let mut request = format!("ws://{}/mcp", self.address)
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", "mcp".parse().unwrap());
        let (socket, _) = tungstenite::client(request, connect(self.address)).unwrap();
        Ws(socket)
    }

    /// The value of a series of `/metrics`, 0 where it is not shown.
    pub fn metric(&self, series: &str) -> f64 {
        let page = self.http().send("GET", "/metrics", &[], "").text();
        page.lines()
            .find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
            .unwrap_or(0.0)
    }

    /// Waits until a series has a value.
    pub fn until_metric(&self, series: &str, value: f64) {
        until(&format!("{series} = {value}"), || {
            self.metric(series) == value
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.halt();
    }
}

/// Polls for a condition, with patience.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// An HTTP/1.1 connection.
pub struct Http {
    pub stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Http {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            stream: BufReader::new(connect(address)),
        }
    }

    /// A POST to `/mcp` with the headers that every client sends, unless they are given.
    pub fn post(&mut self, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send("POST", "/mcp", &with_defaults(headers), body)
    }

    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        self.write(method, path, headers, body);
        self.read()
    }

    pub fn write(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += "host: localhost\r\n";
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(head.as_bytes()).unwrap();
    }

    pub fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line
            .split(' ')
            .nth(1)
            .unwrap_or_else(|| panic!("no status in {line:?}"))
            .parse()
            .unwrap();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
                None => return (status, headers),
            }
        }
    }

    pub fn read(&mut self) -> Reply {
        let (status, headers) = self.head();
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        if reply.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                reply.body.extend(chunk);
            }
        } else if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut reply.body).unwrap();
        }
        reply
    }

    /// The next chunk of a body; `None` at its end.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        chunk.truncate(length);
        (length > 0).then_some(chunk)
    }

    /// Whether the other side has closed.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 1]), Ok(0) | Err(_))
    }
}

fn with_defaults<'a>(headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = headers.to_vec();
    for default in [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ] {
        if !headers.iter().any(|(name, _)| *name == default.0) {
            all.push(default);
        }
    }
    // An empty value stands for "leave it out".
    all.retain(|(_, value)| !value.is_empty());
    all
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The messages of an event stream.
    pub fn events(&self) -> Vec<Value> {
        assert_eq!(
            self.header("content-type"),
            Some("text/event-stream"),
            "{self:?}"
        );
        self.text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    pub fn code(&self) -> i64 {
        self.json()["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error in {self:?}"))
    }
}

/// A WebSocket.
pub struct Ws(pub WebSocket<TcpStream>);

impl Ws {
    pub fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string());
    }

    pub fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    pub fn receive(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("no text: {other:?}"),
            }
        }
    }

    pub fn call(&mut self, message: &Value) -> Value {
        self.send(message);
        self.receive()
    }

    /// The code of the close frame that ends the connection.
    pub fn close_code(&mut self) -> u16 {
        loop {
            match self.0.read() {
                Ok(Message::Close(Some(frame))) => return frame.code.into(),
                Ok(Message::Close(None)) => return 1005,
                Ok(_) => {}
                Err(error) => panic!("closed without a word: {error}"),
            }
        }
    }
}

pub fn initialize(id: u64, version: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
}

pub fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub fn tool(id: u64, name: &str, arguments: Value) -> Value {
    request(
        id,
        "tools/call",
        json!({"name": name, "arguments": arguments}),
    )
}

pub fn echo(id: u64) -> Value {
    tool(id, "echo", json!({"message": "hello"}))
}

/// The same request as a modern client sends it.
pub fn modern(mut request: Value) -> Value {
    let meta = &mut request["params"]["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
    request
}
