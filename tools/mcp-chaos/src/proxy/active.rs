//! A toxic that is active on a proxy: what it is, whom it hits, and what it did.

use super::Applied;
use super::stage::{Growth, Stage};
use crate::dice;
use crate::network::effect::{Dice, Lot};
use crate::network::refuse::Existing;
use crate::network::tally::{Counts, Tally};
use crate::network::{Does, Maker, Toxic, Way};
use std::rc::Rc;

/// An active toxic.
pub struct Active {
    /// As it was asked for.
    pub applied: Applied,
    toxic: Toxic,
    /// Its number among all that there were; it stays when the toxic is replaced.
    pub number: u64,
    growth: Growth,
    tally: Rc<Tally>,
    maker: Option<Maker>,
}

impl Active {
    /// One that begins now (CLOCK_MONOTONIC, µs).
    pub fn new(applied: Applied, toxic: Toxic, number: u64, now_us: u64) -> Self {
        Self {
            growth: Growth {
                since_us: now_us,
                ramp_us: applied.ramp.as_micros() as u64,
            },
            maker: toxic.maker(),
            tally: Rc::default(),
            toxic,
            applied,
            number,
        }
    }

    /// Whether it hits the n-th connection: the same in each direction, and drawn once and for all.
    pub fn hits(&self, nth: u64) -> bool {
        self.maker.is_some() && dice::fraction(self.applied.seed, nth, 0) < self.applied.toxicity
    }

    /// Notes that it hits one more connection.
    pub fn count_connection(&self) {
        self.tally.add("connections", 1);
    }

    /// Its work on one direction of the n-th connection, since `since_us`; `None` where it does none there.
    pub fn stage(&self, nth: u64, down: bool, since_us: u64) -> Option<Stage> {
        let maker = self.maker.as_ref()?;
        if !self.way().hits(down) {
            return None;
        }
        let effect = maker(Lot {
            dice: Dice::new(self.applied.seed, nth, down),
            down,
            since_us,
        });
        let tally = Rc::clone(&self.tally);
        Some(Stage::new(self.number, effect, self.growth, tally))
    }

    /// Whether it closes the port, and what it does to connections that there are.
    pub fn refuses(&self) -> Option<Existing> {
        match self.toxic.does {
            Does::Refuse(existing) => Some(existing),
            _ => None,
        }
    }

    /// Notes that it closed so many connections.
    pub fn count_closed(&self, n: u64) {
        self.tally.add("connections_closed", n);
    }

    /// What it did.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    fn way(&self) -> Way {
        self.toxic.way
    }
}
