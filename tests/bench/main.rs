//! Benchmarks of the load generator: side by side with others in each round, printed as medians and ratios.

// Tables on stdout are what this program is for.
#![allow(clippy::print_stdout)]

mod cpu;
mod figures;
mod lag;
mod lean;
mod load;
mod machine;
mod pinned;
mod wrk;

use anyhow::{Context as _, Result, bail};
use machine::Machine;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
tests/bench/run [lag] [cpu] [--rounds N] [--seconds N]
  lag   schedule lag of mcp-gen at 1,000 calls/s beside a bare timerfd loop; status 1 where its p99 is over 3 times
        the loop's, in the median of the rounds, twice
  cpu   CPU time per call of mcp-gen beside wrk (HTTP) and a minimal raw-socket loop (WebSocket)
Both without a name. 9 rounds of 3 s unless told otherwise. It wants two CPUs: the server gets the first, the
generator under test the second.";

/// What was asked for.
struct Asked {
    lag: bool,
    cpu: bool,
    rounds: usize,
    span: Duration,
}

fn main() -> Result<ExitCode> {
    let Some(asked) = parse(std::env::args().skip(1))? else {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let machine = Machine::look()?;
    println!("{machine}");
    let mut good = true;
    if asked.lag {
        good &= lag::judge(&machine, asked.rounds, asked.span)?;
    }
    if asked.cpu {
        cpu::compare(&machine, asked.rounds, asked.span)?;
    }
    println!("\n{}", machine.meanwhile());
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Asked>> {
    let mut asked = Asked {
        lag: false,
        cpu: false,
        rounds: 9,
        span: Duration::from_secs(3),
    };
    let number = |text: Option<String>| -> Result<u64> {
        let text = text.context("a number is missing: see --help")?;
        match text.parse() {
            Ok(n) if (1..=1_000).contains(&n) => Ok(n),
            _ => bail!("{text:?} is no number from 1 to 1000"),
        }
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "lag" => asked.lag = true,
            "cpu" => asked.cpu = true,
            "--rounds" => asked.rounds = number(arguments.next())? as usize,
            "--seconds" => asked.span = Duration::from_secs(number(arguments.next())?),
            // cargo bench adds this one.
            "--bench" => {}
            "--help" | "-h" => return Ok(None),
            other => bail!("there is no {other:?}: see --help"),
        }
    }
    if !asked.lag && !asked.cpu {
        (asked.lag, asked.cpu) = (true, true);
    }
    Ok(Some(asked))
}
