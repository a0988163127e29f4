//! One connection of a client: its bytes in both directions go in as they were read, and come out as they are to be sent.

use super::deliver::Held;
use super::exchange::Exchanges;
use super::http::Http;
use super::in_flight::InFlight;
use super::lines::Lines;
use super::outlet::Outlet;
use super::replies::Reply;
use super::requests::Request;
use super::rules::Rules;
use super::unit::{Fate, Unit};
use super::way::{Kind, Step, Way};
use super::{MAX_HEAD_BYTES, MAX_MESSAGE_BYTES, Pass, Side, Unsplit, Wire};
use std::collections::VecDeque;

/// One direction.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) way: Way,
    pub(super) unit: Unit,
    /// The way to the other side.
    pub(super) outlet: Outlet,
    ended: bool,
}

impl Half {
    fn new(from: Side, wire: Wire) -> Self {
        Self {
            way: match wire {
                Wire::Http => Way::Http(Box::new(Http::new(from))),
                Wire::Lines => Way::Lines(Lines::default()),
            },
            unit: Unit::default(),
            outlet: Outlet::new(from.other()),
            ended: false,
        }
    }
}

/// What all steps of one call need.
pub(super) struct Now<'a> {
    pub(super) us: u64,
    pub(super) rules: &'a mut Rules,
    pub(super) out: &'a mut Vec<Pass>,
}

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
    /// It passes as it came.
    Plain,
    /// What is to pass of it was passed.
    Done,
}

/// One connection of a client with all that is remembered of it; see the module.
#[derive(Debug)]
pub struct Conversation {
    pub(super) connection: u64,
    pub(super) client: Half,
    pub(super) server: Half,
    /// Requests without an answer, over lines and WebSocket.
    pub(super) in_flight: InFlight,
    /// The same over HTTP.
    pub(super) exchanges: Exchanges,
    /// The request under way.
    pub(super) request: Option<Request>,
    /// The answer under way.
    pub(super) reply: Option<Reply>,
    /// The number of the stream that answers what comes on other connections (HTTP+SSE).
    pub(super) stream: Option<u64>,
    /// Answers that wait for the next one.
    pub(super) held: VecDeque<Held>,
    /// What the client has sent behind a request for an upgrade.
    waiting: Vec<u8>,
    /// An upgrade was answered: what waits can be read now.
    pub(super) switched: bool,
    /// It was closed by a fault.
    pub(super) closed: bool,
    /// The last fault that has counted this connection as unsplit.
    told: u64,
}

impl Conversation {
    /// At the first byte of a connection; its number is one of its own among those of its target.
    #[must_use]
    pub fn new(wire: Wire, connection: u64) -> Self {
        Self {
            connection,
            client: Half::new(Side::Client, wire),
            server: Half::new(Side::Server, wire),
            in_flight: InFlight::default(),
            exchanges: Exchanges::default(),
            request: None,
            reply: None,
            stream: None,
            held: VecDeque::new(),
            waiting: Vec::new(),
            switched: false,
            closed: false,
            told: 0,
        }
    }

    /// Takes what was read from one side at the instant `now_us` (CLOCK_MONOTONIC, µs), and appends what is to be sent.
    pub fn read(
        &mut self,
        from: Side,
        bytes: &[u8],
        now_us: u64,
        rules: &mut Rules,
        out: &mut Vec<Pass>,
    ) {
        self.tick(now_us, rules, out);
        let now = &mut Now {
            us: now_us,
            rules,
            out,
        };
        self.take(from, bytes, now);
        if std::mem::take(&mut self.switched) {
            let waiting = std::mem::take(&mut self.waiting);
            self.take(Side::Client, &waiting, now);
        }
    }

    /// One side has sent its FIN: what was held of its bytes, and the end, are appended.
    pub fn ended(&mut self, from: Side, now_us: u64, rules: &mut Rules, out: &mut Vec<Pass>) {
        let now = &mut Now {
            us: now_us,
            rules,
            out,
        };
        if self.closed || std::mem::replace(&mut self.half(from).ended, true) {
            return;
        }
        self.finish(from, now);
        if from == Side::Server {
            self.release(now);
            self.server.outlet.end(now.us, now.out);
        } else {
            let waiting = std::mem::take(&mut self.waiting);
            self.client.outlet.raw(&waiting, now.us, now.out);
            self.client.outlet.end(now.us, now.out);
        }
        if let Some(stream) = self.stream.take() {
            now.rules.streams.close(stream);
        }
        // The client was to wait for what never comes, and does not any more.
        if self.server.outlet.muted && self.client.ended && self.server.ended {
            self.close(now, now_us, false);
        }
    }

    /// The instant (CLOCK_MONOTONIC, µs) at which [`Conversation::tick`] is to be called, where there is one: an answer
    /// waits for the next, and not longer than that.
    #[must_use]
    pub fn due_us(&self) -> Option<u64> {
        self.held.iter().map(|held| held.until_us).min()
    }

