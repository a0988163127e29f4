//! Goes through what was read, unit by unit: what waits, what passes, and who looks at it.

use super::conversation::{Conversation, Handled, Now};
use super::rules::Rules;
use super::unit::{Fate, Unit};
use super::way::{Kind, Step, Way};
use super::{MAX_MESSAGE_BYTES, Side, Unsplit};

/// What was read, and how far it is.
struct Feed<'a> {
    input: &'a [u8],
    /// Up to here it was looked at.
    at: usize,
    /// From here on it is not passed on yet.
    run: usize,
}

impl Feed<'_> {
    /// What is to be passed on up to a place, from where on it is the next time.
    fn run_to(&mut self, at: usize) -> &[u8] {
        let run = std::mem::replace(&mut self.run, at);
        &self.input[run.min(at)..at]
    }
}

impl Conversation {
    /// Splits an input, and passes on what may pass.
    pub(super) fn take(&mut self, from: Side, input: &[u8], now: &mut Now<'_>) {
        if self.closed {
            return;
        }
        let feed = &mut Feed {
            input,
            at: 0,
            run: 0,
        };
        self.half(from).unit.arrive();
        while feed.at < input.len() && !self.closed {
            if matches!(self.half(from).way, Way::Waiting) {
                self.pass(from, feed.run_to(feed.at), now);
                self.wait(&input[feed.at..], now);
                return;
            }
            if !self.half(from).unit.is_begun() {
                let (fate, keep) = self.fate(from, now.rules);
                self.half(from).unit.begin(feed.at, fate, keep);
            }
            let half = self.half(from);
            let found = half.way.next(&input[feed.at..]);
            let mut unit = std::mem::take(&mut half.unit);
            let stepped = found.and_then(|(length, step)| {
                feed.at += length;
                unit.bytes += length as u64;
                if unit.bytes > MAX_MESSAGE_BYTES {
                    self.let_go(from, &mut unit, "too_large", now);
                }
                self.step(from, step, &mut unit, feed, now)
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
        self.pass(from, feed.run_to(end), now);
    }

    /// A splitter has found something: whether the unit is over.
    fn step(
        &mut self,
        from: Side,
        step: Step,
        unit: &mut Unit,
        feed: &mut Feed<'_>,
        now: &mut Now<'_>,
    ) -> Result<bool, Unsplit> {
        if unit.fate == Fate::Hold && step != Step::Within {
            // In front of what may be put in its place.
            self.pass(from, feed.run_to(unit.begins_at()), now);
        }
        let kind = match step {
            Step::Within => return Ok(false),
            Step::Over(kind) => kind,
            Step::Head => {
                if unit.fate != Fate::Swallow && unit.keep {
                    let raw = unit.so_far(feed.input, feed.at).to_vec();
                    if !self.head(from, &raw, unit, now)? {
                        if unit.fate == Fate::Swallow {
                            feed.run = feed.at;
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
            let raw = unit.so_far(feed.input, feed.at);
            let handled = self.handle(from, kind, Some(raw), held, now)?;
            if held && handled == Handled::Plain && waited {
                self.pass(from, raw, now);
                feed.run = feed.at;
            }
            handled
        } else {
            self.handle(from, kind, None, false, now)?
        };
        if handled == Handled::Done || unit.fate == Fate::Swallow {
            feed.run = feed.at;
        }
        if from == Side::Server && matches!(kind, Kind::Whole | Kind::Head | Kind::End) {
            self.pass(from, feed.run_to(feed.at), now);
            self.answer_ours(now);
        } else if from == Side::Client && matches!(kind, Kind::Whole | Kind::Head) {
            self.answer_ours(now);
        }
        Ok(true)
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
    pub(super) fn handle(
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
