//! Answers over HTTP that are streams of events: each event is judged for itself, and a stream may end too early.

use super::Side;
use super::answer::Verdict;
use super::conversation::{Conversation, Handled, Now};
use super::http::{self, Event, Framing};
use super::judge::Source;

impl Conversation {
    /// The head of a stream.
    pub(super) fn stream_begins(
        &mut self,
        raw: Option<&[u8]>,
        held: bool,
        now: &mut Now<'_>,
    ) -> Handled {
        let (Some(head), true) = (raw, held) else {
            return Handled::Plain;
        };
        if self.reply.is_some_and(|reply| reply.swallowed) {
            return Handled::Done;
        }
        let wrong = self.wrong_head(head, now);
        let close = self.cut(0, now);
        if wrong.is_none() && close.is_none() {
            return Handled::Plain;
        }
        self.pass(Side::Server, wrong.as_deref().unwrap_or(head), now);
        if let Some(reset) = close {
            self.close(now, now.us, reset);
        }
        Handled::Done
    }

    /// Some events of a stream.
    pub(super) fn reply_events(
        &mut self,
        raw: Option<&[u8]>,
        held: bool,
        now: &mut Now<'_>,
    ) -> Handled {
        let (Some(raw), Some(reply)) = (raw, self.reply) else {
            return Handled::Plain;
        };
        let chunked = reply.framing == Framing::Chunked;
        let data = chunked.then(|| http::unchunked(raw).0);
        let dress = |event: &[u8]| match chunked {
            true => http::chunk(event),
            false => event.to_vec(),
        };
        let is_get = self.is_get();
        let source = if is_get {
            Source::Stream
        } else {
            Source::Event
        };
        let mut parts = Vec::new();
        let mut plain = self.held.is_empty();
        let mut close = None;
        for raw in http::events(data.as_deref().unwrap_or(raw)) {
            let event = Event::read(raw);
            let verdict = match event.kind {
                _ if event.data.is_empty() => Verdict::default(),
                Some(b"endpoint") if is_get => {
                    let address = String::from_utf8_lossy(&event.data);
                    let before = self.stream.replace(now.rules.streams.open(&address));
                    if let Some(before) = before.filter(|key| Some(*key) != self.stream) {
                        now.rules.streams.close(before);
                    }
                    Verdict::default()
                }
                _ => self.judge(&event.data, source, held, now),
            };
            plain &= verdict.is_plain();
            let mut bytes = match &verdict.text {
                Some(text) => dress(&event.with(text)),
                None => dress(raw),
            };
            if verdict.dropped {
                bytes.clear();
                if let Some(exchange) = self.exchanges.front() {
                    exchange.lost = true;
                }
            }
            parts.push((bytes, verdict));
            if held && !event.data.is_empty() {
                close = self.cut(1, now);
            }
            if close.is_some() {
                break;
            }
        }
        if !held || plain && close.is_none() {
            return Handled::Plain;
        }
        for (bytes, verdict) in parts {
            self.deliver(bytes, &verdict, now);
        }
        if let Some(reset) = close {
            self.release(now);
            let at = self.server.outlet.latest_us().max(now.us);
            self.close(now, at, reset);
        }
        Handled::Done
    }

    /// The last bytes of a stream, which come behind all answers in it, and not at all where one of them was left away.
    pub(super) fn stream_ends(&mut self, now: &mut Now<'_>) -> Handled {
        self.release(now);
        self.server.outlet.settle();
        let is_get = self.is_get();
        let lost = self.exchanges.front().is_some_and(|exchange| exchange.lost);
        if lost && !is_get {
            self.server.outlet.muted = true;
            return Handled::Done;
        }
        Handled::Plain
    }

    /// Events of which all have come; and whether the connection ends with them, by RST or not.
    pub(super) fn whole_events(
        &mut self,
        text: &[u8],
        now: &mut Now<'_>,
    ) -> (Verdict, Option<bool>) {
        let mut all = Verdict::default();
        let mut kept = Vec::with_capacity(text.len());
        let mut changed = false;
        let mut close = self.cut(0, now);
        for raw in http::events(text) {
            if close.is_some() {
                break;
            }
            let event = Event::read(raw);
            let verdict = self.judge(&event.data, Source::WholeEvent, true, now);
            all.delay_us = all.delay_us.max(verdict.delay_us);
            all.drip = all.drip.or(verdict.drip);
            all.dropped |= verdict.dropped;
            changed |= verdict.twice || verdict.text.is_some();
            let new = verdict
                .text
                .map_or_else(|| raw.to_vec(), |text| event.with(&text));
            kept.extend_from_slice(&new);
            if verdict.twice {
                kept.extend_from_slice(&new);
            }
            close = self.cut(u64::from(!event.data.is_empty()), now);
        }
        all.text = (changed || close.is_some()).then_some(kept);
        (all, close)
    }

    /// So many events of the stream under way have passed: `Some` where it ends now, by RST or not.
    fn cut(&mut self, events: u64, now: &mut Now<'_>) -> Option<bool> {
        let exchange = self.exchanges.front()?;
        let (key, cut) = exchange.marks.cut.as_mut()?;
        cut.events = cut.events.saturating_sub(events);
        let (key, cut) = (*key, *cut);
        if !now.rules.is_active(key) {
            exchange.marks.cut = None;
        }
        if cut.events > 0 || !now.rules.count(key, Ok(())) {
            return None;
        }
        exchange.marks.cut = None;
        Some(cut.reset)
    }
}
