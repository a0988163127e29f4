//! `slice`: bytes come in small pieces, with a pause between them, as through a narrow or a mean middlebox.

use super::chunk::{Chunk, Item};
use super::effect::{Dice, Effect, Lot, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "slice",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "cuts what is sent into small pieces",
    applies: "pieces of {size} ± {variation} with {delay} between them for what goes {side}, on {toxicity} of the connections",
    undone_by: "the proxy, which lets the rest go in one piece",
    build: |params| {
        let slice = Slice::from_params(params)?;
        Toxic::of(params, Does::Slice(slice)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "size",
        unit: Unit::Size { max_bytes: 1 << 20 },
        default: Some("16B"),
        help: "the mean size of a piece, 1 byte at least",
    },
    Param {
        name: "variation",
        unit: Unit::Size { max_bytes: 1 << 20 },
        default: Some("0B"),
        help: "how much larger or smaller a piece may be, drawn; below size",
    },
    Param {
        name: "delay",
        unit: Unit::Time { max_s: 60 },
        default: Some("0s"),
        help: "the pause between two pieces",
    },
    SIDE,
    TOXICITY,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Bytes, 1 at least.
    pub size: u64,
    /// Bytes, less than `size`.
    pub variation: u64,
    /// In µs.
    pub delay_us: u64,
}

impl Slice {
    fn from_params(params: &Params) -> Result<Self, String> {
        let slice = Self {
            size: params.size("size")?,
            variation: params.size("variation")?,
            delay_us: params.time("delay")?.as_micros() as u64,
        };
        if slice.size == 0 {
            return Err("size=0 is no piece: give size=1B at least".to_owned());
        }
        if slice.variation >= slice.size {
            return Err(format!(
                "variation={} makes pieces of nothing: give less than size={}",
                slice.variation, slice.size
            ));
        }
        Ok(slice)
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |lot: Lot| {
            Box::new(Knife {
                of: self,
                dice: lot.dice,
                next_us: 0,
            })
        })
    }
}

struct Knife {
    of: Slice,
    dice: Dice,
    /// No piece before this instant.
    next_us: u64,
}

impl Effect for Knife {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        if !matches!(head.item, Item::Bytes(_)) {
            return Verdict::whole(head, head.at_us);
        }
        let at_us = head.at_us.max(self.next_us);
        if at_us > moment.now_us {
            return Verdict::Wait(at_us);
        }
        let Slice {
            size,
            variation,
            delay_us,
        } = self.of;
        let size = size - variation + self.dice.below(2 * variation + 1);
        // From now, not from the piece's own instant: pieces that a late waking lets go together would be one again.
        self.next_us = moment.now_us + delay_us;
        moment.tally.add("slices", 1);
        Verdict::Pass {
            len: head.len().min(size as usize),
            at_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    #[test]
    fn pieces_have_their_size_and_their_distance_and_make_the_whole() {
        let slice = Slice {
            size: 10,
            variation: 4,
            delay_us: 2_000,
        };
        let mut bench = Bench::new(&slice.maker(), 7);
        let whole: Vec<u8> = (0..250).collect();
        bench.give(1_000, &whole);
        let out = bench.run();
        let sizes: Vec<usize> = out.iter().map(|(_, b)| b.len()).collect();
        let (_, but_last) = sizes.split_last().unwrap();
        assert!(but_last.iter().all(|n| (6..=14).contains(n)), "{sizes:?}");
        assert!(but_last.iter().any(|n| *n != but_last[0]), "{sizes:?}");
        assert!(out.windows(2).all(|w| w[1].0 - w[0].0 == 2_000));
        let joined: Vec<u8> = out.iter().flat_map(|(_, b)| b.clone()).collect();
        assert_eq!(joined, whole);
        assert_eq!(bench.counts()["slices"], sizes.len() as u64);
    }

    #[test]
    fn pieces_of_nothing_are_refused() {
        for (given, words) in [
            ("slice:size=0B@1s", "size=1B"),
            ("slice:size=4B,variation=4B@1s", "less than size=4"),
        ] {
            let wrong = crate::plan::spec::parse(given).unwrap_err();
            assert!(wrong.contains(words), "{wrong}");
        }
    }
}
