//! Asks the rules about what the server sends, a message or an array of them, and says what is to become of it.

use super::answer::{Answer, Place, Verdict};
use super::call::{Call, Id};
use super::conversation::{Conversation, Now};
use super::look::{Kind, look};
use protocol::batch;
use std::borrow::Cow;

/// Where a text came from: how to find what it answers, and what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A line or a frame.
    Link,
    /// The body of an answer over HTTP.
    Body,
    /// An event in the answer to a POST.
    Event,
    /// The same, where all events of the answer have come, and pass together.
    WholeEvent,
    /// An event on a stream that a GET has opened.
    Stream,
}

/// All bodies over HTTP may exchange ids.
const HTTP: u64 = u64::MAX;

impl Conversation {
    /// What is to become of a text. Where it has passed already (`held` is false), nothing; but what was asked is
    /// forgotten with its answer.
    pub(super) fn judge(
        &mut self,
        text: &[u8],
        source: Source,
        held: bool,
        now: &mut Now<'_>,
    ) -> Verdict {
        if !batch::is_array(text) {
            return self.one(text, source, held, None, now);
        }
        let Ok(messages) = batch::messages(text) else {
            return Verdict::default();
        };
        let verdicts: Vec<(&[u8], Verdict)> = messages
            .into_iter()
            .map(|message| {
                let verdict = self.one(message, source, held, Some(Place::Batch), now);
                (message, verdict)
            })
            .collect();
        join(text, verdicts)
    }

    fn one(
        &mut self,
        text: &[u8],
        source: Source,
        held: bool,
        place: Option<Place>,
        now: &mut Now<'_>,
    ) -> Verdict {
        let Some(found) = look(text) else {
            return Verdict::default();
        };
        let is_answer = found.kind == Kind::Answer;
        let id = found.id.and_then(Id::of);
        let call = if is_answer {
            self.asked(source, id.as_ref(), now)
        } else {
            let call = Call::of(&found, self.session(), &mut now.rules.names);
            // A request of the server is left alone unless it is named, as a notification is.
            Some(Call {
                notice: true,
                ..call
            })
        };
        let verdict = Verdict {
            is_answer,
            ..Verdict::default()
        };
        let (true, Some(call)) = (held && !now.rules.is_empty(), call) else {
            return verdict;
        };
        let place = place.unwrap_or_else(|| self.place(source));
        let mut answer = Answer {
            text: Cow::Borrowed(text),
            kind: found.kind,
            id,
            call,
            place,
            in_events: matches!(source, Source::Event | Source::WholeEvent | Source::Stream),
            others_wait: !self.held.is_empty(),
            scope: self.scope(source),
            verdict,
        };
        answer.verdict.dropped = call.void;
        now.rules.answer(&mut answer);
        let mut verdict = answer.verdict;
        if let Cow::Owned(text) = answer.text {
            verdict.text = Some(text);
        }
        verdict
    }

    /// What an answer answers. Where nobody has seen that (a stream that was resumed), only its session is known.
    fn asked(&mut self, source: Source, id: Option<&Id>, now: &mut Now<'_>) -> Option<Call> {
        let streams = &mut now.rules.streams;
        let found = match source {
            Source::Link => self.in_flight.take(id?),
            Source::Stream => self.stream.and_then(|key| streams.answered(key, id?)),
            Source::Body | Source::Event | Source::WholeEvent => {
                self.exchanges.front().and_then(|e| e.call(id))
            }
        };
        found.or_else(|| Some(Call::unknown(self.session())))
    }

    /// The session of the exchange under way.
    fn session(&mut self) -> u64 {
        self.exchanges
            .front()
            .map_or(0, |exchange| exchange.session)
    }

    fn place(&mut self, source: Source) -> Place {
        match source {
            Source::Link | Source::Stream => Place::Free,
            Source::Body => Place::Alone,
            Source::WholeEvent => Place::Batch,
            Source::Event => match self.exchanges.front() {
                Some(exchange) if !exchange.is_single() => Place::Free,
                _ => Place::Alone,
            },
        }
    }

    pub(super) fn scope(&self, source: Source) -> u64 {
        match source {
            Source::Link => self.connection,
            Source::Stream => self.stream.unwrap_or(HTTP),
            Source::Body | Source::Event | Source::WholeEvent => HTTP,
        }
    }
}

/// What is to become of an array: its messages come together, and those that are left away leave no gap.
fn join(text: &[u8], verdicts: Vec<(&[u8], Verdict)>) -> Verdict {
    let mut all = Verdict::default();
    let changed = verdicts
        .iter()
        .any(|(_, v)| v.dropped || v.twice || v.text.is_some());
    let mut kept: Vec<u8> = Vec::with_capacity(text.len());
    // Up to the first message, and between each two, as they stand.
    let mut behind = 0;
    let mut count = 0;
    for (message, verdict) in &verdicts {
        let start = message.as_ptr() as usize - text.as_ptr() as usize;
        let between = &text[behind..start];
        behind = start + message.len();
        all.delay_us = all.delay_us.max(verdict.delay_us);
        all.drip = all.drip.or(verdict.drip);
        all.is_answer |= verdict.is_answer;
        if verdict.dropped {
            if count == 0 && kept.is_empty() {
                kept.push(b'[');
            }
            continue;
        }
        let message = verdict.text.as_deref().unwrap_or(message);
        match (count, kept.is_empty()) {
            (0, true) => kept.extend_from_slice(between),
            (0, false) => {}
            _ if between.first() == Some(&b'[') => kept.push(b','),
            _ => kept.extend_from_slice(between),
        }
        kept.extend_from_slice(message);
        count += 1;
        if verdict.twice {
            kept.push(b',');
            kept.extend_from_slice(message);
        }
    }
    kept.extend_from_slice(&text[behind..]);
    all.dropped = count == 0;
    all.text = changed.then_some(kept);
    all
}
