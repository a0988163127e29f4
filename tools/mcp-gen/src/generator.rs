//! How the generator itself is doing: its CPU time, and what the hypervisor took.

use record::clock::mono_us;

/// A reading of this process's and the machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// CLOCK_MONOTONIC.
    pub at_us: u64,
    /// CPU time of the process, user and system.
    pub cpu_us: u64,
    /// Jiffies of all CPUs: (stolen, all); `None` where the kernel does not tell.
    jiffies: Option<(u64, u64)>,
}

impl Reading {
    /// Reads them now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            at_us: mono_us(),
            cpu_us: cpu_us(),
            jiffies: jiffies(),
        }
    }

    /// The share of CPU time since `earlier` that went to other guests of the machine, in percent.
    #[must_use]
    pub fn steal_percent_since(&self, earlier: &Self) -> Option<f64> {
        let ((stolen, all), (stolen0, all0)) = (self.jiffies?, earlier.jiffies?);
        let all = all.checked_sub(all0).filter(|&n| n > 0)?;
        let percent = stolen.saturating_sub(stolen0) as f64 * 100.0 / all as f64;
        Some((percent * 1_000.0).round() / 1_000.0)
    }
}

fn cpu_us() -> u64 {
    // SAFETY: an all-zero rusage is a valid value, and getrusage(2) only writes into it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let us = |t: libc::timeval| t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64;
    us(usage.ru_utime) + us(usage.ru_stime)
}

/// The first line of /proc/stat: user nice system idle iowait irq softirq steal …
fn jiffies() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let numbers: Vec<u64> = text
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .filter_map(|n| n.parse().ok())
        .collect();
    // guest and guest_nice (9th and 10th) are contained in user and nice.
    Some((*numbers.get(7)?, numbers.iter().take(8).sum()))
}
