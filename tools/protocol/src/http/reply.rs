//! Reads one HTTP/1.1 answer after another from a kept connection and gives the messages in them,
//! whether they come as a JSON body or as server-sent events.

use std::ops::Range;

use super::chunked::{Chunked, Piece};
use super::framing::{Facts, Framing};
use super::{Broken, Content, Event, Head, HeadReader, Limits};
use crate::sse;

/// How much memory for bodies a connection keeps between answers.
const KEPT_BODY_BYTES: usize = 1024 * 1024;

/// How the bytes that follow are to be read.
#[derive(Debug)]
enum State {
    Head,
    /// A body of which so many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    /// The body was given; its end is still to be told.
    Ended,
    Broken(Broken),
}

/// Where the next event is: a loop cannot hand out borrows.
enum Found {
    Head,
    /// A whole body, in the input.
    Input(Range<usize>),
    /// A whole body, in `Reply::body`.
    Body,
    /// A server-sent event.
    Sent(sse::Data),
    End,
}

/// Reads the answers of one connection.
#[derive(Debug)]
pub struct Reply {
    limits: Limits,
    state: State,
    head_reader: HeadReader,
    head: Head,
    /// A body that came in pieces.
    body: Vec<u8>,
    events: sse::Parser,
}

impl Reply {
    /// A reader for a new connection.
    pub fn new(limits: Limits) -> Reply {
        Reply {
            limits,
            state: State::Head,
            head_reader: HeadReader::default(),
            head: Head::default(),
            body: Vec::new(),
            events: sse::Parser::new(sse::Limits::for_event(limits.body_bytes)),
        }
    }

    /// A reader behind a head that somebody else has read, and that refuses an upgrade.
    pub(crate) fn behind(
        parsed: &httparse::Response<'_, '_>,
        limits: Limits,
    ) -> Result<Reply, Broken> {
        let mut reply = Reply::new(limits);
        reply.state = begin(&mut reply.head, parsed)?;
        Ok(reply)
    }

