//! Makes of the frames of one stream what an answer over HTTP/1.1 gives: its head, its messages, its end.

use super::fields::Fields;
use crate::http::{Broken, Content, Event, Facts, Head, Limits};
use crate::sse;

/// How much memory for bodies a stream keeps between answers.
const KEPT_BODY_BYTES: usize = 64 * 1024;

/// Where the answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its head is to come.
    Head,
    /// Its body is to come; so much of it, where that is known.
    Body(Option<u64>),
    /// The body was given, where there was any.
    Given,
    /// It is over.
    Over,
}

/// Where the next event is: a loop cannot hand out borrows.
enum Found {
    /// The whole body is the piece that came.
    Piece,
    /// The body, in `Answer::body`.
    Body,
    Sent(sse::Data),
    End,
}

/// Reads the answer of one stream after another.
#[derive(Debug)]
pub struct Answer {
    limits: Limits,
    state: State,
    head: Head,
    body: Vec<u8>,
    events: sse::Parser,
}

impl Answer {
    /// A reader for a new stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Head,
            head: Head::default(),
            body: Vec::new(),
            events: sse::Parser::new(sse::Limits::for_event(limits.body_bytes)),
        }
    }

    /// Begins the answer to another request.
    pub fn reset(&mut self) {
        self.state = State::Head;
    }

    /// The last `id` in the event stream under way, for `Last-Event-ID`; empty where there was none.
    pub fn last_event_id(&self) -> &str {
        self.events.last_id()
    }

    /// The last `retry` in the event stream under way, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.events.retry_ms()
    }

    /// Takes a header list: gives the head of the answer; nothing for an interim answer or trailers. The body's end
    /// must be asked for then, with [`Self::next`], where the list ends the stream.
    ///
    /// # Errors
    /// When it is no head of an answer.
    pub fn headers(&mut self, fields: &Fields) -> Result<Option<&Head>, Broken> {
        if self.state != State::Head {
            return Ok(None);
        }
        let mut fields = fields.iter();
        let status = match fields.next() {
            Some((b":status", value)) => str::from_utf8(value)
                .ok()
                .filter(|text| text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|text| text.parse().ok()),
            _ => None,
        };
        let status: u16 = status.ok_or(Broken::BadHeader("no status in front of all others"))?;
        match status {
            101 => return Err(Broken::UnaskedUpgrade),
            100..200 => return Ok(None),
            0..100 => return Err(Broken::BadHeader("an impossible status")),
            _ => {}
        }
        let mut facts = Facts::of(status);
        for (name, value) in fields {
            let is_name =
                |byte: &u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && *byte != b':';
            if name.is_empty() || !name.iter().all(is_name) {
                return Err(Broken::BadHeader("a name with characters it may not have"));
            }
            if value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
                return Err(Broken::BadHeader("a value with control characters"));
            }
            let name = str::from_utf8(name).unwrap_or_default();
            if matches!(name, "transfer-encoding" | "connection" | "upgrade") {
                return Err(Broken::BadHeader("one that HTTP/2 does not have"));
            }
            facts.header(name, value)?;
        }
        let length = facts.length();
        self.head.fill(&facts);
        self.head.reusable = true;
        self.state = State::Body(length);
        self.events.reset();
        self.body.clear();
        self.body.shrink_to(KEPT_BODY_BYTES);
        Ok(Some(&self.head))
    }

    /// Takes bytes of the body from `data[*at..]`, advances `*at`, and gives the next event; `end` says that no more
    /// comes behind them. Call it until it gives `None`.
    ///
    /// # Errors
    /// When the body is not as long as was said, breaks a limit, or is a broken event stream; the stream is of no use then.
    pub fn next<'s>(
        &'s mut self,
        data: &'s [u8],
        at: &mut usize,
        end: bool,
    ) -> Result<Option<Event<'s>>, Broken> {
        let begin = *at;
        Ok(self.step(data, at, end)?.map(|found| match found {
            Found::Piece => Event::Message(&data[begin..*at]),
            Found::Body => Event::Message(&self.body),
            Found::End => Event::End { reusable: true },
            Found::Sent(found) => {
                let sse::Event { kind, data } = self.events.event(data, found);
                if kind == sse::DEFAULT_KIND {
                    Event::Message(data)
                } else {
                    Event::Named { kind, data }
                }
            }
        }))
    }

    fn step(&mut self, data: &[u8], at: &mut usize, end: bool) -> Result<Option<Found>, Broken> {
        let is_stream = self.head.content == Content::EventStream;
        loop {
            let rest = data.len() - *at;
            match &mut self.state {
                State::Head if rest > 0 || end => {
                    return Err(Broken::BadHeader("no status in front of all others"));
                }
                State::Head | State::Over => return Ok(None),
                State::Given if rest > 0 => return Err(Broken::LengthMismatch),
                State::Given if end => {
                    self.state = State::Over;
                    return Ok(Some(Found::End));
                }
                State::Given => return Ok(None),
                State::Body(left) if is_stream && rest > 0 => {
                    let from = *at;
                    let event = self.events.step(data, at)?;
                    take(left, *at - from)?;
                    if event.is_some() {
                        return Ok(event.map(Found::Sent));
                    }
                }
                State::Body(left) if rest > 0 => {
                    take(left, rest)?;
                    if self.body.len() + rest > self.limits.body_bytes {
                        return Err(Broken::BodyTooLarge(self.limits.body_bytes));
                    }
                    let is_whole = *left == Some(0) || (end && left.is_none());
                    let piece = &data[*at..];
                    *at = data.len();
                    if is_whole {
                        self.state = State::Given;
                        if self.body.is_empty() {
                            return Ok(Some(Found::Piece));
                        }
                        self.body.extend_from_slice(piece);
                        return Ok(Some(Found::Body));
                    }
                    self.body.extend_from_slice(piece);
                }
                State::Body(left) if end => {
                    if left.is_some_and(|left| left > 0) {
                        return Err(Broken::LengthMismatch);
                    }
                    self.state = State::Given;
                    if !is_stream && !self.body.is_empty() {
                        return Ok(Some(Found::Body));
                    }
                }
                State::Body(_) => return Ok(None),
            }
        }
    }
}

/// Takes bytes off what is still to come.
fn take(left: &mut Option<u64>, bytes: usize) -> Result<(), Broken> {
    if let Some(left) = left {
        *left = left
            .checked_sub(bytes as u64)
            .ok_or(Broken::LengthMismatch)?;
    }
    Ok(())
}
