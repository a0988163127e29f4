//! Whether the generator itself keeps up with its schedule, and what is said where it does not.

use crate::tally::Cell;
use protocol::outcome::Outcome;
use record::Histogram;
use record::kind::Warning;
use record::units::show_us;

/// So late is told while it happens: less may be one busy moment of the machine, and is weighed at the end.
const AT_ONCE_US: u64 = 100_000;
/// Lag below this never matters; mcp-report has the same two limits where no gate asks for a lower latency.
const FLOOR_US: u64 = 1_000;
const SHARE: u64 = 10;
/// A p99 of fewer calls is one call.
const LEAST_CALLS: u64 = 100;

const REMEDY: &str = "raise --threads, lower the rate, or give mcp-gen cores of its own: the figures are its own as long as it is late, and mcp-report calls such a run INVALID";

/// What was said so far.
#[derive(Debug, Default)]
pub struct Lateness {
    unsaid: Option<Warning>,
    is_told: bool,
}

impl Lateness {
    /// Looks at the calls of an interval.
    pub fn look<'a>(&mut self, cells: impl Iterator<Item = &'a Cell>) {
        if self.is_told {
            return;
        }
        let (mut shed, mut lag) = (0, Histogram::default());
        for cell in cells {
            shed += cell.outcomes[Outcome::Shed.index()];
            if let Some(own) = &cell.lag {
                lag.add(own);
            }
        }
        let p99_us = if lag.is_empty() {
            0
        } else {
            lag.quantile_us(0.99)
        };
        let text = if shed > 0 {
            format!(
                "mcp-gen itself has fallen behind its schedule: {shed} calls were more than 1 s late within an interval, so they are not made (shed)"
            )
        } else if p99_us > AT_ONCE_US {
            format!(
                "mcp-gen itself has fallen behind its schedule: within an interval it took calls up {} late (p99)",
                show_us(p99_us)
            )
        } else {
            return;
        };
        self.put(text);
    }

    /// Looks at all calls of the load, once it is over.
    pub fn look_at_all(&mut self, sum: &Cell) {
        let p99_us = |h: &Option<Box<Histogram>>| h.as_ref().map_or(0, |h| h.quantile_us(0.99));
        let (lag_us, limit_us) = (p99_us(&sum.lag), p99_us(&sum.response) / SHARE);
        let is_late = lag_us > FLOOR_US.max(limit_us) && sum.scheduled >= LEAST_CALLS;
        if is_late && !self.is_told {
            self.put(format!(
                "mcp-gen itself was late: it took calls up {} after they were due (lag p99 of the whole load)",
                show_us(lag_us)
            ));
        }
    }

    fn put(&mut self, text: String) {
        self.is_told = true;
        self.unsaid = Some(Warning::new("fell_behind", text).remedy(REMEDY));
    }

    /// What is to be said by now.
    pub fn tell(&mut self) -> Option<Warning> {
        self.unsaid.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::count;

    fn cell(calls: u64, lag_us: u64, response_us: u64) -> Cell {
        let mut cell = Cell {
            scheduled: calls,
            ..Cell::default()
        };
        for _ in 0..calls {
            count(&mut cell.lag, lag_us * 1_000);
            count(&mut cell.response, response_us * 1_000);
        }
        cell
    }

    #[test]
    fn what_is_shed_or_very_late_is_told_at_once_and_once() {
        let mut lateness = Lateness::default();
        lateness.look([cell(1_000, 50_000, 50_100)].iter());
        assert!(lateness.tell().is_none(), "a busy moment");
        let mut late = cell(10, 300_000, 300_100);
        for (shed, says) in [(0, "300"), (7, "7 calls")] {
            late.outcomes[Outcome::Shed.index()] = shed;
            let mut lateness = Lateness::default();
            lateness.look([cell(5, 10, 90), late.clone()].iter());
            let told = lateness.tell().expect("it is late");
            assert!(told.text.contains(says), "{}", told.text);
            lateness.look([late.clone()].iter());
            lateness.look_at_all(&late);
            assert!(lateness.tell().is_none());
        }
    }

    #[test]
    fn the_whole_load_is_weighed_as_the_report_weighs_it() {
        for (sum, is_late) in [
            (cell(1_000, 900, 1_000), false),
            (cell(1_000, 2_000, 2_500), true),
            (cell(1_000, 2_000, 50_000), false),
            (cell(50, 2_000, 2_500), false),
        ] {
            let mut lateness = Lateness::default();
            lateness.look_at_all(&sum);
            assert_eq!(lateness.tell().is_some(), is_late, "{sum:?}");
        }
    }
}
