//! CPU time per call: mcp-gen beside wrk over HTTP/1.1, and beside the floor over WebSocket, on the same server.

use crate::figures::Figures;
use crate::lean;
use crate::load::{Load, body};
use crate::machine::Machine;
use crate::pinned;
use crate::wrk::Wrk;
use anyhow::{Context as _, Result};
use pipe_tests::Server;
use std::time::Duration;

const CLIENTS: usize = 50;

/// One program's column.
#[derive(Default)]
struct Column {
    cpu_us: Figures,
    per_s: Figures,
}

impl Column {
    fn push(&mut self, (cpu_us, per_s): (f64, f64)) {
        self.cpu_us.push(cpu_us);
        self.per_s.push(per_s);
    }
}

/// Runs all in turn, and prints the table.
pub fn compare(machine: &Machine, rounds: usize, span: Duration) -> Result<()> {
    // Stateless, since wrk opens no session.
    let server = pinned::on(machine.server_cpu, || Server::start(&["--stateless"]))?;
    let (http, ws) = (server.http(), server.ws());
    let authority = http.split('/').nth(2).context("a URL has an authority")?;
    let cpu = machine.client_cpu;
    let wrk = Wrk::new()?;
    let ours = |url: &str, in_flight: usize| -> Result<((f64, f64), f64)> {
        let load = Load::echo(cpu, url, span, CLIENTS, in_flight)?;
        let per_s = load.calls() / span.as_secs_f64();
        Ok(((load.cpu_us_per_call, per_s), load.request_bytes()))
    };
    let (mut gen_http, mut wrk_http, mut bytes) = (Column::default(), Column::default(), 0.0);
    let mut by_depth = [1, 8, 64].map(|depth| (depth, Column::default(), Column::default()));
    for _ in 0..rounds {
        wrk_http.push(wrk.run(cpu, &http, span, CLIENTS)?);
        let (figures, request_bytes) = ours(&http, 1)?;
        gen_http.push(figures);
        bytes = request_bytes;
        for (depth, gen_ws, lean_ws) in &mut by_depth {
            lean_ws.push(pinned::on(cpu, || {
                lean::run(authority, span, CLIENTS, *depth)
            })??);
            gen_ws.push(ours(&ws, *depth)?.0);
        }
    }
    println!(
        "\nCPU µs per call (user and system), tools/call echo of 512 bytes, {CLIENTS} connections, closed loop: median of {rounds} rounds of {} s, range",
        span.as_secs()
    );
    println!(
        "{:<24} {:<10} {:>24} {:>24} {:>22}",
        "", "", "CPU µs per call", "ratio, round by round", "calls/s (median)"
    );
    let line = |what: &str, who: &str, column: &Column, to: Option<&Column>| {
        println!(
            "{what:<24} {who:<10} {:>24} {:>24} {:>22.0}",
            column.cpu_us.to_string(),
            to.map_or_else(String::new, |to| column
                .cpu_us
                .ratios(&to.cpu_us)
                .to_string()),
            column.per_s.median()
        );
    };
    line("HTTP/1.1, 1 in flight", "wrk", &wrk_http, None);
    line("", "mcp-gen", &gen_http, Some(&wrk_http));
    for (depth, gen_ws, lean_ws) in &by_depth {
        line(
            &format!("WebSocket, {depth} in flight"),
            "raw loop",
            lean_ws,
            None,
        );
        line("", "mcp-gen", gen_ws, Some(lean_ws));
    }
    println!(
        "wrk's body has {} bytes, mcp-gen's whole request {bytes:.0}; wrk and the raw loop look at no answer and measure no lag",
        body().len()
    );
    Ok(())
}
