//! Splits the requests or the answers of one connection. What follows a head, the conversation says.

use super::super::way::{Kind, Step};
use super::super::{Side, Unsplit};
use super::chunks::{Chunks, Part};
use super::event_ends::EventEnds;
use super::head::Framing;
use super::head_end::HeadEnd;

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Chunks),
    UntilClose,
    /// A stream of events, in chunks or up to the end of the connection.
    Events(Option<Chunks>, EventEnds),
}

/// Where the splitter stands.
#[derive(Debug)]
pub(in super::super) struct Http {
    head: HeadEnd,
    state: State,
}

impl Http {
    /// A splitter for what comes from this side.
    pub(in super::super) const fn new(from: Side) -> Self {
        Self {
            head: HeadEnd::new(from),
            state: State::Head,
        }
    }

    /// Says what follows the head that was found last; true where that is nothing.
    pub(in super::super) fn body(&mut self, framing: Framing) -> bool {
        self.state = match framing {
            Framing::Empty | Framing::Length(0) => State::Head,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Chunks::new()),
            Framing::UntilClose => State::UntilClose,
        };
        matches!(self.state, State::Head)
    }

    /// The same for a stream of events, whose events are units of their own.
    pub(in super::super) fn events(&mut self, chunked: bool) {
        self.state = State::Events(chunked.then(Chunks::new), EventEnds::new());
    }

    pub(in super::super) fn next(&mut self, input: &[u8]) -> Result<(usize, Step), Unsplit> {
        match &mut self.state {
            State::Head => {
                let (length, over) = self.head.next(input)?;
                Ok((length, if over { Step::Head } else { Step::Within }))
            }
            State::Length(left) => {
                let here = (*left).min(input.len() as u64);
                *left -= here;
                let over = *left == 0;
                Ok((here as usize, self.over(over, Kind::Whole)))
            }
            State::Chunked(chunks) => {
                let mut at = 0;
                while at < input.len() {
                    match chunks.next(&input[at..])? {
                        Part::Framing(n) | Part::ChunkEnd(n) | Part::Data(n) => at += n,
                        Part::Done(n) => return Ok((at + n, self.over(true, Kind::Whole))),
                    }
                }
                Ok((at, Step::Within))
            }
            State::UntilClose => Ok((input.len(), Step::Within)),
            State::Events(None, ends) => Ok(match ends.next(input) {
                Some(end) => (end, Step::Over(Kind::Events)),
                None => (input.len(), Step::Within),
            }),
            State::Events(Some(chunks), ends) => {
                let mut at = 0;
                while at < input.len() {
                    match chunks.next(&input[at..])? {
                        Part::Framing(n) => at += n,
                        Part::Data(n) => {
                            let mut data = &input[at..at + n];
                            while let Some(end) = ends.next(data) {
                                data = &data[end..];
                            }
                            at += n;
                        }
                        // Only here can other chunks stand in the place of these.
                        Part::ChunkEnd(n) if ends.is_between() => {
                            return Ok((at + n, Step::Over(Kind::Events)));
                        }
                        Part::ChunkEnd(n) => at += n,
                        Part::Done(n) => return Ok((at + n, self.over(true, Kind::End))),
                    }
                }
                Ok((at, Step::Within))
            }
        }
    }

    pub(in super::super) const fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head)
    }

    /// Whether a body is under way that ends with the connection.
    pub(in super::super) const fn ends_with_connection(&self) -> bool {
        matches!(self.state, State::UntilClose)
    }

    fn over(&mut self, over: bool, kind: Kind) -> Step {
        if over {
            self.state = State::Head;
            Step::Over(kind)
        } else {
            Step::Within
        }
    }
}
