//! CPU time per call while the load runs: its begin, with start-up and connecting, and its end are left out.

use crate::pinned;
use anyhow::{Result, bail};
use serde_json::Value;

/// CPU time when each interval of the load was over, and the calls in it.
pub struct Meter {
    pid: u32,
    server: Option<u32>,
    marks: Vec<Mark>,
}

struct Mark {
    start_us: u64,
    cpu_us: Option<f64>,
    server_us: Option<f64>,
    ok: f64,
}

impl Meter {
    /// Of a generator, and of a server where its pid is known.
    pub fn new(pid: u32, server: Option<u32>) -> Self {
        Self {
            pid,
            server,
            marks: Vec::new(),
        }
    }

    /// Takes a record of the generator, as soon as it was written.
    pub fn take(&mut self, line: &Value) {
        if line["type"] != "interval" || line["stage"] != "steady" || line["method"] == "connect" {
            return;
        }
        let start_us = line["start_us"].as_u64().unwrap_or_default();
        if self.marks.last().is_none_or(|m| m.start_us != start_us) {
            self.marks.push(Mark {
                start_us,
                cpu_us: pinned::cpu_us(self.pid),
                server_us: self.server.and_then(pinned::cpu_us),
                ok: 0.0,
            });
        }
        if let Some(mark) = self.marks.last_mut() {
            mark.ok += line["ok"].as_f64().unwrap_or_default();
        }
    }

    /// Of the generator and of the server, between the first interval and the last one that still found them alive.
    ///
    /// # Errors
    /// Where there were fewer than two.
    pub fn per_call(&self) -> Result<(f64, f64)> {
        let alive: Vec<_> = self.marks.iter().filter(|m| m.cpu_us.is_some()).collect();
        let (first, last) = match &alive[..] {
            [first, .., last] => (first, last),
            _ => bail!("the run was too short to be measured: give it more --seconds"),
        };
        let ok: f64 = alive[1..].iter().map(|m| m.ok).sum();
        let of = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (b - a) / ok,
            _ => f64::NAN,
        };
        Ok((
            of(first.cpu_us, last.cpu_us),
            of(first.server_us, last.server_us),
        ))
    }
}
