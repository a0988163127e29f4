//! A conversation over HTTP/2 for set-up work: one connection, one request at a time.

use crate::h2::{Answer, Broken, Frame, Reader, RequestError, Streams};
use crate::http::{self, Event, Limits};

/// What broke.
#[derive(Debug)]
pub(super) enum TalkBroken {
    /// The connection.
    Connection(Broken),
    /// The answer.
    Answer(http::Broken),
    /// The server has broken the stream off, or takes none.
    Refused(&'static str),
}

impl From<Broken> for TalkBroken {
    fn from(broken: Broken) -> Self {
        Self::Connection(broken)
    }
}

impl From<http::Broken> for TalkBroken {
    fn from(broken: http::Broken) -> Self {
        Self::Answer(broken)
    }
}

/// A connection and the request on it.
pub(super) struct Talk {
    reader: Reader,
    streams: Streams,
    answer: Answer,
    stream: u32,
    /// What is to be written.
    pub(super) out: Vec<u8>,
}

impl Talk {
    pub(super) fn new(is_tls: bool) -> Self {
        let streams = Streams::new(is_tls);
        let mut out = Vec::new();
        streams.begin(&mut out);
        Self {
            reader: Reader::default(),
            streams,
            answer: Answer::new(Limits::default()),
            stream: 0,
            out,
        }
    }

    /// Whether another request can follow.
    pub(super) fn is_reusable(&self) -> bool {
        !self.streams.is_over() && self.streams.open_count() == 0
    }

    /// Asks, in the text of HTTP/1.1. Nobody waits for the settings first: any server takes one stream.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<(), RequestError> {
        self.answer.reset();
        self.stream = self.streams.open(0, request, &mut self.out)?.stream;
        Ok(())
    }

    /// Takes in what came, and tells of what it holds of the answer.
    pub(super) fn take(
        &mut self,
        input: &[u8],
        mut note: impl FnMut(Event<'_>),
    ) -> Result<(), TalkBroken> {
        let mut at = 0;
        while let Some(frame) = self.reader.next(input, &mut at)? {
            let out = &mut self.out;
            match frame {
                Frame::Settings(settings) => self.streams.apply(settings, out)?,
                Frame::Ping(payload) => self.streams.pong(payload, out),
                Frame::Window { stream, by } => self.streams.widen(stream, by)?,
                Frame::GoAway { last, .. } => {
                    self.streams.end();
                    if last < self.stream {
                        return Err(TalkBroken::Refused(" (it is going away)"));
                    }
                }
                Frame::Reset { stream, .. } if stream == self.stream => {
                    self.streams.forget(stream);
                    return Err(TalkBroken::Refused(" (it reset the stream)"));
                }
                Frame::Reset { .. } => {}
                Frame::Headers {
                    stream,
                    fields,
                    end,
                    ..
                } => {
                    if self.streams.owner(stream)?.is_some() {
                        if let Some(head) = self.answer.headers(fields)? {
                            note(Event::Head(head));
                        }
                        if end {
                            self.end(&mut note)?;
                        }
                    }
                }
                Frame::Data {
                    stream,
                    data,
                    window,
                    end,
                } => {
                    self.streams.received(stream, window, out)?;
                    if self.streams.owner(stream)?.is_some() {
                        let mut at = 0;
                        while let Some(event) = self.answer.next(data, &mut at, end)? {
                            note(event);
                        }
                        if end {
                            self.streams.close(self.stream, &mut self.out);
                        }
                    }
                }
            }
            while self.streams.go_on(&mut self.out).is_some() {}
        }
        Ok(())
    }

    fn end(&mut self, note: &mut impl FnMut(Event<'_>)) -> Result<(), TalkBroken> {
        while let Some(event) = self.answer.next(&[], &mut 0, true)? {
            note(event);
        }
        self.streams.close(self.stream, &mut self.out);
        Ok(())
    }
}
