//! The condition of a knee: `p99 < 200ms and error_rate < 1%`.

use crate::tally::Cell;
use protocol::outcome::Outcome;
use record::units::{self, show_us};
use record::{Histogram, Quantile};
use std::str::FromStr;

/// What calls must be like for a rate to count as one that the server can do: all of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As it was given.
    pub text: String,
    clauses: Vec<Clause>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Clause {
    /// This percentile of the response times is below so many microseconds.
    Latency(Quantile, u64),
    /// The share of errors is below this.
    ErrorRate(f64),
}

/// What a condition says of some calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Whether all of it is so.
    pub met: bool,
    /// The figures, as a person reads them: `p99 340 ms, error_rate 0.2 %`.
    pub figures: String,
}

/// Calls that never came back: slower than any limit.
const NEVER_CAME: [Outcome; 4] = [
    Outcome::Timeout,
    Outcome::Abandoned,
    Outcome::ConnectionClosed { reused: false },
    Outcome::StreamEnded,
];
/// Outcomes that are no error of the server's.
const NO_ERRORS: [Outcome; 4] = [
    Outcome::Ok,
    Outcome::InputRequired,
    Outcome::Cancelled,
    Outcome::Shed,
];

impl Condition {
    /// Whether it holds of these calls.
    #[must_use]
    pub fn of(&self, calls: &Cell) -> Held {
        let found: Vec<(bool, String)> = self.clauses.iter().map(|c| c.of(calls)).collect();
        let figures: Vec<String> = found.iter().map(|(_, figure)| figure.clone()).collect();
        Held {
            met: found.iter().all(|(met, _)| *met),
            figures: figures.join(", "),
        }
    }

    /// So many calls it takes before it can be judged.
    #[must_use]
    pub fn needed(&self) -> u64 {
        let each = self.clauses.iter().map(|c| match c {
            Clause::Latency(q, _) => q.needed(),
            // An error in so many would be seen 20 times over.
            Clause::ErrorRate(limit) => (20.0 / limit.max(0.001)) as u64,
        });
        each.max().unwrap_or(0)
    }

    /// The smallest latency that is asked about, in microseconds.
    #[must_use]
    pub fn least_us(&self) -> Option<u64> {
        let latencies = self.clauses.iter().filter_map(|c| match c {
            Clause::Latency(_, limit_us) => Some(*limit_us),
            Clause::ErrorRate(_) => None,
        });
        latencies.min()
    }
}

impl Clause {
    fn of(self, calls: &Cell) -> (bool, String) {
        let count = |outcomes: &[Outcome]| -> u64 {
            outcomes.iter().map(|o| calls.outcomes[o.index()]).sum()
        };
        match self {
            Self::Latency(q, limit_us) => {
                let none = Histogram::default();
                let response = calls.response.as_deref().unwrap_or(&none);
                match q.of(response, count(&NEVER_CAME)) {
                    Some(us) => (us < limit_us, format!("{q} {}", show_us(us))),
                    None => (false, format!("{q} > timeout")),
                }
            }
            Self::ErrorRate(limit) => {
                let errors = calls.done() - count(&NO_ERRORS);
                let of = calls.done() - count(&[Outcome::Shed]);
                let share = errors as f64 / of.max(1) as f64;
                (
                    of > 0 && share < limit,
                    format!("error_rate {:.2} %", share * 100.0),
                )
            }
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let clauses: Vec<Clause> = text.split(" and ").map(clause).collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.trim().to_owned(),
            clauses,
        })
    }
}

fn clause(text: &str) -> Result<Clause, String> {
    const FORM: &str = "write 'p99 < 200ms', 'error_rate < 1%', or both with 'and' between";
    let (figure, limit) = text.split_once('<').ok_or_else(|| {
        format!(
            "{:?} has no '<', which says what is still good: {FORM}",
            text.trim()
        )
    })?;
    let (figure, limit) = (figure.trim(), limit.trim_start_matches('=').trim());
    if figure == "error_rate" {
        return match units::share(limit) {
            Ok(share) if share > 0.0 => Ok(Clause::ErrorRate(share)),
            Ok(_) => Err("error_rate < 0 can never be: write 'error_rate < 0.1%'".to_owned()),
            Err(e) => Err(e.to_string()),
        };
    }
    let quantile = figure
        .strip_prefix('p')
        .and_then(Quantile::parse)
        .ok_or_else(|| format!("there is no figure {figure:?} to search by: {FORM}"))?;
    // A bare number would be seconds, and hardly anybody means that here.
    if !limit.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!("{limit:?} is no latency: write it like 200ms"));
    }
    let limit = units::duration(limit).map_err(|e| e.to_string())?;
    match limit.as_micros() as u64 {
        0 => Err(format!("{figure} can't be below 0")),
        us => Ok(Clause::Latency(quantile, us)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(ok_us: &[u64], timeouts: u64, tool_errors: u64) -> Cell {
        let mut cell = Cell::default();
        for us in ok_us {
            cell.outcome(Outcome::Ok);
            crate::tally::count(&mut cell.response, us * 1_000);
        }
        (0..timeouts).for_each(|_| cell.outcome(Outcome::Timeout));
        (0..tool_errors).for_each(|_| cell.outcome(Outcome::ToolError));
        cell
    }

    #[test]
    fn conditions_hold_of_all_their_figures() {
        let both: Condition = "p90 < 20ms and error_rate < 5%".parse().unwrap();
        let fast = vec![10_000; 100];
        assert_eq!(
            both.of(&calls(&fast, 0, 0)),
            Held {
                met: true,
                figures: "p90 10.0 ms, error_rate 0.00 %".to_owned()
            }
        );
        assert!(!both.of(&calls(&fast, 0, 6)).met, "errors");
        assert!(both.of(&calls(&fast, 0, 5)).met, "fewer errors");
        let slow: Vec<u64> = (0..100).map(|i| i * 1_000).collect();
        assert!(!both.of(&calls(&slow, 0, 0)).met, "slow");
        assert_eq!((both.needed(), both.least_us()), (400, Some(20_000)));
    }

    #[test]
    fn calls_that_never_came_are_slower_than_any_limit() {
        let p90: Condition = "p90<1h".parse().unwrap();
        let fast = vec![10_000; 90];
        assert!(p90.of(&calls(&fast, 10, 0)).met);
        assert!(!p90.of(&calls(&fast, 11, 0)).met);
        assert!(!p90.of(&calls(&[], 0, 0)).met, "nothing came");
    }

    #[test]
    fn what_is_wrong_is_told_with_the_way_out() {
        for (text, says) in [
            ("", "p99 < 200ms"),
            ("p99 > 200ms", "no '<'"),
            ("p99 < 200", "like 200ms"),
            ("p99 < 1%", "like 200ms"),
            ("p99 < 0ms", "below 0"),
            ("latency < 200ms", "no figure \"latency\""),
            ("error_rate < 0", "error_rate < 0.1%"),
            ("error_rate < 200ms", "share"),
            ("p99 < 1s and", "duration"),
        ] {
            let told = text.parse::<Condition>();
            assert!(
                told.as_ref().is_err_and(|e| e.contains(says)),
                "{text}: {told:?}"
            );
        }
    }
}
