//! Answers over HTTP: a body that is one JSON text, or a stream of events, whole or piece by piece.

use super::conversation::{Conversation, Handled, Now};
use super::exchange::Exchange;
use super::header_mismatch;
use super::http::{self, Content, Framing, Verb};
use super::judge::Source;
use super::unit::{Fate, Unit};
use super::way::{Kind, Way};
use super::ws::Frames;
use super::{MAX_MESSAGE_BYTES, Side, Unsplit};

/// The answer under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    head_bytes: usize,
    pub(super) framing: Framing,
    content: Content,
    /// It is thrown away.
    pub(super) swallowed: bool,
    /// Its events are units of their own.
    pub(super) streams: bool,
    /// It is none of ours to read.
    opaque: bool,
}

impl Conversation {
    /// The head of an answer is whole: whether that is all of the unit.
    pub(super) fn reply_head(
        &mut self,
        raw: &[u8],
        unit: &mut Unit,
        now: &mut Now<'_>,
    ) -> Result<bool, Unsplit> {
        let verb = self
            .exchanges
            .front()
            .map_or(Verb::Other, |exchange| exchange.verb);
        let head = http::reply(raw, verb)?;
        if head.status == 101 {
            return self.upgraded(head.extensions);
        }
        let Way::Http(http) = &mut self.server.way else {
            return Err(Unsplit);
        };
        if head.status < 200 {
            http.body(Framing::Empty);
            return Ok(true);
        }
        if verb == Verb::Connect && head.status < 300 {
            return Err(Unsplit);
        }
        let events = head.content == Content::Events && !head.compressed;
        let streams = events && matches!(head.framing, Framing::Chunked | Framing::UntilClose);
        let opaque = head.compressed || head.content == Content::Other;
        let over = if streams {
            http.events(head.framing == Framing::Chunked);
            true
        } else {
            http.body(head.framing)
        };
        if matches!(self.client.way, Way::Waiting) {
            // The upgrade was refused: HTTP goes on.
            self.client.way = Way::Http(Box::new(http::Http::new(Side::Client)));
            self.switched = true;
        }
        let mut reply = Reply {
            head_bytes: raw.len(),
            framing: head.framing,
            content: head.content,
            swallowed: false,
            streams,
            opaque,
        };
        if unit.fate == Fate::Hold && self.replace(now) {
            reply.swallowed = true;
            self.reply = Some(reply);
            if over && !streams {
                return Ok(true);
            }
            unit.let_go(Fate::Swallow);
            return Ok(streams);
        }
        self.reply = Some(reply);
        if unit.fate == Fate::Hold {
            self.miss(events, opaque, now);
            if head.compressed {
                now.rules.blind("compressed");
            }
        }
        let too_large = matches!(head.framing, Framing::Length(n) if n > MAX_MESSAGE_BYTES);
        if !over && (opaque || too_large || unit.fate == Fate::Gone) {
            self.let_go(
                Side::Server,
                unit,
                if too_large { "too_large" } else { "" },
                now,
            );
        }
        Ok(over)
    }

    /// Both sides speak another protocol from here on.
    fn upgraded(&mut self, extensions: bool) -> Result<bool, Unsplit> {
        let asked = self.exchanges.pop().and_then(|exchange| exchange.upgrade);
        if asked != Some(true) || extensions || !matches!(self.client.way, Way::Waiting) {
            return Err(Unsplit);
        }
        self.client.way = Way::Frames(Frames::new(true));
        self.server.way = Way::Frames(Frames::new(false));
        self.switched = true;
        Ok(true)
    }

    /// Passes an error in place of the answer that begins, where a fault wants that.
    fn replace(&mut self, now: &mut Now<'_>) -> bool {
        let Some((key, error)) = self.exchanges.front().and_then(|e| e.marks.replaced) else {
            return false;
        };
        if !now.rules.count(key, Ok(())) {
            return false;
        }
        self.pass(Side::Server, &error.answer(), now);
        true
    }

