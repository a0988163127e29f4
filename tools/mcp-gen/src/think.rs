//! Think time: how long a user of the closed model waits after an answer before the next call.

use crate::dice;
use record::units;
use std::str::FromStr;

/// How long a user thinks, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Think {
    /// Always so long; 0 is not at all.
    Fixed(u64),
    /// Exponentially distributed, with this mean.
    Exponential(u64),
    /// Anything between these two, each as likely.
    Uniform(u64, u64),
}

/// Keeps these throws apart from those that choose what is called.
const SALT: u64 = 0x7468_696e_6b74_696d;

impl Think {
    /// Not at all.
    pub const NONE: Self = Self::Fixed(0);

    /// How long this client thinks before its call with this index.
    #[must_use]
    pub fn draw_ns(self, seed: u64, client: u32, index: u64) -> u64 {
        let u = || dice::fraction(seed ^ SALT, u64::from(client), index);
        match self {
            Self::Fixed(ns) => ns,
            Self::Exponential(mean) => (-(1.0 - u()).ln() * mean as f64) as u64,
            Self::Uniform(from, to) => from + (u() * (to - from) as f64) as u64,
        }
    }

    /// When in its first pause a user is met at the begin of the load: users don't all come out of theirs at once.
    #[must_use]
    pub fn first_ns(self, seed: u64, client: u32, user: u32) -> u64 {
        let throw =
            |salt: u64| dice::fraction(seed ^ SALT ^ salt, u64::from(client), u64::from(user));
        let pause = self.draw_ns(!seed, client, u64::from(user));
        (throw(1) * pause as f64) as u64
    }
}

impl FromStr for Think {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = |text: &str| {
            units::duration(text)
                .map(|d| d.as_nanos() as u64)
                .map_err(|e| e.to_string())
        };
        match text.split_once(':') {
            None => time(text)
                .map(Self::Fixed)
                .map_err(|e| format!("{e}; or exp:200ms, uniform:100ms..300ms")),
            Some(("exp", mean)) => time(mean).map(Self::Exponential),
            Some(("uniform", range)) => {
                let (from, to) = range
                    .split_once("..")
                    .ok_or("write it as uniform:100ms..300ms")?;
                let (from, to) = (time(from)?, time(to)?);
                if from > to {
                    return Err("the shorter time comes first: uniform:100ms..300ms".to_owned());
                }
                Ok(Self::Uniform(from, to))
            }
            Some((name, _)) => Err(format!(
                "there is no think time {name:?}: write 200ms, exp:200ms (the mean) or uniform:100ms..300ms"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn think_times_as_people_type_them() {
        for (text, think) in [
            ("200ms", Think::Fixed(200 * MS)),
            ("0", Think::NONE),
            ("exp:200ms", Think::Exponential(200 * MS)),
            ("uniform:100ms..0.3s", Think::Uniform(100 * MS, 300 * MS)),
        ] {
            assert_eq!(text.parse(), Ok(think), "{text}");
        }
        for (text, says) in [
            ("soon", "exp:200ms"),
            ("gauss:1s", "no think time \"gauss\""),
            ("uniform:1s", "uniform:100ms..300ms"),
            ("uniform:2s..1s", "shorter time comes first"),
            ("exp:x", "duration"),
        ] {
            let told = text.parse::<Think>();
            assert!(told.as_ref().is_err_and(|e| e.contains(says)), "{told:?}");
        }
    }

    #[test]
    fn users_think_as_long_as_they_are_told_on_average() {
        for (think, low_ms, high_ms) in [
            (Think::Fixed(200 * MS), 200, 200),
            (Think::Exponential(200 * MS), 0, 4_000),
            (Think::Uniform(100 * MS, 300 * MS), 100, 300),
        ] {
            let draws: Vec<u64> = (0..20_000).map(|i| think.draw_ns(7, 3, i)).collect();
            assert!(
                draws
                    .iter()
                    .all(|d| (low_ms * MS..=high_ms * MS).contains(d))
            );
            let mean = draws.iter().sum::<u64>() / 20_000;
            assert!(mean.abs_diff(200 * MS) < 6 * MS, "{think:?}: {mean}");
        }
    }
}
