//! What a steady state asks for: limits of figures, and for how long they must hold.

use record::{Quantile, units};
use std::fmt;
use std::time::Duration;

/// More limits than this are no condition but an accident.
const MAX_LIMITS: usize = 16;
/// A state that lasts longer is no beginning.
const LONGEST: Duration = Duration::from_secs(3_600);

/// A condition, such as `error_rate < 1% and p99 < 200ms for 5s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    /// All of them must hold.
    pub limits: Vec<Limit>,
    /// For this long without a break.
    pub hold: Duration,
}

/// A figure and what it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Which.
    pub figure: Figure,
    /// Whether it must lie below the value, or above.
    pub is_below: bool,
    /// Whether it may be the value itself.
    pub or_equal: bool,
    /// A share, microseconds, or calls per second.
    pub value: f64,
}

/// What is looked at, second by second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// All outcomes but ok, cancelled and input_required, over all but shed.
    ErrorRate,
    /// Calls that ended ok, per second.
    Rate,
    /// A percentile of the response times.
    Percentile(Quantile),
}

impl Condition {
    /// Reads one.
    ///
    /// # Errors
    /// A sentence on what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: String| {
            format!(
                "steady state {text:?}: {what}: write it as 'error_rate < 1% for 5s', with error_rate, p50, p95, p99 or rate"
            )
        };
        let (limits, hold) = text
            .rsplit_once(" for ")
            .ok_or_else(|| wrong("for how long?".to_owned()))?;
        let hold = units::duration(hold.trim()).map_err(|e| wrong(e.to_string()))?;
        if hold.is_zero() || hold > LONGEST {
            return Err(wrong(
                "it must hold for more than 0 s and at most 1h".to_owned(),
            ));
        }
        let limits: Vec<Limit> = limits
            .split(" and ")
            .map(limit)
            .collect::<Result<_, _>>()
            .map_err(wrong)?;
        if limits.len() > MAX_LIMITS {
            return Err(wrong(format!("{MAX_LIMITS} limits are the most")));
        }
        Ok(Self {
            text: text.trim().to_owned(),
            limits,
            hold,
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn limit(text: &str) -> Result<Limit, String> {
    let at = text
        .find(['<', '>'])
        .ok_or_else(|| format!("{text:?} has neither < nor >"))?;
    let (name, rest) = text.split_at(at);
    let figure = match name.trim() {
        "error_rate" => Figure::ErrorRate,
        "rate" => Figure::Rate,
        name => name
            .strip_prefix('p')
            .and_then(Quantile::parse)
            .map(Figure::Percentile)
            .ok_or_else(|| format!("there is no figure {name:?}"))?,
    };
    let is_below = rest.starts_with('<');
    let rest = &rest[1..];
    let (or_equal, value) = match rest.strip_prefix('=') {
        Some(value) => (true, value.trim()),
        None => (false, rest.trim()),
    };
    let value = match figure {
        Figure::ErrorRate => units::share(value),
        Figure::Rate => units::rate(value),
        Figure::Percentile(_) => units::duration(value).map(|time| time.as_micros() as f64),
    }
    .map_err(|e| e.to_string())?;
    Ok(Limit {
        figure,
        is_below,
        or_equal,
        value,
    })
}

impl Limit {
    /// Whether a value is as wanted.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match (self.is_below, self.or_equal) {
            (true, false) => value < self.value,
            (true, true) => value <= self.value,
            (false, false) => value > self.value,
            (false, true) => value >= self.value,
        }
    }
}

impl Figure {
    /// A value for people: `error_rate was 12.5 %`.
    #[must_use]
    pub fn shown(self, value: Option<f64>) -> String {
        match (self, value) {
            (Self::ErrorRate, Some(share)) => format!("error_rate was {:.4} %", share * 100.0),
            (Self::ErrorRate, None) => "no call had ended".to_owned(),
            (Self::Rate, value) => format!("rate was {:.1}/s", value.unwrap_or(0.0)),
            (Self::Percentile(q), Some(us)) => format!("{q} was {}", units::show_us(us as u64)),
            (Self::Percentile(q), None) => format!("{q} lay beyond the timeout"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_have_limits_and_a_time() {
        let one = Condition::parse("error_rate < 1% for 5s").unwrap();
        assert_eq!(one.hold, Duration::from_secs(5));
        assert_eq!(one.limits.len(), 1);
        assert!(one.limits[0].holds(0.009) && !one.limits[0].holds(0.01));
        let two = Condition::parse("p99 <= 200ms and rate>50/s for 10s").unwrap();
        assert_eq!(two.limits.len(), 2);
        assert!(two.limits[0].holds(200_000.0) && !two.limits[0].holds(200_001.0));
        assert!(two.limits[1].holds(51.0) && !two.limits[1].holds(50.0));
    }

    #[test]
    fn what_is_no_condition_is_told_with_an_example() {
        for (text, words) in [
            ("error_rate < 1%", "for how long"),
            ("error_rate = 1% for 5s", "neither"),
            ("speed < 1% for 5s", "no figure \"speed\""),
            ("error_rate < many for 5s", "share"),
            ("error_rate < 1% for 0s", "more than 0 s"),
            ("", "for how long"),
        ] {
            let wrong = Condition::parse(text).unwrap_err();
            assert!(
                wrong.contains(words) && wrong.contains("error_rate < 1% for 5s"),
                "{wrong}"
            );
        }
    }
}
