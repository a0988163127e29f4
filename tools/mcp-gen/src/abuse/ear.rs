//! One connection of an act, and what is heard on it, whatever the transport.

use super::came::Came;
use super::pipe::{Moved, Pipe};
use protocol::answer::Incoming;
use protocol::http::{Content, Event, Reply};
use protocol::lines::LineReader;
use protocol::ws::{Frame, FrameReader};
use std::io;

const BUFFER_BYTES: usize = 16 * 1024;

/// How bytes become messages.
pub enum Reader {
    /// WebSocket, once it is agreed on.
    Frames(FrameReader),
    /// TCP and stdio.
    Lines(LineReader),
    /// HTTP, an answer after the other; also before a WebSocket is agreed on.
    Exchange(Box<Exchange>),
}

/// The answer of HTTP that is under way.
pub struct Exchange {
    reply: Reply,
    status: u16,
    session: Option<String>,
    /// Its body is events.
    is_stream: bool,
    /// It is the one stream of HTTP+SSE, on which all answers come.
    is_endless: bool,
    came: Option<Came>,
    /// It has said all that matters, and only its end is to come.
    is_told: bool,
}

/// What is heard.
pub enum Heard {
    /// A JSON-RPC answer outside of HTTP.
    Answer { id: Option<u64>, came: Came },
    /// An answer of HTTP is whole, or has said all that matters.
    Response {
        came: Came,
        session: Option<String>,
        reusable: bool,
    },
    /// Where HTTP+SSE takes requests.
    Endpoint(String),
    /// A WebSocket's close frame.
    Close(Option<u16>),
    /// The connection has ended.
    Closed,
}

impl Reader {
    /// A reader of HTTP answers.
    pub fn exchange(reply: Reply) -> Self {
        Self::Exchange(Box::new(Exchange {
            reply,
            status: 0,
            session: None,
            is_stream: false,
            is_endless: false,
            came: None,
            is_told: false,
        }))
    }

    /// A reader of the stream of HTTP+SSE.
    pub fn stream(reply: Reply) -> Self {
        match Self::exchange(reply) {
            Self::Exchange(exchange) => Self::Exchange(Box::new(Exchange {
                is_endless: true,
                ..*exchange
            })),
            other => other,
        }
    }

    /// Takes from `input[*at..]`; `None` when it says nothing more.
    fn next(&mut self, input: &[u8], at: &mut usize) -> Option<Heard> {
        match self {
            Self::Frames(frames) => loop {
                match frames.next(input, at) {
                    Ok(Some(Frame::Message(text))) => match answer(text) {
                        Some(heard) => return Some(heard),
                        None => continue,
                    },
                    Ok(Some(Frame::Ping(_) | Frame::Pong)) => {}
                    Ok(Some(Frame::Close(code, _))) => return Some(Heard::Close(code)),
                    Ok(None) => return None,
                    Err(_) => return Some(Heard::Closed),
                }
            },
            Self::Lines(lines) => loop {
                match lines.next(input, at) {
                    Ok(Some(line)) => match answer(line) {
                        Some(heard) => return Some(heard),
                        None => continue,
                    },
                    Ok(None) => return None,
                    Err(_) => return Some(Heard::Closed),
                }
            },
            Self::Exchange(exchange) => exchange.next(input, at),
        }
    }

    fn at_end(&mut self) -> Heard {
        if let Self::Exchange(exchange) = self {
            while let Ok(Some(event)) = exchange.reply.eof() {
                if let Event::Message(body) = event {
                    exchange.came = Some(Came::response(exchange.status, body));
                }
            }
            if let Some(came) = exchange.came.take() {
                return exchange.response(came, false);
            }
        }
        Heard::Closed
    }
}

