//! A tiny HTTP server that says what a test tells it to say, and remembers what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(got, _)| got.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or("")
    }

    /// A result for this request.
    pub fn result(&self, result: Value) -> String {
        json!({"jsonrpc": "2.0", "id": self.body["id"], "result": result}).to_string()
    }

    /// An error for this request.
    pub fn error(&self, code: i64, message: &str, data: Value) -> String {
        let error = json!({"code": code, "message": message, "data": data});
        json!({"jsonrpc": "2.0", "id": self.body["id"], "error": error}).to_string()
    }
}

/// What to do about it.
pub enum Act {
    /// These bytes, and go on with the connection.
    Send(String),
    /// Close the connection.
    Close,
    /// Say nothing and hold the connection.
    Silence,
}

pub struct Scripted {
    pub address: SocketAddr,
    pub log: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    pub fn methods(&self) -> Vec<String> {
        let requests = self.requests();
        let name = |request: &Request| match request.verb.as_str() {
            "POST" => request.method().to_owned(),
            verb => verb.to_owned(),
        };
        requests.iter().map(name).collect()
    }
}

/// A server that answers each request by `script`.
pub fn serve(
    script: impl Fn(&Request, &Mutex<Vec<Request>>) -> Act + Send + Sync + 'static,
) -> Scripted {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (kept, script) = (Arc::clone(&log), Arc::new(script));
    let address = accept(move |mut stream| {
        while let Some(request) = read_request(&mut stream) {
            kept.lock().unwrap().push(request.clone());
            match script(&request, &kept) {
                Act::Send(text) => {
                    if stream.write_all(text.as_bytes()).is_err() {
                        return;
                    }
                }
                Act::Close => return,
                Act::Silence => {
                    // Until the client hangs up.
                    let _ = stream.read_to_end(&mut Vec::new());
                    return;
                }
            }
        }
    });
    Scripted { address, log }
}

/// A server that hands each connection to `talk`, in a thread of its own.
pub fn accept(talk: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let talk = Arc::new(talk);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let talk = Arc::clone(&talk);
            std::thread::spawn(move || talk(stream));
        }
    });
    address
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let verb = first.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request {
        verb,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

/// A whole response.
pub fn response(status: u16, kind: &str, more: &str, body: &str) -> Act {
    Act::Send(format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}content-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

pub fn json_response(status: u16, body: String) -> Act {
    response(status, "application/json", "", &body)
}

pub fn text_response(status: u16, body: &str) -> Act {
    response(status, "text/plain", "", body)
}