    /// Counts what a fault cannot do with an answer such as this.
    fn miss(&mut self, events: bool, opaque: bool, now: &mut Now<'_>) {
        let Some(exchange) = self.exchanges.front() else {
            return;
        };
        if !events && let Some((key, _)) = exchange.marks.cut.take() {
            now.rules.count(key, Err("no_stream"));
        }
        if opaque && let Some(key) = exchange.marks.content.take() {
            now.rules.count(key, Err("no_content"));
        }
    }

    /// Whether the answer under way is to a GET.
    pub(super) fn is_get(&mut self) -> bool {
        self.exchanges
            .front()
            .is_some_and(|exchange| exchange.verb == Verb::Get)
    }

    /// A unit of an answer is over that is no run of events.
    pub(super) fn reply_over(
        &mut self,
        kind: Kind,
        raw: Option<&[u8]>,
        held: bool,
        now: &mut Now<'_>,
    ) -> Result<Handled, Unsplit> {
        let Some(reply) = self.reply else {
            // An interim answer, or the one to an upgrade.
            return Ok(Handled::Plain);
        };
        if kind == Kind::Head && reply.streams {
            return Ok(self.stream_begins(raw, held, now));
        }
        let handled = match raw {
            _ if reply.swallowed => Handled::Done,
            _ if kind == Kind::End => self.stream_ends(now),
            Some(raw) if held && !reply.opaque => self.whole(raw, reply, now),
            _ => Handled::Plain,
        };
        self.reply = None;
        if let Some(Exchange { marks, .. }) = self.exchanges.pop()
            && let Some((key, _)) = marks.replaced
            && !reply.swallowed
        {
            now.rules.count(key, Err("too_late"));
        }
        Ok(handled)
    }

    /// A JSON text, or events of which all have come.
    fn whole(&mut self, raw: &[u8], reply: Reply, now: &mut Now<'_>) -> Handled {
        let (head, body) = raw.split_at(reply.head_bytes);
        let chunked = (reply.framing == Framing::Chunked).then(|| http::unchunked(body));
        let text = chunked.as_ref().map_or(body, |(text, _)| text);
        let (verdict, close) = if reply.content == Content::Events {
            self.whole_events(text, now)
        } else {
            (self.judge(text, Source::Body, true, now), None)
        };
        let wrong = self.wrong_head(head, now);
        if verdict.is_plain() && wrong.is_none() {
            return Handled::Plain;
        }
        if verdict.dropped {
            // What came next would be taken for this answer.
            self.server.outlet.muted = true;
            return Handled::Done;
        }
        let mut bytes = wrong.unwrap_or_else(|| head.to_vec());
        match (&verdict.text, &chunked) {
            // The rest of what the head has promised never comes.
            (Some(text), None) if close.is_some() => bytes.extend_from_slice(text),
            (None, _) => bytes.extend_from_slice(body),
            (Some(text), Some((_, last))) => {
                bytes.extend(http::chunk(text));
                bytes.extend_from_slice(&body[*last..]);
            }
            (Some(text), None) => {
                let length = text.len().to_string().into_bytes();
                bytes = http::with(&bytes, "Content-Length", |_| length.clone()).unwrap_or(bytes);
                bytes.extend_from_slice(text);
            }
        }
        let at = self.deliver(bytes, &verdict, now);
        self.server.outlet.not_before(at);
        if let Some(reset) = close {
            self.close(now, at, reset);
        }
        Handled::Done
    }

    /// The head with another Content-Type, where a fault wants that.
    pub(super) fn wrong_head(&mut self, head: &[u8], now: &mut Now<'_>) -> Option<Vec<u8>> {
        let key = self.exchanges.front()?.marks.content.take()?;
        if !now.rules.is_active(key) {
            return None;
        }
        let changed = header_mismatch::reply(head);
        now.rules
            .count(key, changed.as_ref().map(drop).ok_or("no_content"));
        changed
    }
}
