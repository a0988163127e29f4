//! `loss`: what lost segments do to a stream: each comes a retransmission later, and all behind it wait.
//!
//! A proxy cannot lose a segment without breaking the stream, since TCP has promised both ends to deliver it. So it does
//! to the stream what the loss would have done: a lost segment, 1,448 bytes or a shorter message, comes after a
//! retransmission timeout, `rto`, which doubles while the retransmissions are lost, too (120 s at most, as in Linux).
//! Whether a segment is lost, is drawn from the model of Gilbert and Elliott: losses come in bursts of a mean length.
//! Two things a real line does are missing: a sender with much in flight learns of a loss sooner (fast retransmit, after
//! about a round trip), and it slows down.

use super::chunk::Chunk;
use super::effect::{Dice, Effect, Lot, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "loss",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: true,
    params: PARAMS,
    help: "does to a stream what lost segments do: each comes a retransmission later, and all behind it wait",
    applies: "a retransmission ({rto}, doubling) for {rate} of the segments that go {side}, in bursts of {burst}, on {toxicity} of the connections",
    undone_by: "the proxy, which lets what it still holds go at once",
    build: |params| {
        let loss = Loss::from_params(params)?;
        Toxic::of(params, Does::Loss(loss)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "rate",
        unit: Unit::Share,
        default: Some("1%"),
        help: "the share of segments that are lost, 99% at most",
    },
    Param {
        name: "burst",
        unit: Unit::Count { min: 1, max: 1_000 },
        default: Some("1"),
        help: "how many in a row, in the mean; 1 for losses that don't depend on each other",
    },
    Param {
        name: "rto",
        unit: Unit::Time { max_s: 120 },
        default: Some("200ms"),
        help: "the first retransmission timeout",
    },
    SIDE,
    TOXICITY,
];

/// What fits into an Ethernet frame beside the heads of IP and TCP with timestamps.
const SEGMENT: usize = 1_448;
/// TCP_RTO_MAX of Linux.
const RTO_MAX_US: u64 = 120_000_000;

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// The share of segments, from 0 to 0.99.
    pub rate: f64,
    /// The mean length of a burst; where it is less than what independent losses have, it is theirs.
    pub burst: f64,
    /// In µs.
    pub rto_us: u64,
}

impl Loss {
    fn from_params(params: &Params) -> Result<Self, String> {
        let loss = Self {
            rate: params.share("rate")?,
            burst: params.count("burst")? as f64,
            rto_us: params.time("rto")?.as_micros() as u64,
        };
        if loss.rate > 0.99 {
            return Err(
                "rate over 99% lets nothing through: give 99% at most, or use partition".to_owned(),
            );
        }
        Ok(loss)
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |lot: Lot| {
            Box::new(Losses {
                of: self,
                dice: lot.dice,
                is_bad: false,
                lost: None,
                last_us: 0,
            })
        })
    }
}

struct Losses {
    of: Loss,
    dice: Dice,
    /// The state of the line: in the bad one everything is lost, in the good one nothing.
    is_bad: bool,
    /// The first segment of the head is lost: when it comes again, and how often it was sent.
    lost: Option<(u64, u32)>,
    last_us: u64,
}

impl Losses {
    /// Whether the next segment is lost.
    fn loses(&mut self, strength: f64) -> bool {
        let rate = self.of.rate * strength;
        // Independent losses have bursts, too, of 1 / (1 - rate).
        let recovery = (1.0 / self.of.burst).min(1.0 - rate);
        let breaks = recovery * rate / (1.0 - rate);
        let drawn = self.dice.fraction();
        self.is_bad = if self.is_bad {
            drawn >= recovery
        } else {
            drawn < breaks
        };
        self.is_bad
    }

    fn sent_again_us(&self, lost_us: u64, times: u32) -> u64 {
        let rto_us = self.of.rto_us.saturating_mul(1 << times.min(20));
        lost_us + rto_us.min(RTO_MAX_US)
    }
}

