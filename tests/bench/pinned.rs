//! Children that run on one CPU, and what CPU time they took.

use anyhow::{Context as _, Result, bail, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Does something with this thread, and whatever it starts meanwhile, on one CPU only.
pub fn on<T>(cpu: usize, what: impl FnOnce() -> T) -> Result<T> {
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(cpu);
    sched_setaffinity(None, &only)?;
    let done = what();
    sched_setaffinity(None, &before)?;
    Ok(done)
}

/// What a child said, and the CPU time (user and system) of its whole life.
pub struct Done {
    /// Its stdout.
    pub text: String,
    /// In microseconds.
    pub cpu_us: f64,
}

/// A child that runs, whose stdout is read line by line.
pub struct Running {
    child: Child,
    program: String,
}

/// Starts a command on a CPU.
///
/// # Errors
/// Where it does not start.
pub fn start(cpu: usize, command: &mut Command) -> Result<Running> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child =
        on(cpu, || command.spawn())?.with_context(|| format!("{program} does not start"))?;
    Ok(Running { child, program })
}

impl Running {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it says.
    ///
    /// # Errors
    /// Where that was asked for before.
    pub fn lines(&mut self) -> Result<Lines<BufReader<ChildStdout>>> {
        let stdout = self.child.stdout.take().context("stdout is read once")?;
        Ok(BufReader::new(stdout).lines())
    }

    /// Waits for its end; the CPU microseconds (user and system) of its whole life.
    ///
    /// # Errors
    /// Where it failed.
    pub fn end(self) -> Result<f64> {
        let (status, usage) = wait(self.child.id())?;
        if status != 0 {
            bail!("{} ended with wait status {status}", self.program);
        }
        let us = |t: libc::timeval| t.tv_sec as f64 * 1e6 + t.tv_usec as f64;
        Ok(us(usage.ru_utime) + us(usage.ru_stime))
    }
}

/// CPU microseconds (user and system) of a process until now, those of ended threads included; `None` once it is gone.
pub fn cpu_us(pid: u32) -> Option<f64> {
    // /proc/PID/stat has ticks of 10 ms; this clock has nanoseconds.
    let mut clock = 0;
    // SAFETY: the C library writes one id, which outlives the call.
    if unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &raw mut clock) } != 0 {
        return None;
    }
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec, which outlives the call.
    if unsafe { libc::clock_gettime(clock, &raw mut at) } != 0 {
        return None;
    }
    Some(at.tv_sec as f64 * 1e6 + at.tv_nsec as f64 / 1e3).filter(|us| *us > 0.0)
}

/// Resident memory of a process, in bytes; `None` once it is gone.
pub fn resident_bytes(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}

/// Runs a command on a CPU to its end.
///
/// # Errors
/// Where it does not start, or fails.
pub fn run(cpu: usize, command: &mut Command) -> Result<Done> {
    let mut child = start(cpu, command)?;
    let mut text = String::new();
    for line in child.lines()? {
        text += &line?;
        text.push('\n');
    }
    let cpu_us = child.end()?;
    Ok(Done { text, cpu_us })
}

/// wait4(2), which tells of one child what getrusage(2) tells of all together.
fn wait(pid: u32) -> Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: rusage is numbers only, for which all zeros are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one int and one rusage, and both outlive the call.
    let waited = unsafe { libc::wait4(pid as i32, &raw mut status, 0, &raw mut usage) };
    ensure!(
        waited == pid as i32,
        "wait4: {}",
        std::io::Error::last_os_error()
    );
    Ok((status, usage))
}
