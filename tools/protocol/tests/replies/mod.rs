//! Feeds answers to `Reply` in pieces and writes down what comes out.
#![allow(dead_code)] // each test program uses a part of it

mod known;

pub use known::known_answers;
use protocol::http::{Content, Event, Limits, Reply};

/// An event with texts of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Head(u16, Content),
    Message(String),
    Named(String, String),
    End { reusable: bool },
    Broken(String),
}

pub fn head(status: u16, content: Content) -> Seen {
    Seen::Head(status, content)
}

pub fn message(text: &str) -> Seen {
    Seen::Message(text.to_owned())
}

pub fn end(reusable: bool) -> Seen {
    Seen::End { reusable }
}

fn own(event: Event<'_>) -> Seen {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match event {
        Event::Head(head) => Seen::Head(head.status, head.content),
        Event::Message(data) => Seen::Message(text(data)),
        Event::Named { kind, data } => Seen::Named(kind.to_owned(), text(data)),
        Event::End { reusable } => Seen::End { reusable },
    }
}

/// Reads the pieces one after another, each from memory of its own as a reused buffer would be, and then
/// the end of the stream.
pub fn read_pieces<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut reply = Reply::new(limits);
    let mut seen = Vec::new();
    for piece in pieces {
        // What is taken is drained at once, so that nothing can be looked at twice.
        let mut buffer = piece.to_vec();
        loop {
            let mut at = 0;
            let more = match reply.next(&buffer, &mut at) {
                Ok(Some(event)) => {
                    seen.push(own(event));
                    true
                }
                Ok(None) => {
                    assert_eq!(at, buffer.len(), "all input is taken when more is wanted");
                    false
                }
                Err(broken) => {
                    seen.push(Seen::Broken(format!("{broken:?}")));
                    assert_eq!(reply.next(b"HTTP/1.1 200 OK\r\n\r\n", &mut 0), Err(broken));
                    return seen;
                }
            };
            buffer.drain(..at);
            if !more {
                break;
            }
        }
    }
    loop {
        match reply.eof() {
            Ok(Some(event)) => seen.push(own(event)),
            Ok(None) => return seen,
            Err(broken) => {
                seen.push(Seen::Broken(format!("{broken:?}")));
                return seen;
            }
        }
    }
}

/// Reads all bytes at once.
pub fn read_whole(bytes: &[u8]) -> Vec<Seen> {
    read_pieces(Limits::default(), [bytes])
}
