//! `corrupt`: bits are flipped that no checksum has noticed.

use super::chunk::{Chunk, Item};
use super::effect::{Dice, Effect, Lot, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};
use bytes::BytesMut;

/// The kind.
pub const KIND: Kind = Kind {
    name: "corrupt",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: true,
    params: PARAMS,
    help: "flips a bit in some of the bytes",
    applies: "one flipped bit in {rate} of the bytes that go {side}, on {toxicity} of the connections",
    undone_by: "the proxy; what was changed stays changed",
    build: |params| {
        let corrupt = Corrupt::from_params(params)?;
        Toxic::of(params, Does::Corrupt(corrupt)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "rate",
        unit: Unit::Share,
        default: Some("0.01%"),
        help: "the share of the bytes, drawn: 0.01% is one in 10,000",
    },
    SIDE,
    TOXICITY,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corrupt {
    /// The share of the bytes, from 0 to 1.
    pub rate: f64,
}

impl Corrupt {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            rate: params.share("rate")?,
        })
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |lot: Lot| {
            let mut dice = lot.dice;
            let patience = drawn_patience(&mut dice);
            Box::new(Flips {
                rate: self.rate,
                dice,
                patience,
            })
        })
    }
}

/// Throws one die for each flipped byte, not for each byte: what lies between two is drawn. As a sum of hazards, so that
/// it is right while the rate grows, too.
struct Flips {
    rate: f64,
    dice: Dice,
    /// Hazard (−ln of the chance to stay whole) that is left until the next flip.
    patience: f64,
}

fn drawn_patience(dice: &mut Dice) -> f64 {
    -(1.0 - dice.fraction()).ln()
}

impl Effect for Flips {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        let hazard = -(1.0 - self.rate * moment.strength).ln();
        if let Item::Bytes(bytes) = &mut head.item
            && hazard > 0.0
        {
            let mut changed: Option<BytesMut> = None;
            let mut at = (self.patience / hazard) as usize;
            let mut from = 0;
            while at < bytes.len() - from {
                let place = from + at;
                let bit = self.dice.below(8);
                changed.get_or_insert_with(|| BytesMut::from(&bytes[..]))[place] ^= 1 << bit;
                moment.tally.add("bytes_corrupted", 1);
                from = place + 1;
                self.patience = drawn_patience(&mut self.dice);
                at = (self.patience / hazard) as usize;
            }
            // At a rate of 100% the hazard is infinite, and no byte is left whole to be counted.
            if hazard.is_finite() {
                self.patience -= (bytes.len() - from) as f64 * hazard;
            }
            if let Some(changed) = changed {
                *bytes = changed.freeze();
            }
        }
        Verdict::whole(head, head.at_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    fn flipped(rate: f64, strength: f64, seed: u64, chunk: usize) -> (Vec<usize>, u64) {
        let mut bench = Bench::new(&Corrupt { rate }.maker(), seed).strength(strength);
        let whole = vec![0u8; 1_000_000];
        for part in whole.chunks(chunk) {
            bench.give(0, part);
        }
        let out: Vec<u8> = bench.run().into_iter().flat_map(|(_, b)| b).collect();
        assert_eq!(out.len(), whole.len());
        assert!(out.iter().all(|b| b.count_ones() <= 1), "one bit a byte");
        let places = (0..out.len()).filter(|&i| out[i] != 0).collect();
        let counted = bench.counts().get("bytes_corrupted").copied();
        (places, counted.unwrap_or(0))
    }

    #[test]
    fn so_many_bytes_have_one_bit_flipped_however_they_are_cut() {
        let (places, counted) = flipped(0.001, 1.0, 7, 4_096);
        assert_eq!(places.len() as u64, counted);
        assert!((900..1_100).contains(&places.len()), "{}", places.len());
        assert_eq!(places, flipped(0.001, 1.0, 7, 100).0);
        assert_ne!(places, flipped(0.001, 1.0, 8, 4_096).0);
        let half = flipped(0.001, 0.5, 7, 4_096).0.len();
        assert!((420..580).contains(&half), "{half}");
        assert_eq!(flipped(0.0, 1.0, 7, 4_096).0.len(), 0);
        assert_eq!(flipped(1.0, 1.0, 7, 4_096).0.len(), 1_000_000);
    }
}
