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
use super::unit::Unit;
use super::way::Way;
use super::{Pass, Side, Wire};
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
    pub(super) waiting: Vec<u8>,
    /// An upgrade was answered: what waits can be read now.
    pub(super) switched: bool,
    /// It was closed by a fault.
    pub(super) closed: bool,
    /// The last fault that has counted this connection as unsplit.
    pub(super) told: u64,
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

    /// Passes bytes on as they are.
    pub(super) fn pass(&mut self, from: Side, bytes: &[u8], now: &mut Now<'_>) {
        self.half(from).outlet.raw(bytes, now.us, now.out);
    }
}
