//! Benchmarks of the load generator: side by side with others in each round, printed as medians and ratios.

// Tables on stdout are what this program is for.
#![allow(clippy::print_stdout)]

mod bare;
mod cpu;
mod crowd;
mod echo;
mod figures;
mod lag;
mod lean;
mod load;
mod machine;
mod meter;
mod pinned;
mod rate;
mod relay;
mod table;
mod wrk;

use anyhow::{Context as _, Result, bail};
use machine::Machine;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
tests/bench/run [NAME…] [--rounds N] [--seconds N] [--connections N]
  lag     schedule lag of mcp-gen at 1,000 calls/s beside a bare timerfd loop; status 1 where its p99 is over 3 times
          the loop's, in the median of the rounds, twice
  cpu     CPU time per call of mcp-gen beside wrk (HTTP) and a minimal raw-socket loop (WebSocket)
  deep    messages a second that one core makes with 512 in flight on each WebSocket
  bomber  20 clients x 10,000 pings a second on an open schedule
  idle    idle WebSocket connections: time, CPU and memory
  many    CPU time per call at many connections against 100
  relay   the proxy of mcp-chaos while no fault is active, beside a bare epoll relay (messages) and a bare splice relay
          (bulk): CPU time per message, delay, throughput; status 1 where the medians are not good
  echo    serves the raw MCP server that these are measured against, alone, until it is killed
All but echo without a name. 9 rounds of 3 s, 19000 connections (many: 9000, since the bench holds both ends) unless told
otherwise. It wants two CPUs: the server gets the first, the generator under test the second.";

/// What can be asked for, in the order in which it is run.
const NAMES: [&str; 7] = ["lag", "cpu", "deep", "bomber", "idle", "many", "relay"];

/// What was asked for.
struct Asked {
    names: Vec<String>,
    rounds: usize,
    span: Duration,
    connections: Option<usize>,
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [bare, how, upstream] = &arguments[..]
        && bare == "bare"
    {
        // The bench starts itself, so that a bare relay is a process like the one that it is held against.
        bare::serve(how, upstream)?;
    }
    let Some(asked) = parse(arguments.into_iter())? else {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    raise_open_files()?;
    if asked.names == ["echo"] {
        let echo = echo::Echo::listen("127.0.0.1:0")?;
        println!("ws://{}/mcp", echo.authority()?);
        echo.serve()?;
    }
    let machine = Machine::look()?;
    println!("{machine}");
    let mut good = true;
    let (rounds, span) = (asked.rounds, asked.span);
    for name in NAMES.iter().filter(|n| asked.names.iter().any(|a| a == *n)) {
        match *name {
            "lag" => good &= lag::judge(&machine, rounds, span)?,
            "cpu" => cpu::compare(&machine, rounds, span)?,
            "deep" => rate::deep(&machine, rounds, span)?,
            "bomber" => rate::bomber(&machine, rounds, span)?,
            "relay" => good &= relay::judge(&machine, rounds, span)?,
            "idle" => crowd::idle(&machine, rounds, asked.connections.unwrap_or(19_000))?,
            _ => crowd::many(&machine, rounds, span, asked.connections.unwrap_or(9_000))?,
        }
    }
    println!("\n{}", machine.meanwhile());
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Both ends of thousands of connections are held here.
fn raise_open_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("the limit of open files cannot be raised")
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Asked>> {
    let mut asked = Asked {
        names: Vec::new(),
        rounds: 9,
        span: Duration::from_secs(3),
        connections: None,
    };
    let number = |text: Option<String>| -> Result<u64> {
        let text = text.context("a number is missing: see --help")?;
        match text.parse() {
            Ok(n) if (1..=100_000).contains(&n) => Ok(n),
            _ => bail!("{text:?} is no number from 1 to 100000"),
        }
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => asked.rounds = number(arguments.next())? as usize,
            "--seconds" => asked.span = Duration::from_secs(number(arguments.next())?),
            "--connections" => asked.connections = Some(number(arguments.next())? as usize),
            // cargo bench adds this one.
            "--bench" => {}
            "--help" | "-h" => return Ok(None),
            name if name == "echo" || NAMES.contains(&name) => asked.names.push(argument),
            other => bail!("there is no {other:?}: see --help"),
        }
    }
    if asked.names.is_empty() {
        asked.names = NAMES.map(str::to_owned).to_vec();
    }
    Ok(Some(asked))
}
