//! A workbench for tests of effects: chunks, a clock that is set by hand, and what comes out.

use super::Maker;
use super::chunk::{Chunk, Item};
use super::effect::{Dice, Effect, How, Lot, Moment, Verdict};
use super::tally::{Counts, Tally};
use bytes::Bytes;
use std::collections::VecDeque;

/// One effect on the workbench.
pub struct Bench {
    effect: Box<dyn Effect>,
    tally: Tally,
    queue: VecDeque<Chunk>,
    strength: f64,
    /// What came out that is no bytes.
    pub ends: Vec<(u64, Item)>,
    /// How the effect closed the connection, and when.
    pub closed: Option<(u64, How)>,
}

impl Bench {
    /// On connection 1, downstream, since 0.
    pub fn new(maker: &Maker, seed: u64) -> Self {
        let effect = maker(Lot {
            dice: Dice::new(seed, 1, true),
            down: true,
            since_us: 0,
        });
        Self {
            effect,
            tally: Tally::default(),
            queue: VecDeque::new(),
            strength: 1.0,
            ends: Vec::new(),
            closed: None,
        }
    }

    /// Grown so far.
    pub fn strength(mut self, strength: f64) -> Self {
        self.strength = strength;
        self
    }

    /// Bytes arrive.
    pub fn give(&mut self, at_us: u64, bytes: &[u8]) {
        self.queue
            .push_back(Chunk::bytes(at_us, Bytes::copy_from_slice(bytes)));
    }

    /// An end arrives.
    pub fn end(&mut self, at_us: u64, item: Item) {
        self.queue.push_back(Chunk { at_us, item });
    }

    /// What has come out by this instant, each with the instant as of which it goes on.
    pub fn run_at(&mut self, now_us: u64) -> Vec<(u64, Vec<u8>)> {
        self.work(now_us, false)
    }

    /// What comes out as time goes by, until the effect holds, closes, or has nothing left.
    pub fn run(&mut self) -> Vec<(u64, Vec<u8>)> {
        self.work(0, true)
    }

    fn work(&mut self, mut now_us: u64, flows: bool) -> Vec<(u64, Vec<u8>)> {
        let mut out = Vec::new();
        loop {
            if let Some((at_us, how)) = self.effect.closes()
                && (at_us <= now_us || (flows && self.queue.is_empty()))
            {
                self.closed = Some((at_us, how));
                return out;
            }
            let Some(head) = self.queue.front_mut() else {
                return out;
            };
            if flows {
                now_us = now_us.max(head.at_us);
            }
            let moment = Moment {
                now_us,
                strength: self.strength,
                tally: &self.tally,
            };
            match self.effect.look(head, &moment) {
                Verdict::Pass { len, at_us } => {
                    assert!(at_us <= now_us, "it went on before its time");
                    match &mut head.item {
                        Item::Bytes(bytes) => {
                            assert!(len > 0, "nothing went on");
                            out.push((at_us, bytes.split_to(len).to_vec()));
                            if bytes.is_empty() {
                                self.queue.pop_front();
                            }
                        }
                        item => {
                            self.ends.push((at_us, item.clone()));
                            self.queue.pop_front();
                        }
                    }
                }
                Verdict::Wait(at_us) => {
                    assert!(at_us > now_us, "it waits for what has been");
                    if !flows {
                        return out;
                    }
                    now_us = at_us;
                }
                Verdict::Hold => return out,
                Verdict::Swallow => drop(self.queue.pop_front()),
            }
        }
    }

    /// What the effect counted.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// What must become of the connection when it is gone.
    pub fn leaves(&self) -> Option<How> {
        self.effect.leaves()
    }
}