impl Exchange {
    fn next(&mut self, input: &[u8], at: &mut usize) -> Option<Heard> {
        loop {
            match self.reply.next(input, at) {
                Ok(None) => return None,
                // What breaks HTTP cannot be read on.
                Err(_) => return Some(Heard::Closed),
                Ok(Some(Event::Head(head))) => {
                    self.status = head.status;
                    self.session.clone_from(&head.session);
                    self.is_stream = head.content == Content::EventStream;
                    (self.came, self.is_told) = (None, false);
                }
                Ok(Some(Event::Named { kind, data })) => {
                    if kind == "endpoint" {
                        let path = String::from_utf8_lossy(data).into_owned();
                        return Some(Heard::Endpoint(path));
                    }
                }
                Ok(Some(Event::Message(text))) if self.is_stream => match answer(text) {
                    Some(Heard::Answer { came, .. }) if !self.is_endless => {
                        // Some servers let the stream stand behind the answer.
                        self.is_told = true;
                        return Some(self.response(came, false));
                    }
                    Some(heard) => return Some(heard),
                    None => {}
                },
                Ok(Some(Event::Message(body))) => {
                    self.came = Some(Came::response(self.status, body));
                }
                Ok(Some(Event::End { reusable })) => {
                    if std::mem::take(&mut self.is_told) {
                        continue;
                    }
                    let came = self.came.take();
                    let came = came.unwrap_or_else(|| Came::response(self.status, b""));
                    return Some(self.response(came, reusable));
                }
            }
        }
    }

    fn response(&mut self, came: Came, reusable: bool) -> Heard {
        Heard::Response {
            came,
            session: self.session.take(),
            reusable,
        }
    }
}

/// A message that is an answer; all else is none of an act's business.
fn answer(text: &[u8]) -> Option<Heard> {
    match protocol::answer::read(text) {
        Ok(Incoming::Answer { id, outcome }) => Some(Heard::Answer {
            id,
            came: Came::answer(outcome),
        }),
        _ => None,
    }
}

/// One connection.
pub struct Ear {
    pub pipe: Pipe,
    pub reader: Reader,
    buffer: Vec<u8>,
    /// What was read and not taken: `buffer[at..filled]`.
    at: usize,
    filled: usize,
}

impl Ear {
    /// A fresh connection.
    pub fn new(pipe: Pipe, reader: Reader) -> Self {
        Self {
            pipe,
            reader,
            buffer: vec![0; BUFFER_BYTES],
            at: 0,
            filled: 0,
        }
    }

    /// What was read and not taken.
    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.at..self.filled]
    }

    /// Somebody else has taken so many bytes.
    pub fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Somebody else has taken all.
    pub fn skip_all(&mut self) {
        self.at = self.filled;
    }

    /// Reads more, where all was taken; false at the end.
    pub async fn fill(&mut self) -> bool {
        let read = self.pipe.read(&mut self.buffer).await;
        (self.at, self.filled) = (0, read.unwrap_or(0));
        self.filled > 0
    }

    /// The next thing that is heard.
    pub async fn hear(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.heard() {
                return heard;
            }
            if !self.fill().await {
                return self.reader.at_end();
            }
        }
    }

    fn heard(&mut self) -> Option<Heard> {
        let heard = self.reader.next(&self.buffer[..self.filled], &mut self.at);
        // Readers take all there is before they say nothing.
        if heard.is_none() {
            self.skip_all();
        }
        heard
    }

    /// Writes some of `bytes`, unless something is heard first.
    ///
    /// # Errors
    /// The connection takes no more.
    pub async fn write_or_hear(&mut self, bytes: &[u8]) -> io::Result<Result<usize, Heard>> {
        loop {
            if let Some(heard) = self.heard() {
                return Ok(Err(heard));
            }
            match self.pipe.move_any(bytes, &mut self.buffer).await? {
                Moved::Wrote(n) => return Ok(Ok(n)),
                Moved::Read(0) => return Ok(Err(self.reader.at_end())),
                Moved::Read(n) => (self.at, self.filled) = (0, n),
            }
        }
    }
}
