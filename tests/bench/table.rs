//! A table of CPU time per call: who needed how much, and how much of another's.

use crate::figures::Figures;

/// One program's figures.
#[derive(Default)]
pub struct Column {
    /// CPU microseconds per call.
    pub cpu_us: Figures,
    /// Calls per second.
    pub per_s: Figures,
}

impl Column {
    /// Adds a round: CPU microseconds per call, and calls per second.
    pub fn push(&mut self, (cpu_us, per_s): (f64, f64)) {
        self.cpu_us.push(cpu_us);
        self.per_s.push(per_s);
    }
}

/// A table whose head was printed.
pub struct Table;

impl Table {
    /// Prints what it is about, and its head.
    pub fn begin(title: &str) -> Self {
        println!("\n{title}");
        println!(
            "{:<28} {:<10} {:>24} {:>24} {:>30}",
            "", "", "CPU µs per call", "ratio, round by round", "calls/s"
        );
        Self
    }

    /// Prints one program's line; `to` is whose figures its own are divided by.
    pub fn line(&self, what: &str, who: &str, column: &Column, to: Option<&Column>) {
        println!(
            "{what:<28} {who:<10} {:>24} {:>24} {:>30}",
            column.cpu_us.to_string(),
            to.map_or_else(String::new, |to| column
                .cpu_us
                .ratios(&to.cpu_us)
                .to_string()),
            column.per_s.to_string()
        );
    }
}
