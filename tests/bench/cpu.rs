//! CPU time per call: mcp-gen beside wrk over HTTP/1.1, and beside the floor over WebSocket, on the same server.

use crate::lean::Lean;
use crate::load::{self, Load};
use crate::machine::Machine;
use crate::pinned;
use crate::table::{Column, Table};
use crate::wrk::Wrk;
use anyhow::{Context as _, Result};
use pipe_tests::Server;
use std::time::Duration;

const CLIENTS: usize = 50;

/// Runs all in turn, and prints the table.
pub fn compare(machine: &Machine, rounds: usize, span: Duration) -> Result<()> {
    // Stateless, since wrk opens no session.
    let server = pinned::on(machine.server_cpu, || Server::start(&["--stateless"]))?;
    let (http, ws) = (server.http(), server.ws());
    let authority = http.split('/').nth(2).context("a URL has an authority")?;
    let cpu = machine.client_cpu;
    let wrk = Wrk::new(cpu, CLIENTS)?;
    let ours = |url: &str, in_flight: usize| {
        let options = [load::echo(), load::closed(CLIENTS, in_flight)].concat();
        Load::run(cpu, url, span, None, &options)
    };
    let (mut gen_http, mut wrk_http, mut bytes) = (Column::default(), Column::default(), 0.0);
    let mut by_depth = [1, 8, 64].map(|depth| (depth, Column::default(), Column::default()));
    for _ in 0..rounds {
        wrk_http.push(wrk.run(cpu, &http, span, CLIENTS)?);
        let load = ours(&http, 1)?;
        gen_http.push((load.cpu_us_per_call, load.per_s));
        bytes = load.request_bytes();
        for (depth, gen_ws, lean_ws) in &mut by_depth {
            lean_ws.push(pinned::on(cpu, || {
                Lean::open(authority, CLIENTS)?.run(&load::body(), span, *depth)
            })??);
            let load = ours(&ws, *depth)?;
            gen_ws.push((load.cpu_us_per_call, load.per_s));
        }
    }
    let table = Table::begin(&format!(
        "CPU µs per call (user and system, without start-up), tools/call echo of 512 bytes, {CLIENTS} connections, closed loop: median of {rounds} rounds of {} s, range",
        span.as_secs()
    ));
    table.line("HTTP/1.1, 1 in flight", "wrk", &wrk_http, None);
    table.line("", "mcp-gen", &gen_http, Some(&wrk_http));
    for (depth, gen_ws, lean_ws) in &by_depth {
        let what = format!("WebSocket, {depth} in flight");
        table.line(&what, "raw loop", lean_ws, None);
        table.line("", "mcp-gen", gen_ws, Some(lean_ws));
    }
    println!(
        "wrk's body has {} bytes, mcp-gen's whole request {bytes:.0}; wrk and the raw loop look at no answer and measure no lag",
        load::body().len()
    );
    Ok(())
}
