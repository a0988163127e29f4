//! `latency`: everything comes later, by a fixed time or one that is drawn for each chunk.

use super::chunk::Chunk;
use super::effect::{Dice, Effect, Lot, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "latency",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: true,
    params: PARAMS,
    help: "lets bytes come later; their order stays",
    applies: "{latency} ± {jitter} ({distribution}) of delay for what goes {side}, on {toxicity} of the connections",
    undone_by: "the proxy, which lets what it still holds go at once",
    build: |params| {
        let latency = Latency::from_params(params)?;
        Toxic::of(params, Does::Latency(latency)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "latency",
        unit: Unit::Time { max_s: 600 },
        default: None,
        help: "the mean delay",
    },
    Param {
        name: "jitter",
        unit: Unit::Time { max_s: 600 },
        default: Some("0s"),
        help: "how far it is drawn around the mean: half the width (uniform), or the standard deviation",
    },
    Param {
        name: "distribution",
        unit: Unit::Choice(&["uniform", "normal", "pareto", "exponential"]),
        default: Some("uniform"),
        help: "how it is drawn; pareto (shape 3) and exponential have their tail upwards. None is below 0",
    },
    SIDE,
    TOXICITY,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// The mean, in µs.
    pub latency_us: f64,
    /// Half the width (uniform) or the standard deviation, in µs.
    pub jitter_us: f64,
    /// How it is drawn.
    pub distribution: Distribution,
}

/// How a delay is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Evenly between mean − jitter and mean + jitter.
    Uniform,
    /// Gaussian.
    Normal,
    /// Pareto of shape 3, moved to the mean: many a little below it, few far above.
    Pareto,
    /// Exponential, moved to the mean.
    Exponential,
}

impl Latency {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            latency_us: params.time("latency")?.as_micros() as f64,
            jitter_us: params.time("jitter")?.as_micros() as f64,
            distribution: match params.text("distribution")? {
                "normal" => Distribution::Normal,
                "pareto" => Distribution::Pareto,
                "exponential" => Distribution::Exponential,
                _ => Distribution::Uniform,
            },
        })
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |lot: Lot| {
            Box::new(Delays {
                of: self,
                dice: lot.dice,
                due_us: None,
                last_us: 0,
            })
        })
    }

    /// A delay in µs at full strength.
    fn draw_us(&self, dice: &mut Dice) -> f64 {
        if self.jitter_us == 0.0 {
            return self.latency_us;
        }
        // Never 0, of which there is no logarithm.
        let u = 1.0 - dice.fraction();
        let deviation = match self.distribution {
            Distribution::Uniform => 2.0 * u - 1.0,
            Distribution::Normal => {
                (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * dice.fraction()).cos()
            }
            // Shape 3 has the mean 3/2 and the variance 3/4.
            Distribution::Pareto => (u.powf(-1.0 / 3.0) - 1.5) / 0.75_f64.sqrt(),
            Distribution::Exponential => -u.ln() - 1.0,
        };
        (self.latency_us + self.jitter_us * deviation).max(0.0)
    }
}

/// Delays chunks one after the other.
struct Delays {
    of: Latency,
    dice: Dice,
    /// When the one at the head goes on.
    due_us: Option<u64>,
    last_us: u64,
}

impl Effect for Delays {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        let due_us = match self.due_us {
            Some(due_us) => due_us,
            None => {
                let delay_us = (self.of.draw_us(&mut self.dice) * moment.strength) as u64;
                moment.tally.add("chunks_delayed", 1);
                moment.tally.add("delay_us", delay_us);
                // One that drew less than the one ahead comes right behind it.
                (head.at_us + delay_us).max(self.last_us)
            }
        };
        self.due_us = Some(due_us);
        if due_us > moment.now_us {
            return Verdict::Wait(due_us);
        }
        (self.due_us, self.last_us) = (None, due_us);
        Verdict::whole(head, due_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    fn latency(latency_us: f64, jitter_us: f64, distribution: Distribution) -> Latency {
        Latency {
            latency_us,
            jitter_us,
            distribution,
        }
    }

    #[test]
    fn what_was_waited_already_counts_and_the_order_stays() {
        let of = latency(200_000.0, 0.0, Distribution::Uniform);
        let mut bench = Bench::new(&of.maker(), 7);
        bench.give(1_000, b"one");
        bench.give(51_000, b"two");
        // Whatever woke it this late: the second one has waited its time by then.
        assert_eq!(bench.run_at(250_999), [(201_000, b"one".to_vec())]);
        assert_eq!(bench.run(), [(251_000, b"two".to_vec())]);
        assert_eq!(bench.counts()["chunks_delayed"], 2);

        let of = latency(200_000.0, 150_000.0, Distribution::Uniform);
        let mut bench = Bench::new(&of.maker(), 7);
        for n in 0..200u8 {
            bench.give(1_000 * u64::from(n), &[n]);
        }
        let out = bench.run();
        assert!(out.windows(2).all(|w| w[0].0 <= w[1].0), "none overtakes");
        let bytes: Vec<u8> = out.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(bytes, (0..200).collect::<Vec<u8>>());
    }

    #[test]
    fn each_distribution_has_the_mean_and_the_spread_that_were_asked_for() {
        for (distribution, spread) in [
            (Distribution::Uniform, 50.0 / 3.0_f64.sqrt()),
            (Distribution::Normal, 50.0),
            (Distribution::Pareto, 50.0),
            (Distribution::Exponential, 50.0),
        ] {
            let of = latency(500.0, 50.0, distribution);
            let mut dice = Dice::new(7, 1, true);
            let drawn: Vec<f64> = (0..200_000).map(|_| of.draw_us(&mut dice)).collect();
            let n = drawn.len() as f64;
            let mean = drawn.iter().sum::<f64>() / n;
            let deviation = (drawn.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n).sqrt();
            assert!((mean - 500.0).abs() < 1.0, "{distribution:?}: {mean}");
            // The variance of a Pareto of shape 3 settles slowly: its fourth moment is infinite.
            let band = if distribution == Distribution::Pareto {
                0.1
            } else {
                0.02
            };
            assert!(
                (deviation / spread - 1.0).abs() < band,
                "{distribution:?}: {deviation}"
            );
            assert!(drawn.iter().all(|d| *d >= 0.0));
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_and_strength_scales_it() {
        let of = latency(100_000.0, 50_000.0, Distribution::Normal);
        let times = |seed, strength| {
            let mut bench = Bench::new(&of.maker(), seed).strength(strength);
            for n in 0..20 {
                bench.give(n * 1_000_000, b"x");
            }
            bench.run().iter().map(|(at, _)| *at).collect::<Vec<u64>>()
        };
        assert_eq!(times(7, 1.0), times(7, 1.0));
        assert_ne!(times(7, 1.0), times(8, 1.0));
        for (n, (full, half)) in times(7, 1.0).iter().zip(times(7, 0.5)).enumerate() {
            let began = n as u64 * 1_000_000;
            assert!((full - began).abs_diff(2 * (half - began)) <= 2);
        }
    }
}
