//! Children that run on one CPU, and what CPU time they took.

use anyhow::{Context as _, Result, bail, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io::Read as _;
use std::process::{Command, Stdio};

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

/// Runs a command on a CPU to its end.
///
/// # Errors
/// Where it does not start, or fails.
pub fn run(cpu: usize, command: &mut Command) -> Result<Done> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child =
        on(cpu, || command.spawn())?.with_context(|| format!("{program} does not start"))?;
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut text)?;
    }
    let (status, usage) = wait(child.id())?;
    if status != 0 {
        bail!("{program} ended with wait status {status}");
    }
    let us = |t: libc::timeval| t.tv_sec as f64 * 1e6 + t.tv_usec as f64;
    Ok(Done {
        text,
        cpu_us: us(usage.ru_utime) + us(usage.ru_stime),
    })
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
