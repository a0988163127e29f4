//! What a toxic does to one direction of one connection: it is asked about the chunk at the head of its queue.

use super::chunk::Chunk;
use super::tally::Tally;
use crate::dice;

/// What becomes of the chunk at the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its first `len` bytes go on (an end goes on whole), as of `at_us`, which is now or earlier: a toxic behind counts
    /// from there, so that a late wake-up of ours adds up nowhere. Another verdict is asked for about the rest.
    Pass {
        /// At least 1 where there are bytes.
        len: usize,
        /// CLOCK_MONOTONIC, µs.
        at_us: u64,
    },
    /// It is asked about again at this instant, which is in the future (CLOCK_MONOTONIC, µs).
    Wait(u64),
    /// It waits until the toxic is gone.
    Hold,
    /// It is gone.
    Swallow,
}

impl Verdict {
    /// All of it goes on.
    #[must_use]
    pub fn whole(head: &Chunk, at_us: u64) -> Self {
        Self::Pass {
            len: head.len(),
            at_us,
        }
    }
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Both ends are closed (FIN).
    Close,
    /// Both ends are reset (RST).
    Reset,
}

/// The circumstances in which a toxic is asked.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Now (CLOCK_MONOTONIC, µs).
    pub now_us: u64,
    /// From 0 to 1: how far it has grown.
    pub strength: f64,
    /// What it did.
    pub tally: &'a Tally,
}

/// The behaviour of a toxic on one direction of one connection.
pub trait Effect {
    /// What becomes of the head. It may be asked about the same one again, before an instant that it named, too; what it
    /// has drawn for it, it must remember. It may change the bytes, but not their number.
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict;

    /// The instant (CLOCK_MONOTONIC, µs) from which on the connection ends, behind what has been passed.
    fn closes(&self) -> Option<(u64, How)> {
        None
    }

    /// Whether nothing is even read meanwhile, so that bytes stay with the kernels of both ends.
    fn stops_reading(&self) -> bool {
        false
    }

    /// What must become of the connection when the toxic is gone.
    fn leaves(&self) -> Option<How> {
        None
    }
}

/// Which direction of which connection a toxic works on.
#[derive(Debug, Clone, Copy)]
pub struct Lot {
    /// The dice of this direction of this connection.
    pub dice: Dice,
    /// Downstream, from the server to the client.
    pub down: bool,
    /// When it began on this connection (CLOCK_MONOTONIC, µs).
    pub since_us: u64,
}

/// Dice of one direction of one connection: the n-th throw is a function of seed, connection, direction and n.
#[derive(Debug, Clone, Copy)]
pub struct Dice {
    seed: u64,
    stream: u64,
    n: u64,
}

impl Dice {
    /// For the n-th connection of a proxy; throws on its two directions are independent.
    #[must_use]
    pub fn new(seed: u64, connection: u64, down: bool) -> Self {
        Self {
            seed,
            stream: connection * 2 + u64::from(down),
            n: 0,
        }
    }

    /// The next fraction, from 0 (included) to 1 (excluded).
    pub fn fraction(&mut self) -> f64 {
        self.n += 1;
        dice::fraction(self.seed, self.stream, self.n)
    }

    /// The next number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((self.fraction() * end as f64) as u64).min(end - 1)
    }
}
