//! A phase of a fault's course, with the figures of all calls, of those on the targets hit, and of the others.

use super::slots::{Pair, Slots};
use super::tally::Tally;
use super::window::Window;
use std::ops::Range;

/// Some seconds on end, or those of the steady state before.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its first instant, in microseconds since the base.
    pub from_us: i64,
    /// How long it lasted, whole seconds but for the last of the load.
    pub lasted_us: i64,
    pub all: Tally,
    /// Of the targets that were hit, and of the others; `None` where the fault hit all of them.
    pub sides: Option<(Tally, Tally)>,
}

/// The course of a fault.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    /// The steady state before.
    pub before: Option<Phase>,
    /// While it was there; of an instant, until the figures were back.
    pub during: Option<Phase>,
    /// From its end until the figures were back.
    pub recovering: Option<Phase>,
    /// A minute from then on, at most, and until the next fault.
    pub after: Option<Phase>,
}

impl Phase {
    /// Adds the slots of a range up; `None` for none.
    pub fn of(
        slots: &Slots<'_>,
        range: Range<usize>,
        window: &Window,
        open: &[[u64; 2]],
    ) -> Option<Self> {
        let first = slots.list.get(range.clone())?.first()?;
        let lasted_us = slots.lasted_us(range.clone());
        let pairs = range.map(|place| slots.pair(place, &window.hit, open));
        Some(Self::sum(pairs, first.from_us, lasted_us, window))
    }

    /// Adds figures up.
    pub fn sum(
        pairs: impl Iterator<Item = Pair>,
        from_us: i64,
        lasted_us: i64,
        window: &Window,
    ) -> Self {
        let mut sum = Pair::default();
        for pair in pairs {
            sum.hit.add(&pair.hit);
            sum.others.add(&pair.others);
        }
        let all = sum.all();
        Self {
            from_us,
            lasted_us,
            all,
            sides: (!window.hit.is_empty()).then_some((sum.hit, sum.others)),
        }
    }
}
