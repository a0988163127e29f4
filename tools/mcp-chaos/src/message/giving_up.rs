//! What is not split any more: a unit that is too long, a connection that is no protocol, one that ends.

use super::conversation::{Conversation, Handled, Now};
use super::unit::{Fate, Unit};
use super::way::{Kind, Way};
use super::{MAX_HEAD_BYTES, Pass, Side};

impl Conversation {
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
    pub(super) fn wait(&mut self, bytes: &[u8], now: &mut Now<'_>) {
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
    pub(super) fn finish(&mut self, from: Side, now: &mut Now<'_>) {
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
}
