//! The stall test in cells: a transport, a rate, and how calls arrive.

use crate::judge;
use crate::round::{Round, Scene};

/// The server answers nothing for a second in each ten.
const STALL: [&str; 2] = ["--stall", "1s/10s"];
const TRANSPORTS: [&str; 6] = ["ws", "legacy", "modern", "tcp", "stdio", "sse"];
const RATES: [u32; 3] = [100, 1_000, 10_000];
const ARRIVALS: [&str; 2] = ["constant", "poisson"];

/// A cell of the table.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    transport: &'static str,
    per_s: u32,
    arrivals: &'static str,
}

const fn cell(transport: &'static str, per_s: u32, arrivals: &'static str) -> Cell {
    Cell {
        transport,
        per_s,
        arrivals,
    }
}

/// Each transport at one rate at least, each rate with both kinds of arrivals; beside those that have tests of their own.
pub const SELECTION: [Cell; 7] = [
    cell("legacy", 100, "poisson"),
    cell("tcp", 100, "constant"),
    cell("stdio", 1_000, "constant"),
    cell("sse", 1_000, "poisson"),
    cell("modern", 10_000, "constant"),
    cell("ws", 10_000, "poisson"),
    cell("tcp", 10_000, "constant"),
];

impl Cell {
    /// Holds the report against the truth: over one stall period, or as long as a p99 takes at 100/s.
    pub fn hold(self) {
        let span = if self.per_s == 100 { "23s" } else { "10s" };
        self.judge(span)
            .unwrap_or_else(|found| panic!("{self:?}: {found:#?}"));
    }

    fn judge(self, span: &str) -> Result<Round, Vec<String>> {
        let clients = match (self.transport, self.per_s) {
            // One server process a client, each with stalls of its own.
            ("stdio", _) => 1,
            (_, 10_000) => 100,
            _ => 10,
        };
        let (clients, rate) = (clients.to_string(), format!("{}/s", self.per_s));
        judge::judge(&Scene {
            server: &STALL,
            transport: self.transport,
            load: &[
                "--clients",
                &clients,
                "--total-rate",
                &rate,
                "--arrivals",
                self.arrivals,
            ],
            span,
        })
    }
}

/// Holds every cell, over as long as a p99.9 takes, and goes on where one disagrees.
///
/// # Panics
/// In the end, with all that disagreed.
pub fn hold_all() {
    let mut failed = Vec::new();
    for per_s in RATES {
        for transport in TRANSPORTS {
            for arrivals in ARRIVALS {
                let cell = cell(transport, per_s, arrivals);
                let span = if per_s == 100 { "100s" } else { "20s" };
                if let Err(found) = cell.judge(span) {
                    println!("{cell:?} disagrees: {found:#?}");
                    failed.push((cell, found));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
