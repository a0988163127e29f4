//! Requests over HTTP: what they ask is remembered for their answers, and some do not reach the server, or not as they
//! were.

use super::call::{Call, Id};
use super::conversation::{Conversation, Handled, Now};
use super::exchange::Exchange;
use super::http::{self, Framing, Verb};
use super::judge::Source;
use super::look::{self, look};
use super::session_gone;
use super::streams;
use super::unit::{Fate, Unit};
use super::way::Way;
use super::{MAX_MESSAGE_BYTES, Side, Unsplit};
use protocol::batch;

/// The request under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// The number of its exchange.
    number: u64,
    head_bytes: usize,
    framing: Framing,
    /// The number of the stream that answers it (HTTP+SSE).
    stream: Option<u64>,
    /// It has headers that say what its body says.
    modern: bool,
    closes: bool,
    /// It goes on as a WebSocket, and offers extensions that are to be left away.
    strips: bool,
    upgrades: bool,
    /// Its body is for us to read.
    reads: bool,
}

impl Conversation {
    /// The head of a request is whole: whether the request is, too.
    pub(super) fn request_head(
        &mut self,
        raw: &[u8],
        unit: &mut Unit,
        now: &mut Now<'_>,
    ) -> Result<bool, Unsplit> {
        let head = http::request(raw)?;
        let stream = now.rules.streams.of(head.target);
        let session = match stream {
            Some(_) => streams::session(head.target),
            None => head.session,
        };
        let number = self
            .exchanges
            .push(Exchange::new(head.verb, session, head.upgrade))?;
        let reads = head.verb == Verb::Post && !head.compressed;
        let upgrades = head.upgrade == Some(true) && head.verb == Verb::Get;
        self.request = Some(Request {
            number,
            head_bytes: raw.len(),
            framing: head.framing,
            stream,
            modern: head.modern,
            closes: head.closes,
            strips: upgrades && head.extensions && now.rules.strips_extensions(),
            upgrades,
            reads,
        });
        let Way::Http(http) = &mut self.client.way else {
            return Err(Unsplit);
        };
        let over = http.body(head.framing);
        let too_large = matches!(head.framing, Framing::Length(n) if n > MAX_MESSAGE_BYTES);
        if too_large || !reads && !over {
            self.let_go(
                Side::Client,
                unit,
                if too_large { "too_large" } else { "" },
                now,
            );
        } else if unit.fate == Fate::Hold && !over && (head.expects || !now.rules.holds_requests())
        {
            // Where the client waits for `100 Continue`, its body comes only when the server has seen its head. It is
            // still looked at when it is whole.
            let waiting = unit.waiting().to_vec();
            self.pass(Side::Client, &waiting, now);
            unit.fate = Fate::Gone;
        }
        Ok(over)
    }

    /// A request is whole, and was passed on already unless it was held.
    pub(super) fn request_over(
        &mut self,
        raw: Option<&[u8]>,
        held: bool,
        now: &mut Now<'_>,
    ) -> Result<Handled, Unsplit> {
        let Some(request) = self.request.take() else {
            return Ok(Handled::Plain);
        };
        if request.upgrades {
            self.client.way = Way::Waiting;
        }
        let Some(raw) = raw else {
            return Ok(Handled::Plain);
        };
        let (head, body) = raw.split_at(request.head_bytes);
        if request.reads {
            let chunked = (request.framing == Framing::Chunked).then(|| http::unchunked(body).0);
            self.posted(chunked.as_deref().unwrap_or(body), &request, now);
        }
        if !now.rules.is_empty()
            && let Some(exchange) = self.exchanges.get(request.number)
        {
            let marks = now.rules.request(exchange, request.modern);
            exchange.marks = marks;
            if let (Some(_), Some(stream)) = (marks.replaced, request.stream) {
                for id in exchange.calls().filter_map(|(id, _)| id.as_ref()) {
                    now.rules.streams.void(stream, id);
                }
            }
        }
        Ok(if held {
            self.held_request(head, body, &request, now)
        } else {
            self.missed_request(&request, now);
            Handled::Plain
        })
    }

    /// Remembers what a body asks.
    fn posted(&mut self, body: &[u8], request: &Request, now: &mut Now<'_>) {
        let many = batch::is_array(body).then(|| batch::messages(body).unwrap_or_default());
        for text in many.unwrap_or_else(|| vec![body]) {
            let Some(found) = look(text).filter(|found| found.kind != look::Kind::Answer) else {
                continue;
            };
            let Some(exchange) = self.exchanges.get(request.number) else {
                return;
            };
            let call = Call::of(&found, exchange.session, &mut now.rules.names);
            let id = found.id.and_then(Id::of);
            if let Some(id) = &id {
                let scope = request.stream.unwrap_or_else(|| self.scope(Source::Body));
                now.rules.asked(scope, id, &call);
                if let Some(stream) = request.stream {
                    now.rules.streams.asked(stream, id.clone(), call);
                }
            }
            if let Some(exchange) = self.exchanges.get(request.number) {
                exchange.asks(id, call);
            }
        }
    }

    /// A request that nothing was passed of.
    fn held_request(
        &mut self,
        head: &[u8],
        body: &[u8],
        request: &Request,
        now: &mut Now<'_>,
    ) -> Handled {
        let Some(exchange) = self.exchanges.get(request.number) else {
            return Handled::Plain;
        };
        if let Some(key) = exchange.marks.gone {
            now.rules.count(key, Ok(()));
            exchange.ours = Some((session_gone::answer(request.closes), request.closes));
            return Handled::Done;
        }
        if let Some((key, header)) = exchange.marks.header {
            let changed = header.request(head);
            let applied = changed.as_ref().map(drop).ok_or("no_header");
            now.rules.count(key, applied);
            if let Some(changed) = changed {
                self.pass(Side::Client, &[&changed[..], body].concat(), now);
                return Handled::Done;
            }
        }
        if request.strips {
            let changed = http::without(head, "Sec-WebSocket-Extensions");
            self.pass(Side::Client, &changed, now);
            return Handled::Done;
        }
        Handled::Plain
    }

    /// A request that was passed on before it was whole: its fault began in its middle, or its client waits for
    /// `100 Continue`.
    fn missed_request(&mut self, request: &Request, now: &mut Now<'_>) {
        let Some(exchange) = self.exchanges.get(request.number) else {
            return;
        };
        let marks = exchange.marks;
        for key in [marks.gone, marks.header.map(|(key, _)| key)]
            .into_iter()
            .flatten()
        {
            now.rules.count(key, Err("too_late"));
        }
    }

    /// Gives the answers that the server is not to give, when those before them are over.
    pub(super) fn answer_ours(&mut self, now: &mut Now<'_>) {
        while let Some(exchange) = self.exchanges.front()
            && let Some((answer, closes)) = exchange.ours.take()
        {
            self.exchanges.pop();
            self.pass(Side::Server, &answer, now);
            if closes {
                self.server.outlet.end(now.us, now.out);
                self.server.outlet.muted = true;
            }
        }
    }
}
