//! The message faults that are active on one target, what they have done, and what its connections must know of each
//! other.

use super::act::Act;
use super::answer::Answer;
use super::call::{Call, Id};
use super::exchange::{Exchange, Marks};
use super::fault::Fault;
use super::filter::Matcher;
use super::names::Names;
use super::streams::Streams;
use super::swap_ids::{self, Pool};
use crate::dice;
use std::collections::BTreeMap;

/// What a fault did: `matched` and `hit` messages, and how many it left alone for which reason.
pub type Counts = BTreeMap<&'static str, u64>;

/// Names a fault as long as it is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

#[derive(Debug)]
struct Active {
    key: Key,
    id: String,
    fault: Fault,
    matcher: Matcher,
    seed: u64,
    /// Messages that matched.
    n: u64,
    counts: Counts,
    /// For `swap_ids` alone.
    pool: Pool,
}

/// The faults of one target; see the module.
#[derive(Debug, Default)]
pub struct Rules {
    active: Vec<Active>,
    /// Of the fault that began last.
    last: u64,
    awaited: bool,
    pub(super) names: Names,
    pub(super) streams: Streams,
}

impl Rules {
    /// None yet. `awaited` says that there will be some: then compression is taken out of what clients offer over
    /// WebSocket from the first connection on, since compressed messages could not be read later.
    #[must_use]
    pub fn new(awaited: bool) -> Self {
        Self {
            awaited,
            ..Self::default()
        }
    }

    /// Makes a fault active, behind those that are. Its choices are a function of the seed and of the order in which
    /// messages match. An id that is active already ends first.
    pub fn begin(&mut self, id: &str, fault: Fault, seed: u64) {
        self.end(id);
        self.last += 1;
        self.active.push(Active {
            key: Key(self.last),
            id: id.to_owned(),
            matcher: Matcher::new(&fault.filter, &mut self.names),
            fault,
            seed,
            n: 0,
            counts: Counts::from([("matched", 0), ("hit", 0)]),
            pool: Pool::default(),
        });
    }

    /// Ends a fault: what it did. Nothing where there is none of this id.
    pub fn end(&mut self, id: &str) -> Counts {
        let at = self.active.iter().position(|active| active.id == id);
        at.map_or_else(Counts::new, |at| self.active.remove(at).counts)
    }

    /// What an active fault has done so far.
    #[must_use]
    pub fn counts(&self, id: &str) -> Option<&Counts> {
        let active = self.active.iter().find(|active| active.id == id)?;
        Some(&active.counts)
    }

    /// Whether no fault is active.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether extensions of WebSocket are taken out of what a client offers.
    pub(super) fn strips_extensions(&self) -> bool {
        self.awaited || !self.active.is_empty()
    }

    pub(super) fn holds_requests(&self) -> bool {
        self.active
            .iter()
            .any(|active| active.fault.act.holds_requests())
    }

    /// Asks each fault what is to become of a message of the server.
    pub(super) fn answer(&mut self, answer: &mut Answer<'_>) {
        for active in &mut self.active {
            if answer.verdict.dropped {
                break;
            }
            if active.fault.act.is_of_requests() {
                continue;
            }
            let given = active.pool.answered(answer);
            if let Some(id) = &given {
                let applied = swap_ids::apply(answer, id);
                active.count(applied);
            }
            // One whose id was given away may be the next to be hit: the other one would never be answered.
            let Some(n) = active.chosen(&answer.call).filter(|_| given.is_none()) else {
                continue;
            };
            let applied = match active.fault.act {
                Act::SwapIds => match active.pool.partner(answer) {
                    Some(id) => swap_ids::apply(answer, &id),
                    None => Err("alone"),
                },
                ref act => act.answer(answer, dice::fraction(active.seed, n, 1)),
            };
            active.count(applied);
        }
    }

    /// A request was seen, whose answer has its id exchanged with others of the same scope only.
    pub(super) fn asked(&mut self, scope: u64, id: &Id, call: &Call) {
        for active in &mut self.active {
            if active.fault.act == Act::SwapIds && active.matcher.matches(call) {
                active.pool.asked(scope, id.clone());
            }
        }
    }

    /// What is to be done because of a request over HTTP.
    pub(super) fn request(&mut self, exchange: &Exchange, modern: bool) -> Marks {
        let mut marks = Marks::default();
        for active in &mut self.active {
            let act = &active.fault.act;
            if !act.is_of_requests() {
                continue;
            }
            let call = exchange.calls().map(|(_, call)| call);
            let matching = call.copied().find(|call| active.matcher.matches(call));
            // A GET or DELETE carries no message, and means its session or stream.
            let whole = exchange.calls().next().is_none()
                && matches!(act, Act::SessionGone | Act::CutStream(_))
                && active.matcher.takes_all();
            let unknown = Call::unknown(exchange.session);
            let Some(call) = matching.or(whole.then_some(unknown)) else {
                continue;
            };
            if active.chosen(&call).is_none() {
                continue;
            }
            let key = active.key;
            match active.fault.act {
                Act::SessionGone if exchange.session == 0 => active.count(Err("no_session")),
                Act::SessionGone => marks.gone = Some(key),
                Act::HttpError(error) => marks.replaced = Some((key, error)),
                Act::CutStream(cut) => marks.cut = Some((key, cut)),
                Act::HeaderMismatch(header) if modern => marks.header = Some((key, header)),
                Act::HeaderMismatch(_) => marks.content = Some(key),
                _ => {}
            }
        }
        marks
    }

    /// A request on a connection that has no HTTP: what would have hit it is counted.
    pub(super) fn request_without_http(&mut self, call: &Call) {
        for active in &mut self.active {
            if active.fault.act.is_of_requests() && active.chosen(call).is_some() {
                active.count(Err("not_http"));
            }
        }
    }

    /// Counts what became of a fault that was decided earlier; false where it is over by now, and so is not applied.
    pub(super) fn count(&mut self, key: Key, applied: Result<(), &'static str>) -> bool {
        let active = self.active.iter_mut().find(|active| active.key == key);
        active.map(|active| active.count(applied)).is_some()
    }

    pub(super) fn is_active(&self, key: Key) -> bool {
        self.active.iter().any(|active| active.key == key)
    }

    /// Counts for each fault something that it could not look at.
    pub(super) fn blind(&mut self, reason: &'static str) {
        for active in &mut self.active {
            active.count(Err(reason));
        }
    }

    /// Counts a connection that cannot be split, once for each fault; `told` remembers which have counted it.
    pub(super) fn unsplit(&mut self, told: &mut u64) {
        if *told == self.last {
            return;
        }
        for active in self.active.iter_mut().filter(|active| active.key.0 > *told) {
            active.count(Err("unsplit"));
        }
        *told = self.last;
    }
}

impl Active {
    /// Counts a match: its number where it is to be hit.
    fn chosen(&mut self, call: &Call) -> Option<u64> {
        if !self.matcher.matches(call) {
            return None;
        }
        self.n += 1;
        *self.counts.entry("matched").or_default() += 1;
        self.fault
            .filter
            .chooses(self.seed, self.n)
            .then_some(self.n)
    }

    fn count(&mut self, applied: Result<(), &'static str>) {
        let what = applied.err().unwrap_or("hit");
        *self.counts.entry(what).or_default() += 1;
    }
}
