//! Many connections: how long they take, what they cost in CPU and memory, and what they make of a call's cost.

use crate::echo;
use crate::figures::Figures;
use crate::lean::Lean;
use crate::load::{self, Load};
use crate::machine::Machine;
use crate::pinned;
use crate::table::{Column, Table};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

/// What a run with so many idle connections cost.
struct Crowd {
    /// From t0 to the last connection, in milliseconds.
    all_ms: f64,
    /// CPU microseconds until then, per connection.
    cpu_us: f64,
    /// Resident memory a second later.
    resident_bytes: f64,
}

/// Opens `connections` that are then idle, beside the raw client.
pub fn idle(machine: &Machine, rounds: usize, connections: usize) -> Result<()> {
    let authority = echo::start(machine.server_cpu)?;
    let cpu = machine.client_cpu;
    let [mut ms, mut us, mut raw_us, mut bytes] = [(); 4].map(|()| Figures::default());
    for _ in 0..rounds {
        let alone = crowd(cpu, &authority, 1)?;
        let crowd = crowd(cpu, &authority, connections)?;
        ms.push(crowd.all_ms);
        us.push(crowd.cpu_us);
        bytes.push((crowd.resident_bytes - alone.resident_bytes) / connections as f64);
        // Half of them: this process holds the server's ends too.
        raw_us.push(pinned::on(cpu, || Lean::open(&authority, connections / 3))??.connect_us);
    }
    println!(
        "\n{connections} idle connections over WebSocket, initialized, --connect-for 2s, on the raw server: median of {rounds} rounds, range"
    );
    println!("all stand after            {ms} ms");
    println!(
        "CPU a connection           {us} µs; the raw client's {raw_us} µs, ratio {}",
        us.ratios(&raw_us)
    );
    println!("memory a connection        {bytes} bytes");
    Ok(())
}

fn crowd(cpu: usize, authority: &str, connections: usize) -> Result<Crowd> {
    let mut command = Command::new(pipe_tests::tools().join("mcp-gen"));
    command
        .args([
            "--url",
            &format!("ws://{authority}/mcp"),
            "--protocol",
            "legacy",
        ])
        .args([
            "--clients",
            &connections.to_string(),
            "--rate",
            "0.000001/s",
        ])
        .args(["--connect-for", "2s", "--warmup", "0s", "--for", "4s"])
        .args([
            "--interval",
            "100ms",
            "--profile",
            "message-bomber",
            "--method",
            "ping",
            "--quiet",
        ]);
    let mut child = pinned::start(cpu, &mut command)?;
    let pid = child.pid();
    let (mut t0_us, mut before_us) = (0, 0.0);
    let mut done: Option<(u64, Crowd)> = None;
    for line in child.lines()? {
        let line: Value = serde_json::from_str(&line?)?;
        if line["type"] == "ready" {
            t0_us = line["t0_us"].as_u64().context("ready has a t0")?;
        }
        if line["type"] == "stage" && line["stage"] == "connect" && line["state"] == "began" {
            before_us = pinned::cpu_us(pid).unwrap_or_default();
        }
        if line["type"] != "interval" || line["method"] != "connect" {
            continue;
        }
        let end_us = line["start_us"].as_u64().unwrap_or_default()
            + line["span_us"].as_u64().unwrap_or_default();
        match &mut done {
            None if line["connections"].as_u64() == Some(connections as u64) => {
                let cpu_us = pinned::cpu_us(pid).unwrap_or(f64::NAN) - before_us;
                let crowd = Crowd {
                    all_ms: end_us.saturating_sub(t0_us) as f64 / 1e3,
                    cpu_us: cpu_us / connections as f64,
                    resident_bytes: f64::NAN,
                };
                done = Some((end_us, crowd));
            }
            Some((at_us, crowd))
                if crowd.resident_bytes.is_nan() && end_us > *at_us + 1_000_000 =>
            {
                crowd.resident_bytes = pinned::resident_bytes(pid).unwrap_or(f64::NAN);
            }
            _ => {}
        }
    }
    child.end()?;
    Ok(done.context("not all clients were connected in time")?.1)
}

/// CPU per call at `many` connections against 100, beside the raw client's own.
pub fn many(machine: &Machine, rounds: usize, span: Duration, many: usize) -> Result<()> {
    let authority = echo::start(machine.server_cpu)?;
    let url = format!("ws://{authority}/mcp");
    let cpu = machine.client_cpu;
    let counts = [100, many];
    let mut columns = counts.map(|_| (Column::default(), Column::default()));
    for _ in 0..rounds {
        for (count, (raw, ours)) in counts.into_iter().zip(&mut columns) {
            raw.push(pinned::on(cpu, || {
                Lean::open(&authority, count)?.run(&load::ping(), span, 1)
            })??);
            let connect = ["--connect-for", "3s"].map(str::to_owned).to_vec();
            let ping = [
                "--profile",
                "message-bomber",
                "--method",
                "ping",
                "--payload",
                "1B",
            ]
            .map(str::to_owned);
            let options = [ping.to_vec(), load::closed(count, 1), connect].concat();
            let load = Load::run(cpu, &url, span, None, &options)?;
            ours.push((load.cpu_us_per_call, load.per_s));
        }
    }
    let table = Table::begin(&format!(
        "ping over WebSocket, 1 in flight, closed loop, on the raw server: median of {rounds} rounds of {} s, range",
        span.as_secs()
    ));
    for (count, (raw, ours)) in counts.iter().zip(&columns) {
        table.line(&format!("{count} connections"), "raw loop", raw, None);
        table.line("", "mcp-gen", ours, Some(raw));
    }
    let [(raw_few, few), (raw_many, all)] = &columns;
    let (ours, raw) = (
        all.cpu_us.ratios(&few.cpu_us),
        raw_many.cpu_us.ratios(&raw_few.cpu_us),
    );
    println!(
        "{many} against 100: mcp-gen {ours}, raw loop {raw}; ratio of the two {}",
        ours.ratios(&raw)
    );
    Ok(())
}
