//! The machine: what stands above each table, so that a figure can be told from its circumstances.

use anyhow::{Context as _, Result, bail};
use rustix::thread::{CpuSet, sched_getaffinity};
use std::fmt;

/// What is known of the machine, and where the two sides of a benchmark run.
pub struct Machine {
    /// The server's CPU.
    pub server_cpu: usize,
    /// The CPU of what is measured.
    pub client_cpu: usize,
    model: String,
    kernel: String,
    cpus: usize,
    load: String,
    ticks: Ticks,
}

impl Machine {
    /// Looks at it.
    ///
    /// # Errors
    /// Where this process may use only one CPU.
    pub fn look() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
        let (Some(server_cpu), Some(client_cpu)) = (cpus.next(), cpus.next()) else {
            bail!("a benchmark wants two CPUs, one for the server and one for the generator");
        };
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|l| l.strip_prefix("model name"));
        Ok(Self {
            server_cpu,
            client_cpu,
            model: model
                .and_then(|l| l.split_once(": "))
                .map_or_else(|| "unknown CPU".to_owned(), |(_, name)| name.to_owned()),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpus: 2 + cpus.count(),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or("?")
                .to_owned(),
            ticks: Ticks::now()?,
        })
    }

    /// What else went on since it was looked at: a sentence.
    pub fn meanwhile(&self) -> String {
        match Ticks::now() {
            Ok(now) => {
                let all = (now.all - self.ticks.all).max(1) as f64;
                let steal = 100.0 * (now.steal - self.ticks.steal) as f64 / all;
                format!(
                    "the hypervisor took {steal:.1} % of the CPU time meanwhile; load before: {}",
                    self.load
                )
            }
            Err(e) => format!("{e:#}"),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} CPUs, Linux {}; server on CPU {}, generator on CPU {}; load before: {}",
            self.model, self.cpus, self.kernel, self.server_cpu, self.client_cpu, self.load
        )
    }
}

/// Clock ticks of all CPUs since boot.
struct Ticks {
    all: u64,
    steal: u64,
}

impl Ticks {
    fn now() -> Result<Self> {
        let text = std::fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("/proc/stat is empty")?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .flat_map(str::parse)
            .collect();
        Ok(Self {
            // The last two are guests', which are in user and nice already.
            all: ticks.iter().take(8).sum(),
            steal: ticks.get(7).copied().unwrap_or_default(),
        })
    }
}