    /// The head of the answer under way, or of the last one.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether no byte of an answer has come since the last one ended.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Head) && self.head_reader.is_idle()
    }

    /// The last `id` in the event stream under way, for `Last-Event-ID`; empty where there was none.
    pub fn last_event_id(&self) -> &str {
        self.events.last_id()
    }

    /// The last `retry` in the event stream under way: how long to wait before asking for the stream
    /// again, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.events.retry_ms()
    }

    /// Takes bytes from `input[*at..]`, advances `*at`, and gives the next event, or `None` when all
    /// input is taken. Bytes before `*at` are never looked at again. Call it until it gives `None`.
    ///
    /// # Errors
    /// When the answer breaks HTTP or a limit; all further calls give the same error.
    pub fn next<'s>(
        &'s mut self,
        input: &'s [u8],
        at: &mut usize,
    ) -> Result<Option<Event<'s>>, Broken> {
        match self.step(input, at) {
            Ok(found) => Ok(found.map(|found| self.event(input, found))),
            Err(broken) => {
                self.state = State::Broken(broken.clone());
                Err(broken)
            }
        }
    }

    /// The stream has ended: gives what that completes (a body without a length, then its `End`), or
    /// `None` between answers. Call it until it gives `None`.
    ///
    /// # Errors
    /// When the end comes in the middle of an answer.
    pub fn eof(&mut self) -> Result<Option<Event<'_>>, Broken> {
        let found = match &self.state {
            State::Head if self.head_reader.is_idle() => return Ok(None),
            State::Head => return Err(Broken::EndedInHead),
            State::Length(_) | State::Chunked(_) => return Err(Broken::EndedInBody),
            State::Broken(broken) => return Err(broken.clone()),
            State::UntilClose if !self.body.is_empty() => {
                self.state = State::Ended;
                Found::Body
            }
            State::UntilClose | State::Ended => {
                self.state = State::Head;
                Found::End
            }
        };
        Ok(Some(self.event(&[], found)))
    }

    fn event<'s>(&'s self, input: &'s [u8], found: Found) -> Event<'s> {
        match found {
            Found::Head => Event::Head(&self.head),
            Found::Input(range) => Event::Message(&input[range]),
            Found::Body => Event::Message(&self.body),
            Found::End => Event::End {
                reusable: self.head.reusable,
            },
            Found::Sent(data) => {
                let sse::Event { kind, data } = self.events.event(input, data);
                if kind == sse::DEFAULT_KIND {
                    Event::Message(data)
                } else {
                    Event::Named { kind, data }
                }
            }
        }
    }

    fn step(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Found>, Broken> {
        loop {
            let here = match &mut self.state {
                State::Head => {
                    if self.read_head(input, at)? {
                        return Ok(Some(Found::Head));
                    }
                    if *at == input.len() {
                        return Ok(None);
                    }
                    continue;
                }
                State::Ended => {
                    self.state = State::Head;
                    return Ok(Some(Found::End));
                }
                State::Broken(broken) => return Err(broken.clone()),
                State::Length(0) => {
                    self.state = State::Ended;
                    if self.body.is_empty() {
                        continue;
                    }
                    return Ok(Some(Found::Body));
                }
                State::Length(left) => {
                    let limit = self.limits.body_bytes;
                    let within = usize::try_from(*left).is_ok_and(|left| left <= limit);
                    if self.head.content != Content::EventStream && !within {
                        return Err(Broken::BodyTooLarge(limit));
                    }
                    let rest = input.len() - *at;
                    *at..*at + usize::try_from(*left).map_or(rest, |left| left.min(rest))
                }
                State::UntilClose => *at..input.len(),
                State::Chunked(chunked) => match chunked.next(input, at)? {
                    None => return Ok(None),
                    Some(Piece::Data(range)) => range,
                    Some(Piece::End) => {
                        // As if a length had been reached.
                        self.state = State::Length(0);
                        continue;
                    }
                },
            };
            if here.is_empty() {
                return Ok(None);
            }
            if let Some(found) = self.take_body(input, at, here)? {
                return Ok(Some(found));
            }
        }
    }

    /// Reads a head; false when more bytes are wanted, or when it was an interim one.
    fn read_head(&mut self, input: &[u8], at: &mut usize) -> Result<bool, Broken> {
        let head = &mut self.head;
        let limit = self.limits.head_bytes;
        let begun = self
            .head_reader
            .next(input, at, limit, |parsed| match parsed.code {
                Some(101) => Err(Broken::UnaskedUpgrade),
                Some(100..200) => Ok(None),
                _ => begin(head, parsed).map(Some),
            })?;
        let Some(Some(state)) = begun else {
            return Ok(false);
        };
        self.state = state;
        self.events.reset();
        self.body.clear();
        // One huge answer shall not hold its memory for the life of the connection.
        self.body.shrink_to(KEPT_BODY_BYTES);
        Ok(true)
    }

    /// Takes the body bytes `input[here]`, or those up to the end of an event.
    fn take_body(
        &mut self,
        input: &[u8],
        at: &mut usize,
        here: Range<usize>,
    ) -> Result<Option<Found>, Broken> {
        if self.head.content == Content::EventStream {
            let mut end = here.start;
            let event = self.events.step(&input[..here.end], &mut end)?;
            self.took(end - here.start);
            *at = end;
            return Ok(event.map(Found::Sent));
        }
        let limit = self.limits.body_bytes;
        if self.body.len() + here.len() > limit {
            return Err(Broken::BodyTooLarge(limit));
        }
        self.took(here.len());
        *at = here.end;
        let is_whole = match &mut self.state {
            State::Length(0) => true,
            State::Chunked(chunked) => self.body.is_empty() && chunked.take_plain_end(input, at),
            _ => false,
        };
        if is_whole && self.body.is_empty() {
            self.state = State::Ended;
            return Ok(Some(Found::Input(here)));
        }
        self.body.extend_from_slice(&input[here]);
        Ok(None)
    }

    fn took(&mut self, bytes: usize) {
        match &mut self.state {
            State::Length(left) => *left -= bytes as u64,
            State::Chunked(chunked) => chunked.took(bytes),
            _ => {}
        }
    }
}

/// Takes a final answer's headers into `head`, and says how its body is to be read.
fn begin(head: &mut Head, parsed: &httparse::Response<'_, '_>) -> Result<State, Broken> {
    let facts = Facts::read(parsed)?;
    head.fill(&facts);
    Ok(match facts.framing {
        Framing::Empty | Framing::Length(0) => State::Ended,
        Framing::Length(length) => State::Length(length),
        Framing::Chunked => State::Chunked(Chunked::new()),
        Framing::UntilClose => State::UntilClose,
    })
}