    /// Lets go what has waited long enough.
    pub fn tick(&mut self, now_us: u64, rules: &mut Rules, out: &mut Vec<Pass>) {
        if self.due_us().is_some_and(|due| due <= now_us) {
            self.release(&mut Now {
                us: now_us,
                rules,
                out,
            });
        }
    }

    pub(super) fn half(&mut self, from: Side) -> &mut Half {
        match from {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Splits an input, and passes on what may pass.
    fn take(&mut self, from: Side, input: &[u8], now: &mut Now<'_>) {
        if self.closed {
            return;
        }
        // What lies in the input from `run` on is not passed on yet.
        let (mut at, mut run) = (0, 0);
        self.half(from).unit.arrive();
        while at < input.len() && !self.closed {
            if matches!(self.half(from).way, Way::Waiting) {
                self.pass(from, &input[run..at], now);
                self.wait(&input[at..], now);
                return;
            }
            if !self.half(from).unit.is_begun() {
                let (fate, keep) = self.fate(from, now.rules);
                self.half(from).unit.begin(at, fate, keep);
            }
            let half = self.half(from);
            let found = half.way.next(&input[at..]);
            let mut unit = std::mem::take(&mut half.unit);
            let stepped = found.and_then(|(length, step)| {
                at += length;
                unit.bytes += length as u64;
                if unit.bytes > MAX_MESSAGE_BYTES {
                    self.let_go(from, &mut unit, "too_large", now);
                }
                self.step(from, step, &mut unit, input, at, &mut run, now)
            });
            match stepped {
                Ok(true) => unit.finish(),
                Ok(false) => {}
                Err(Unsplit) => {
                    self.half(from).unit = unit;
                    self.unsplit(now);
                    break;
                }
            }
            self.half(from).unit = unit;
        }
        if self.closed {
            return;
        }
        if matches!(self.half(from).way, Way::Unsplit) {
            now.rules.unsplit(&mut self.told);
        }
        let half = self.half(from);
        let end = match half.unit.fate {
            Fate::Hold | Fate::Swallow if half.unit.is_begun() => half.unit.begins_at(),
            _ => input.len(),
        };
        if half.unit.is_begun() {
            half.unit.pause(input);
        }
        self.pass(from, &input[run.min(end)..end], now);
    }

    /// A splitter has found something: whether the unit is over.
    #[allow(clippy::too_many_arguments)] // all of it is one place in one input
    fn step(
        &mut self,
        from: Side,
        step: Step,
        unit: &mut Unit,
        input: &[u8],
        at: usize,
        run: &mut usize,
        now: &mut Now<'_>,
    ) -> Result<bool, Unsplit> {
        if unit.fate == Fate::Hold && step != Step::Within {
            // In front of what may be put in its place.
            self.pass(from, &input[*run..unit.begins_at()], now);
            *run = unit.begins_at();
        }
        let kind = match step {
            Step::Within => return Ok(false),
            Step::Over(kind) => kind,
            Step::Head => {
                if unit.fate != Fate::Swallow && unit.keep {
                    let raw = unit.so_far(input, at).to_vec();
                    if !self.head(from, &raw, unit, now)? {
                        if unit.fate == Fate::Swallow {
                            *run = at;
                        }
                        return Ok(false);
                    }
                }
                Kind::Head
            }
        };
        let handled = if unit.keep {
            let held = unit.fate == Fate::Hold;
            let waited = !unit.waiting().is_empty();
            let raw = unit.so_far(input, at);
            let handled = self.handle(from, kind, Some(raw), held, now)?;
            if held && handled == Handled::Plain && waited {
                self.pass(from, raw, now);
                *run = at;
            }
            handled
        } else {
            self.handle(from, kind, None, false, now)?
        };
        if handled == Handled::Done || unit.fate == Fate::Swallow {
            *run = at;
        }
        if from == Side::Server && matches!(kind, Kind::Whole | Kind::Head | Kind::End) {
            self.pass(from, &input[*run..at], now);
            *run = at;
            self.answer_ours(now);
        } else if from == Side::Client && matches!(kind, Kind::Whole | Kind::Head) {
            self.answer_ours(now);
        }
        Ok(true)
    }

    /// Passes bytes on as they are.
    pub(super) fn pass(&mut self, from: Side, bytes: &[u8], now: &mut Now<'_>) {
        self.half(from).outlet.raw(bytes, now.us, now.out);
    }

    /// A unit begins: what becomes of its bytes meanwhile, and whether it is looked at when it is whole.
    fn fate(&mut self, from: Side, rules: &Rules) -> (Fate, bool) {
        let in_head = self.half(from).way.is_in_head();
        let (fate, keep) = match from {
            Side::Client => {
                let first = in_head && self.exchanges.is_fresh() && rules.strips_extensions();
                let hold = first || (in_head && rules.holds_requests());
                (if hold { Fate::Hold } else { Fate::Gone }, true)
            }
            Side::Server if self.reply.is_some_and(|reply| reply.swallowed) => {
                (Fate::Swallow, false)
            }
            Side::Server if !rules.is_empty() => (Fate::Hold, true),
            Side::Server => (Fate::Gone, in_head || self.listens()),
        };
        if matches!(self.half(from).way, Way::Unsplit) {
            return (Fate::Gone, false);
        }
        (fate, keep)
    }

    /// Whether answers must be looked at for themselves: because their requests are remembered by id, or because a stream
    /// may tell where to post.
    fn listens(&mut self) -> bool {
        match self.server.way {
            Way::Lines(_) | Way::Frames(_) => true,
            _ => self.stream.is_some() || self.is_get(),
        }
    }

    /// A unit passes from here on as it comes.
    pub(super) fn let_go(
        &mut self,
        from: Side,
        unit: &mut Unit,
        reason: &'static str,
        now: &mut Now<'_>,
    ) {
        if !unit.keep {
            return;
        }
        if unit.fate == Fate::Hold {
            if !reason.is_empty() {
                now.rules.blind(reason);
            }
            let waiting = unit.waiting().to_vec();
            self.pass(from, &waiting, now);
        }
        unit.let_go(Fate::Gone);
    }

    /// What the client sends before its upgrade is answered.
    fn wait(&mut self, bytes: &[u8], now: &mut Now<'_>) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() > MAX_HEAD_BYTES {
            self.unsplit(now);
        }
    }

    /// From here on bytes pass as they are, in both directions.
    pub(super) fn unsplit(&mut self, now: &mut Now<'_>) {
        for from in [Side::Client, Side::Server] {
            let half = self.half(from);
            half.way = Way::Unsplit;
            let mut unit = std::mem::take(&mut half.unit);
            if unit.is_begun() && unit.fate == Fate::Swallow {
                // Half of an answer was thrown away, and nobody knows where it ends.
                self.close(now, now.us, false);
                return;
            }
            if unit.is_begun() {
                self.let_go(from, &mut unit, "", now);
            }
            self.half(from).unit = unit;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.pass(Side::Client, &waiting, now);
        self.release(now);
        now.rules.unsplit(&mut self.told);
    }

    /// One side has nothing more to say: the unit under way is over, or passes as far as it came.
    fn finish(&mut self, from: Side, now: &mut Now<'_>) {
        let half = self.half(from);
        let ends = matches!(&half.way, Way::Http(http) if http.ends_with_connection());
        let mut unit = std::mem::take(&mut half.unit);
        unit.arrive();
        let held = unit.is_begun() && unit.fate == Fate::Hold;
        let over = ends && from == Side::Server && unit.is_begun() && unit.keep;
        let handled = if over {
            self.handle(from, Kind::Whole, Some(unit.all()), held, now)
        } else {
            Ok(Handled::Plain)
        };
        if held && handled != Ok(Handled::Done) {
            self.pass(from, unit.all(), now);
        }
        if from == Side::Server && self.reply.is_some_and(|reply| reply.streams) {
            self.stream_ends(now);
        }
    }

    /// Both connections end.
    pub(super) fn close(&mut self, now: &mut Now<'_>, at_us: u64, reset: bool) {
        self.closed = true;
        if let Some(stream) = self.stream.take() {
            now.rules.streams.close(stream);
        }
        now.out.push(Pass::Close { at_us, reset });
    }

    fn head(
        &mut self,
        from: Side,
        raw: &[u8],
        unit: &mut Unit,
        now: &mut Now<'_>,
    ) -> Result<bool, Unsplit> {
        match from {
            Side::Client => self.request_head(raw, unit, now),
            Side::Server => self.reply_head(raw, unit, now),
        }
    }

    /// A unit is over. `raw` is all of it, where it is wanted; `held` says that nothing of it was passed on.
    fn handle(
        &mut self,
        from: Side,
        kind: Kind,
        raw: Option<&[u8]>,
        held: bool,
        now: &mut Now<'_>,
    ) -> Result<Handled, Unsplit> {
        match (from, kind) {
            (_, Kind::Control) => Ok(self.control(from, raw, now)),
            (Side::Client, Kind::Line | Kind::Message) => Ok(self.client_link(kind, raw, now)),
            (Side::Server, Kind::Line | Kind::Message) => {
                Ok(self.server_link(kind, raw, held, now))
            }
            (Side::Client, _) => self.request_over(raw, held, now),
            (Side::Server, Kind::Events) => Ok(self.reply_events(raw, held, now)),
            (Side::Server, _) => self.reply_over(kind, raw, held, now),
        }
    }
}
