//! How long a call takes: a fixed time or a distribution, written `5ms` or `lognormal:median=5ms,sigma=0.5`.

use std::str::FromStr;
use std::time::Duration;

use super::rng::Rng;
use super::{SpecError, fields};

/// The service time of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// Always the same: `5ms`.
    Fixed(Duration),
    /// `lognormal:median=5ms,sigma=0.5`: the usual shape of a real server, with a long right tail.
    Lognormal {
        /// Half of the calls are faster.
        median: Duration,
        /// Standard deviation of the logarithm, 0 to 5.
        sigma: f64,
    },
    /// `exp:mean=5ms`: what queueing theory computes with.
    Exponential {
        /// The mean service time.
        mean: Duration,
    },
    /// `uniform:min=1ms,max=9ms`.
    Uniform {
        /// The fastest call.
        min: Duration,
        /// The slowest call.
        max: Duration,
    },
}

/// A heavy tail would otherwise draw a call that outlives every run.
const LONGEST_NS: f64 = 3_600e9;

impl Latency {
    /// Draws the service time of one call, in nanoseconds, at most an hour.
    pub(crate) fn draw_ns(self, rng: &mut Rng) -> u64 {
        let ns = match self {
            Self::Fixed(time) => time.as_nanos() as f64,
            Self::Lognormal { median, sigma } => {
                median.as_nanos() as f64 * (sigma * rng.normal()).exp()
            }
            Self::Exponential { mean } => mean.as_nanos() as f64 * -rng.unit().ln(),
            Self::Uniform { min, max } => {
                let (min, max) = (min.as_nanos() as f64, max.as_nanos() as f64);
                min + (max - min) * rng.unit()
            }
        };
        ns.min(LONGEST_NS).round() as u64
    }
}

impl FromStr for Latency {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError {
            text: text.to_owned(),
            what: "latency",
            expected: "write 5ms, lognormal:median=5ms,sigma=0.5, exp:mean=5ms or uniform:min=1ms,max=9ms",
        };
        let time = |text: &str| record::units::duration(text).map_err(|_| wrong());
        let Some((kind, rest)) = text.split_once(':') else {
            return time(text).map(Self::Fixed);
        };
        let latency = match kind {
            "lognormal" => {
                let [median, sigma] = fields(rest, ["median", "sigma"]).ok_or_else(wrong)?;
                Self::Lognormal {
                    median: time(median)?,
                    sigma: sigma
                        .parse()
                        .ok()
                        .filter(|sigma| (0.0..=5.0).contains(sigma))
                        .ok_or_else(wrong)?,
                }
            }
            "exp" => {
                let [mean] = fields(rest, ["mean"]).ok_or_else(wrong)?;
                Self::Exponential { mean: time(mean)? }
            }
            "uniform" => {
                let [min, max] = fields(rest, ["min", "max"]).ok_or_else(wrong)?;
                Self::Uniform {
                    min: time(min)?,
                    max: time(max)?,
                }
            }
            _ => return Err(wrong()),
        };
        match latency {
            Self::Uniform { min, max } if min > max => Err(wrong()),
            fine => Ok(fine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(latency: &str, q: f64) -> f64 {
        let latency: Latency = latency.parse().unwrap();
        let mut rng = Rng::new(3);
        let mut drawn: Vec<u64> = (0..100_000).map(|_| latency.draw_ns(&mut rng)).collect();
        drawn.sort_unstable();
        drawn[(q * drawn.len() as f64) as usize] as f64 / 1e6
    }

    #[test]
    fn each_distribution_has_the_quantiles_of_its_formula() {
        for (spec, q, expected_ms) in [
            ("5ms", 0.99, 5.0),
            ("lognormal:median=5ms,sigma=0.5", 0.5, 5.0),
            (
                "lognormal:median=5ms,sigma=0.5",
                0.99,
                5.0 * (0.5_f64 * 2.3263).exp(),
            ),
            ("exp:mean=5ms", 0.5, 5.0 * std::f64::consts::LN_2),
            ("exp:mean=5ms", 0.99, 5.0 * 100_f64.ln()),
            ("uniform:min=1ms,max=9ms", 0.25, 3.0),
        ] {
            let seen = quantile(spec, q);
            assert!(
                (seen / expected_ms - 1.0).abs() < 0.03,
                "{spec} p{q}: {seen} ms"
            );
        }
    }

    #[test]
    fn what_is_no_latency_is_refused_with_a_way_to_write_one() {
        for text in [
            "",
            "fast",
            "-5ms",
            "lognormal:median=5ms",
            "lognormal:median=5ms,sigma=9",
            "lognormal:sigma=1,median=5ms,extra=1",
            "exp:5ms",
            "uniform:min=9ms,max=1ms",
            "pareto:mean=1ms",
        ] {
            let error = text.parse::<Latency>().unwrap_err();
            assert!(error.to_string().contains("lognormal:median=5ms"), "{text}");
        }
    }
}
