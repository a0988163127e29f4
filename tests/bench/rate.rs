//! Many messages a second: a deep window on the raw server, and an open schedule of 200,000 pings a second.

use crate::echo;
use crate::figures::Figures;
use crate::lean::Lean;
use crate::load::{self, Load};
use crate::machine::Machine;
use crate::pinned;
use crate::table::{Column, Table};
use anyhow::Result;
use pipe_tests::Server;
use std::time::Duration;

const CLIENTS: usize = 20;
const DEEP: usize = 512;
const PER_S: f64 = 200_000.0;

/// As many pings a second as one core makes.
pub fn deep(machine: &Machine, rounds: usize, span: Duration) -> Result<()> {
    let authority = echo::start(machine.server_cpu)?;
    let url = format!("ws://{authority}/mcp");
    let cpu = machine.client_cpu;
    let (mut raw, mut ours) = (Column::default(), Column::default());
    for _ in 0..rounds {
        raw.push(pinned::on(cpu, || {
            Lean::open(&authority, CLIENTS)?.run(&load::ping(), span, DEEP)
        })??);
        let options = [ping("1B"), load::closed(CLIENTS, DEEP)].concat();
        let load = Load::run(cpu, &url, span, None, &options)?;
        ours.push((load.cpu_us_per_call, load.per_s));
    }
    let table = Table::begin(&format!(
        "ping over WebSocket, {CLIENTS} connections with {DEEP} in flight, on the raw server: median of {rounds} rounds of {} s, range",
        span.as_secs()
    ));
    table.line("deep window", "raw loop", &raw, None);
    table.line("", "mcp-gen", &ours, Some(&raw));
    let full = Figures::of(
        ours.cpu_us
            .each()
            .zip(ours.per_s.each())
            .map(|(us, n)| us * n / 1e4),
    );
    println!("mcp-gen's core was busy for {full} % of the time: below 100 the server's was full");
    Ok(())
}

/// An open schedule of 200,000 messages a second, as of message-bomber, on the raw server and on the reference server.
pub fn bomber(machine: &Machine, rounds: usize, span: Duration) -> Result<()> {
    let raw = format!("ws://{}/mcp", echo::start(machine.server_cpu)?);
    let server = pinned::on(machine.server_cpu, || Server::start(&[]))?;
    let servers = [
        ("raw server", raw, None),
        ("reference server", server.ws(), Some(server.pid())),
    ];
    println!(
        "\nping over WebSocket, {CLIENTS} clients x 10,000/s, 128 bytes, open schedule: median of {rounds} rounds of {} s, range",
        span.as_secs()
    );
    println!(
        "{:<18} {:>24} {:>22} {:>22} {:>26} {:>22}",
        "",
        "answered in time, %",
        "CPU µs a message",
        "server's",
        "lag p99, µs",
        "response p50, µs"
    );
    let mut rows = servers
        .each_ref()
        .map(|_| [(); 5].map(|()| Figures::default()));
    for _ in 0..rounds {
        for ((_, url, pid), row) in servers.iter().zip(&mut rows) {
            let clients = ["--clients", "20", "--rate", "10000/s"].map(str::to_owned);
            let options = [ping("128B"), clients.to_vec()].concat();
            let load = Load::run(machine.client_cpu, url, span, *pid, &options)?;
            let figures = [
                100.0 * load.figure("/ok_in_stage") / (PER_S * span.as_secs_f64()),
                load.cpu_us_per_call,
                load.server_us_per_call,
                load.figure("/lag/p99_us"),
                load.figure("/response/p50_us"),
            ];
            for (all, figure) in row.iter_mut().zip(figures) {
                all.push(figure);
            }
        }
    }
    for ((name, ..), row) in servers.iter().zip(&rows) {
        let [answered, cpu, server, lag, response] = row.each_ref().map(ToString::to_string);
        println!("{name:<18} {answered:>24} {cpu:>22} {server:>22} {lag:>26} {response:>22}");
    }
    Ok(())
}

fn ping(payload: &str) -> Vec<String> {
    [
        "--profile",
        "message-bomber",
        "--method",
        "ping",
        "--payload",
        payload,
    ]
    .map(str::to_owned)
    .to_vec()
}