impl Effect for Losses {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        // Where the segment that was sent again has arrived.
        let mut arrived = None;
        while let Some((at_us, times)) = self.lost {
            if at_us > moment.now_us {
                return Verdict::Wait(at_us);
            }
            self.lost = None;
            if self.loses(moment.strength) {
                moment.tally.add("segments_lost", 1);
                self.lost = Some((self.sent_again_us(at_us, times + 1), times + 1));
            } else {
                arrived = Some(at_us);
            }
        }
        let at_us = arrived.unwrap_or(head.at_us).max(self.last_us);
        let mut len = 0;
        if arrived.is_some() {
            len = head.len().min(SEGMENT);
        }
        while arrived.is_none() || len < head.len() {
            moment.tally.add("segments", 1);
            if self.loses(moment.strength) {
                moment.tally.add("segments_lost", 1);
                self.lost = Some((self.sent_again_us(at_us, 0), 0));
                break;
            }
            arrived = Some(at_us);
            len = head.len().min(len + SEGMENT);
        }
        if arrived.is_none() {
            return match self.lost {
                Some((at_us, _)) if at_us > moment.now_us => Verdict::Wait(at_us),
                // It was sent again in time: what is asked next, is asked with its result.
                _ => self.look(head, moment),
            };
        }
        self.last_us = at_us;
        Verdict::Pass { len, at_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    fn loss(rate: f64, burst: f64) -> Loss {
        Loss {
            rate,
            burst,
            rto_us: 200_000,
        }
    }

    #[test]
    fn the_rate_and_the_length_of_bursts_are_those_that_were_asked_for() {
        for (rate, burst, mean_burst) in [
            (0.01, 1.0, 1.0 / 0.99),
            (0.3, 1.0, 1.0 / 0.7),
            (0.05, 4.0, 4.0),
            (0.01, 20.0, 20.0),
        ] {
            // Bursts are rare where they are long: only many of them have the mean length.
            let mut all = Vec::new();
            for connection in 0..4 {
                let mut losses = Losses {
                    of: loss(rate, burst),
                    dice: Dice::new(7, connection, true),
                    is_bad: false,
                    lost: None,
                    last_us: 0,
                };
                all.extend((0..1_000_000).map(|_| losses.loses(1.0)));
            }
            let lost = all.iter().filter(|l| **l).count() as f64;
            let bursts = all.windows(2).filter(|w| !w[0] && w[1]).count() as f64;
            assert!(
                (lost / 4e6 / rate - 1.0).abs() < 0.1,
                "{rate}, {burst}: {lost} in {bursts}"
            );
            assert!(
                (lost / bursts / mean_burst - 1.0).abs() < 0.1,
                "{burst}: {}",
                lost / bursts
            );
        }
    }

    #[test]
    fn a_lost_message_comes_a_timeout_later_doubling_and_all_behind_it_wait() {
        let mut bench = Bench::new(&loss(0.5, 1.0).maker(), 7);
        for n in 0..500u64 {
            bench.give(n * 60_000_000, &n.to_be_bytes());
        }
        let out = bench.run();
        assert_eq!(out.len(), 500);
        let mut seen = std::collections::BTreeSet::new();
        let mut before_us = 0;
        for (n, (at_us, bytes)) in out.iter().enumerate() {
            assert_eq!(bytes[..], (n as u64).to_be_bytes());
            let began_us = (n as u64 * 60_000_000).max(before_us);
            // 200 ms, and 400 ms behind it, and 800 ms …: 200 ms × (2^k − 1).
            let times = (at_us - began_us) / 200_000 + 1;
            assert!(
                times.is_power_of_two() || began_us > n as u64 * 60_000_000,
                "{n}: {} µs",
                at_us - began_us
            );
            seen.insert(times);
            before_us = *at_us;
        }
        assert!(
            seen.contains(&1) && seen.contains(&2) && seen.contains(&8),
            "{seen:?}"
        );
    }

    #[test]
    fn a_long_chunk_is_many_segments_and_stays_whole() {
        let whole: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        let mut bench = Bench::new(&loss(0.02, 1.0).maker(), 7);
        bench.give(0, &whole);
        let out = bench.run();
        let joined: Vec<u8> = out.iter().flat_map(|(_, b)| b.clone()).collect();
        assert!(joined == whole);
        let counts = bench.counts();
        assert_eq!(counts["segments"], 691);
        assert!((5..=30).contains(&counts["segments_lost"]), "{counts:?}");
        assert!(out.windows(2).all(|w| w[0].0 <= w[1].0));
    }

    #[test]
    fn all_lost_is_refused() {
        let wrong = crate::plan::spec::parse("loss:rate=100%@1s").unwrap_err();
        assert!(wrong.contains("partition"), "{wrong}");
    }
}
