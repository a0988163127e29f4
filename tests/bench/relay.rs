//! The proxy of mcp-chaos while no fault is active, beside bare relays: CPU time per message, delay, and throughput.

use crate::bare;
use crate::echo;
use crate::figures::Figures;
use crate::lean::Lean;
use crate::load;
use crate::machine::Machine;
use crate::pinned;
use anyhow::{Context as _, Result, ensure};
use record::Histogram;
use record::clock::mono_ns;
use rustix::net::{RecvFlags, recv};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const PER_S: u64 = 1_000;
const CLIENTS: usize = 50;
/// What may be added to the median, in µs; CPU time per message as a multiple of the bare relay's; throughput as a share
/// of the bare splice relay's.
const ADDS: f64 = 100.0;
const COSTS: f64 = 2.0;
const MOVES: f64 = 0.8;
/// Two wake-ups of an idle virtual CPU cost some 100 µs by themselves, so what a bare relay adds counts, too.
const ADDS_OF_BARE: f64 = 1.5;

/// A relay that runs on the CPU under test, as long as this is there.
struct Relay {
    child: Child,
    /// Where it listens.
    address: String,
    /// Kept open: a reader that has left is the end of the run.
    _stdout: BufReader<ChildStdout>,
}

/// Rounds of all in turn; true where the medians are good.
///
/// # Errors
/// Where something does not start, or hangs up.
pub fn judge(machine: &Machine, rounds: usize, span: Duration) -> Result<bool> {
    let (load_cpu, relay_cpu) = (machine.server_cpu, machine.client_cpu);
    let authority = echo::start(load_cpu)?;
    let mirror = bare::start_mirror(load_cpu)?;
    let source = bare::start_source(load_cpu)?;
    let copy_calls = Relay::bare(relay_cpu, "copy", &authority)?;
    let copy_paced = Relay::bare(relay_cpu, "copy", &mirror)?;
    let splices = Relay::bare(relay_cpu, "splice", &source)?;
    let chaos_calls = Relay::chaos(relay_cpu, &authority)?;
    let chaos_paced = Relay::chaos(relay_cpu, &mirror)?;
    let chaos_bulk = Relay::chaos(relay_cpu, &source)?;

    let [mut cpu_copy, mut cpu_chaos, mut rate_copy, mut rate_chaos] =
        [(); 4].map(|()| Figures::default());
    let [mut paced_copy, mut paced_chaos] = [(); 2].map(|()| Figures::default());
    let mut p50 = [(); 3].map(|()| Figures::default());
    let mut p99 = [(); 3].map(|()| Figures::default());
    let mut bulk = [(); 3].map(|()| Figures::default());
    let [mut bulk_cpu_splice, mut bulk_cpu_chaos] = [(); 2].map(|()| Figures::default());
    for _ in 0..rounds {
        for (relay, cpu, rate) in [
            (&copy_calls, &mut cpu_copy, &mut rate_copy),
            (&chaos_calls, &mut cpu_chaos, &mut rate_chaos),
        ] {
            let (cpu_us, per_s) = calls(relay, load_cpu, span)?;
            cpu.push(cpu_us);
            rate.push(per_s);
        }
        for (i, (address, relay)) in [
            (&mirror, None),
            (&copy_paced.address, Some((&copy_paced, &mut paced_copy))),
            (&chaos_paced.address, Some((&chaos_paced, &mut paced_chaos))),
        ]
        .into_iter()
        .enumerate()
        {
            let before = relay
                .as_ref()
                .map(|(relay, _)| relay.cpu_us())
                .transpose()?;
            let times = pinned::on(load_cpu, || paced(address, span))??;
            if let (Some((relay, cpu)), Some(before)) = (relay, before) {
                let messages = 2.0 * (PER_S * span.as_secs()) as f64;
                cpu.push((relay.cpu_us()? - before) / messages);
            }
            p50[i].push(times.quantile_us(0.5) as f64 / 1e3);
            p99[i].push(times.quantile_us(0.99) as f64 / 1e3);
        }
        for (i, (address, relay)) in [
            (&source, None),
            (&splices.address, Some((&splices, &mut bulk_cpu_splice))),
            (
                &chaos_bulk.address,
                Some((&chaos_bulk, &mut bulk_cpu_chaos)),
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let before = relay
                .as_ref()
                .map(|(relay, _)| relay.cpu_us())
                .transpose()?;
            let (bytes, mb_per_s) = pinned::on(load_cpu, || drain(address, span))??;
            if let (Some((relay, cpu)), Some(before)) = (relay, before) {
                cpu.push((relay.cpu_us()? - before) / bytes * 1e6);
            }
            bulk[i].push(mb_per_s);
        }
    }
    println!(
        "\nThe proxy of mcp-chaos while no fault is active, beside bare relays on the same CPU: median of {rounds} rounds of {} s, range",
        span.as_secs()
    );
    let line = |what: &str, who: &str, figures: &Figures, to: Option<&Figures>| {
        println!(
            "{what:<46} {who:<13} {:>24} {:>22}",
            figures.to_string(),
            to.map_or_else(String::new, |to| figures.ratios(to).to_string())
        );
    };
    println!(
        "{:<46} {:<13} {:>24} {:>22}",
        "", "", "", "ratio, round by round"
    );
    line(
        "CPU µs per message, 50 connections, closed",
        "epoll relay",
        &cpu_copy,
        None,
    );
    line("", "mcp-chaos", &cpu_chaos, Some(&cpu_copy));
    line(
        "CPU µs per message, 1,000 round trips/s",
        "epoll relay",
        &paced_copy,
        None,
    );
    line("", "mcp-chaos", &paced_chaos, Some(&paced_copy));
    line(
        "messages/s, 50 connections, closed",
        "epoll relay",
        &rate_copy,
        None,
    );
    line("", "mcp-chaos", &rate_chaos, Some(&rate_copy));
    for (name, times) in [("p50", &p50), ("p99", &p99)] {
        line(
            &format!("{name} of a round trip, 1,000/s, µs"),
            "direct",
            &times[0],
            None,
        );
        line("", "epoll relay", &times[1], None);
        line("", "mcp-chaos", &times[2], None);
    }
    line("MB/s, one connection", "direct", &bulk[0], None);
    line("", "splice relay", &bulk[1], None);
    line("", "mcp-chaos", &bulk[2], Some(&bulk[1]));
    line("CPU ms per GB", "splice relay", &bulk_cpu_splice, None);
    line("", "mcp-chaos", &bulk_cpu_chaos, Some(&bulk_cpu_splice));
    let added = |n: usize| Figures::of(p50[n].each().zip(p50[0].each()).map(|(a, b)| a - b));
    let (bare, added) = (added(1), added(2));
    println!(
        "mcp-chaos adds {added} µs to the p50 of a round trip (two messages), the epoll relay {bare}"
    );
    let good = added.median() <= ADDS.max(ADDS_OF_BARE * bare.median())
        && cpu_chaos.ratios(&cpu_copy).median() <= COSTS
        && bulk[2].ratios(&bulk[1]).median() >= MOVES;
    if !good {
        println!(
            "that is not what it should be: at most {ADDS} µs or {ADDS_OF_BARE} times what the relay adds, {COSTS} times the CPU time, and {MOVES} of the throughput at least"
        );
    }
    Ok(good)
}

impl Relay {
    /// A bare one before `upstream` (host:port).
    fn bare(cpu: usize, how: &str, upstream: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", how, upstream]).stdin(Stdio::null());
        let (child, mut stdout) = started(cpu, &mut command)?;
        let mut address = String::new();
        stdout.read_line(&mut address)?;
        Ok(Self {
            child,
            address: address.trim().to_owned(),
            _stdout: stdout,
        })
    }

    /// The binary, with a plan whose fault never comes, before `upstream`.
    fn chaos(cpu: usize, upstream: &str) -> Result<Self> {
        let mut command = Command::new(pipe_tests::tools().join("mcp-chaos"));
        command
            .args(["--quiet", "latency:latency=1s@10h+1s"])
            .stdin(Stdio::piped());
        let (mut child, mut stdout) = started(cpu, &mut command)?;
        let target = json!({"type": "target", "name": "bench", "url": format!("tcp://{upstream}")});
        let stdin = child.stdin.as_mut().context("it has a stdin")?;
        writeln!(stdin, "{target}")?;
        let address = loop {
            let mut line = String::new();
            ensure!(stdout.read_line(&mut line)? > 0, "mcp-chaos told no target");
            let record: Value = serde_json::from_str(&line)?;
            if record["type"] == "target" {
                let url = record["url"].as_str().context("a target has a URL")?;
                break url.trim_start_matches("tcp://").to_owned();
            }
        };
        ensure!(
            address != upstream,
            "mcp-chaos does not stand in the path of its target"
        );
        Ok(Self {
            child,
            address,
            _stdout: stdout,
        })
    }

    fn cpu_us(&self) -> Result<f64> {
        pinned::cpu_us(self.child.id()).context("the relay is gone")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn started(cpu: usize, command: &mut Command) -> Result<(Child, BufReader<ChildStdout>)> {
    command.stdout(Stdio::piped());
    let mut child = pinned::on(cpu, || command.spawn())?.context("a relay starts")?;
    let stdout = child.stdout.take().context("it has a stdout")?;
    Ok((child, BufReader::new(stdout)))
}

/// CPU microseconds of a relay per message that it passes on, and messages per second, in a closed loop of calls.
fn calls(relay: &Relay, cpu: usize, span: Duration) -> Result<(f64, f64)> {
    let lean = pinned::on(cpu, || Lean::open(&relay.address, CLIENTS))??;
    let before = relay.cpu_us()?;
    let (_, per_s) = pinned::on(cpu, || lean.run(&load::ping(), span, 1))??;
    let messages = 2.0 * per_s * span.as_secs_f64();
    Ok(((relay.cpu_us()? - before) / messages, 2.0 * per_s))
}

/// How long round trips of 512 bytes take that begin once a millisecond, in nanoseconds (which the histogram takes for
/// microseconds).
fn paced(address: &str, span: Duration) -> Result<Histogram> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let never = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut times = Histogram::default();
    let mut buf = [b'x'; 512];
    let start_ns = mono_ns() + 1_000_000;
    for i in 0..PER_S * span.as_secs() {
        let due_ns = start_ns + i * (1_000_000_000 / PER_S);
        if due_ns > mono_ns() {
            let it_value = Timespec {
                tv_sec: (due_ns / 1_000_000_000) as i64,
                tv_nsec: (due_ns % 1_000_000_000) as i64,
            };
            let value = Itimerspec {
                it_interval: never,
                it_value,
            };
            timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &value)?;
            rustix::io::read(&timer, &mut [0u8; 8])?;
        }
        let began_ns = mono_ns();
        socket.write_all(&buf)?;
        socket.read_exact(&mut buf)?;
        times.record(mono_ns() - began_ns);
    }
    Ok(times)
}

/// Bytes that came in a time, and megabytes per second; they are thrown away in the kernel.
fn drain(address: &str, span: Duration) -> Result<(f64, f64)> {
    let socket = TcpStream::connect(address)?;
    let began = Instant::now();
    let mut bytes = 0.0;
    let mut buf = vec![0; 4 << 20];
    while began.elapsed() < span {
        let (_, n) = recv(&socket, &mut buf[..], RecvFlags::TRUNC)?;
        ensure!(n > 0, "the source has ended");
        bytes += n as f64;
    }
    Ok((bytes, bytes / 1e6 / began.elapsed().as_secs_f64()))
}
