//! The process beside a target that keeps CPUs busy: a thread on each, at work for a share of every 20 ms.

use super::cpu::Cpu;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::time::{Duration, Instant};
use undo::Identity;

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "burn-cpu";
/// Work and rest take turns within this time: far below what a scheduler evens out, far above what a sleep costs.
const TURN: Duration = Duration::from_millis(20);
/// What a thread needs that only counts.
const STACK_BYTES: usize = 64 * 1024;

/// The command line for keeping the CPUs of a process busy.
///
/// # Errors
/// A sentence: it is gone.
pub fn arguments(cpu: &Cpu, ramp: Duration, target: &Identity) -> Result<Vec<String>, String> {
    let cpus = cpus_of(target.pid)?;
    let workers = match cpu.workers {
        0 => cpus.len() as u64,
        workers => workers,
    };
    let cpus: Vec<String> = cpus.iter().map(usize::to_string).collect();
    Ok(vec![
        SUBCOMMAND.to_owned(),
        cpus.join(","),
        workers.to_string(),
        cpu.load.to_string(),
        ramp.as_micros().to_string(),
    ])
}

/// How many threads a command line asks for.
#[must_use]
pub fn workers(arguments: &[String]) -> u64 {
    arguments
        .get(2)
        .and_then(|workers| workers.parse().ok())
        .unwrap_or(0)
}

/// The CPUs that a process may use.
fn cpus_of(pid: i32) -> Result<Vec<usize>, String> {
    let set = sched_getaffinity(rustix::process::Pid::from_raw(pid))
        .map_err(|e| format!("process {pid}: {e}"))?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .collect())
}

/// Starts the threads.
pub(super) fn begin(arguments: &[String]) -> Result<(), String> {
    let [cpus, workers, load, ramp_us] = arguments else {
        return Err("burn-cpu is started by mcp-chaos, not by hand".to_owned());
    };
    let wrong = |e: &dyn std::fmt::Display| format!("burn-cpu: {e}");
    let cpus: Vec<usize> = cpus
        .split(',')
        .map(|cpu| cpu.parse().map_err(|e| wrong(&e)))
        .collect::<Result<_, _>>()?;
    let workers: usize = workers.parse().map_err(|e| wrong(&e))?;
    let load: f64 = load.parse().map_err(|e| wrong(&e))?;
    let ramp = Duration::from_micros(ramp_us.parse().map_err(|e| wrong(&e))?);
    // Seen here, so that it is told: a cpuset may keep us off the target's CPUs.
    keep_to(&cpus).map_err(|e| format!("can't run on the target's CPUs: {e}"))?;
    let since = Instant::now();
    for worker in 0..workers {
        let cpu = cpus[worker % cpus.len()];
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let _ = keep_to(&[cpu]);
                burn(load, ramp, since);
            })
            .map_err(|e| format!("can't start {workers} threads: {e}: ask for fewer workers"))?;
    }
    Ok(())
}

fn keep_to(cpus: &[usize]) -> rustix::io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu);
    }
    sched_setaffinity(None, &set)
}

fn burn(load: f64, ramp: Duration, since: Instant) -> ! {
    loop {
        let turn = Instant::now();
        let busy = TURN.mul_f64(load * grown(since.elapsed(), ramp));
        while turn.elapsed() < busy {
            std::hint::spin_loop();
        }
        if let Some(rest) = TURN.checked_sub(turn.elapsed()) {
            std::thread::sleep(rest);
        }
    }
}

/// How much of its full strength something has that grows evenly over `ramp`.
pub(super) fn grown(elapsed: Duration, ramp: Duration) -> f64 {
    if elapsed >= ramp {
        return 1.0;
    }
    elapsed.as_secs_f64() / ramp.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_evenly_and_stays_at_its_full_strength() {
        let ramp = Duration::from_secs(4);
        let at = |ms| grown(Duration::from_millis(ms), ramp);
        assert_eq!(
            (at(0), at(1_000), at(4_000), at(9_000)),
            (0.0, 0.25, 1.0, 1.0)
        );
        assert_eq!(grown(Duration::ZERO, Duration::ZERO), 1.0);
    }
}
