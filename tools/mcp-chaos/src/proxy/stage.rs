//! A toxic on one direction of one connection: its queue, and how far it has grown.

use crate::network::chunk::{Chunk, Item};
use crate::network::effect::{Effect, How, Moment, Verdict};
use crate::network::tally::Tally;
use std::collections::VecDeque;
use std::rc::Rc;

/// So many chunks may wait behind a stage before it goes on: a toxic that cuts into bytes must not make a million of
/// chunks out of a megabyte at once.
const AHEAD: usize = 1_024;

/// A toxic at work.
pub struct Stage {
    /// The toxic's number.
    pub toxic: u64,
    effect: Box<dyn Effect>,
    growth: Growth,
    tally: Rc<Tally>,
    queue: VecDeque<Chunk>,
    /// It has ended the connection, and nothing comes behind that.
    is_spent: bool,
}

/// How a toxic grows to its full strength.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    /// When it began (CLOCK_MONOTONIC, µs).
    pub since_us: u64,
    /// How long it grows; 0 for not at all.
    pub ramp_us: u64,
}

impl Growth {
    fn strength(self, now_us: u64) -> f64 {
        let grown_us = now_us.saturating_sub(self.since_us);
        if grown_us >= self.ramp_us {
            1.0
        } else {
            grown_us as f64 / self.ramp_us as f64
        }
    }
}

/// What came of a look at a stage.
#[derive(Debug, Default, Clone, Copy)]
pub struct Step {
    /// Something went on to what is behind.
    pub has_moved: bool,
    /// So many bytes are gone.
    pub swallowed: usize,
    /// When to look again (CLOCK_MONOTONIC, µs).
    pub until_us: Option<u64>,
}

impl Stage {
    /// A stage with nothing in it.
    pub fn new(toxic: u64, effect: Box<dyn Effect>, growth: Growth, tally: Rc<Tally>) -> Self {
        Self {
            toxic,
            effect,
            growth,
            tally,
            queue: VecDeque::new(),
            is_spent: false,
        }
    }

    /// The toxic is another one from now on; what waits, waits on. What must become of the connection is the old one's.
    pub fn becomes(&mut self, other: Self) -> Option<How> {
        let leaves = self.effect.leaves();
        let queue = std::mem::take(&mut self.queue);
        *self = Self { queue, ..other };
        leaves
    }

    /// What waits here.
    pub fn queue(&mut self) -> &mut VecDeque<Chunk> {
        &mut self.queue
    }

    /// How many chunks wait here.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// What must become of the connection when this is gone.
    pub fn leaves(&self) -> Option<How> {
        self.effect.leaves()
    }

    /// Whether nothing may be read.
    pub fn stops_reading(&self) -> bool {
        self.effect.stops_reading()
    }

    /// Lets go on what may.
    pub fn advance(&mut self, now_us: u64, behind: &mut VecDeque<Chunk>) -> Step {
        let mut step = Step::default();
        let tally = Rc::clone(&self.tally);
        let moment = Moment {
            now_us,
            strength: self.growth.strength(now_us),
            tally: &tally,
        };
        loop {
            if self.is_spent {
                step.swallowed += self.clear();
                return step;
            }
            if let Some((at_us, how)) = self.effect.closes() {
                if at_us <= now_us {
                    self.is_spent = true;
                    self.tally.add("connections_closed", 1);
                    let item = match how {
                        How::Close => Item::Close,
                        How::Reset => Item::Reset,
                    };
                    behind.push_back(Chunk { at_us, item });
                    step.has_moved = true;
                    continue;
                }
                step.until_us = Some(at_us);
            }
            let Some(head) = self.queue.front_mut() else {
                return step;
            };
            if behind.len() >= AHEAD {
                return step;
            }
            match self.effect.look(head, &moment) {
                Verdict::Pass { len, at_us } => {
                    behind.push_back(self.part(len, at_us));
                    step.has_moved = true;
                }
                Verdict::Wait(at_us) => {
                    step.until_us = Some(step.until_us.map_or(at_us, |us| us.min(at_us)));
                    return step;
                }
                Verdict::Hold => return step,
                Verdict::Swallow => {
                    step.swallowed += head.len();
                    self.queue.pop_front();
                }
            }
        }
    }

    /// Takes `len` bytes off the head, or an end, as something that came at `at_us`.
    fn part(&mut self, len: usize, at_us: u64) -> Chunk {
        if let Some(Chunk {
            item: Item::Bytes(bytes),
            ..
        }) = self.queue.front_mut()
            && len < bytes.len()
        {
            return Chunk::bytes(at_us, bytes.split_to(len));
        }
        let whole = self.queue.pop_front();
        Chunk {
            at_us,
            item: whole.map_or(Item::End, |chunk| chunk.item),
        }
    }

    fn clear(&mut self) -> usize {
        let bytes = self.queue.iter().map(Chunk::len).sum();
        self.queue.clear();
        bytes
    }
}
