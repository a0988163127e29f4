//! Tools that nobody has named and that hold a connection for seconds: told at the end, with the way to leave them out.

use crate::menu::Labels;
use crate::tally::Cell;
use protocol::outcome::Outcome;
use record::Histogram;
use record::kind::Warning;
use std::collections::BTreeMap;

/// A median of this much is no answer to a question but a job.
const SLOW_US: u64 = 1_000_000;
/// A tool is slow beside its fellows, not on a server all of which is.
const TIMES_THE_REST: u64 = 10;

/// A warning for each slow tool of a menu that was made up from `readOnlyHint`, which promises nothing about time. On
/// HTTP/1.1 such a tool fills all connections before long, and the figures of all other calls are then its doing.
#[must_use]
pub fn warnings(by_label: &BTreeMap<u16, Cell>, labels: &Labels, named: &[String]) -> Vec<Warning> {
    let tool = |label: &u16| labels.all().get(usize::from(*label))?.tool.as_ref();
    by_label
        .iter()
        .filter_map(|(label, cell)| Some((label, tool(label)?, cell)))
        .filter(|(_, tool, cell)| !named.contains(tool) && is_slow(cell))
        .filter(|(label, _, _)| SLOW_US >= TIMES_THE_REST * rest_us(by_label, labels, **label))
        .map(|(_, tool, cell)| {
            let answered = match median_us(cell) {
                0 => String::new(),
                us => format!(", and half of those answered took {:.1} s or more", us as f64 / 1e6),
            };
            let text = format!(
                "the tool {tool} holds a connection for seconds: of its {} calls, {} timed out{answered}; other calls may have waited behind them",
                cell.done(),
                timeouts(cell),
            );
            Warning::new("slow_tool", text).remedy(format!(
                "leave it out with --skip-tool {tool}, or give it something short to do with --args '{tool}={{…}}'"
            ))
        })
        .collect()
}

fn is_slow(cell: &Cell) -> bool {
    let sent = cell.sent.max(1);
    2 * timeouts(cell) >= sent || median_us(cell) >= SLOW_US
}

fn timeouts(cell: &Cell) -> u64 {
    cell.outcomes[Outcome::Timeout.index()]
}

fn median_us(cell: &Cell) -> u64 {
    cell.service.as_ref().map_or(0, |s| s.quantile_us(0.5))
}

/// The median service time of all other calls; huge where there are none that went well.
fn rest_us(by_label: &BTreeMap<u16, Cell>, labels: &Labels, label: u16) -> u64 {
    let mut rest = Histogram::default();
    let others = by_label
        .iter()
        .filter(|(other, _)| **other != label && !labels.is_connect(**other));
    for service in others.filter_map(|(_, cell)| cell.service.as_ref()) {
        rest.add(service);
    }
    if rest.is_empty() {
        return SLOW_US;
    }
    rest.quantile_us(0.5)
}
