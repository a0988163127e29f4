//! The machine a tool runs on, for its `start` record.

use crate::clock;
use crate::kind::Start;
use crate::redact;
use std::fs;

/// The `start` of this process: tool, machine and command line, its secrets taken out.
#[must_use]
pub fn start(tool: &str, version: &str, seed: Option<u64>) -> Start {
    Start {
        tool: tool.to_owned(),
        version: version.to_owned(),
        pid: std::process::id(),
        host: word("/proc/sys/kernel/hostname").unwrap_or_default(),
        boot_id: clock::boot_id(),
        kernel: word("/proc/sys/kernel/osrelease").unwrap_or_default(),
        cpus: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
        cgroup_cpus: cgroup_cpus(),
        cgroup_memory_bytes: cgroup_memory(),
        region: std::env::var("MCPIPE_REGION")
            .ok()
            .filter(|r| !r.is_empty())
            .map(crate::envelope::cut),
        seed,
        // Arguments that are no UTF-8 are shown as well as they can be.
        args: redact::arguments(std::env::args_os().map(|a| a.to_string_lossy().into_owned())),
    }
}

fn word(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|s| s.trim().to_owned())
}

/// The CPU limit of our cgroup: v2's `cpu.max`, else v1's quota and period. Only the mounted root of it is read,
/// which is the container's own.
fn cgroup_cpus() -> Option<f64> {
    let (quota, period) = match word("/sys/fs/cgroup/cpu.max") {
        Some(max) => {
            let (quota, period) = max.split_once(' ')?;
            (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?)
        }
        None => (
            word("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")?.parse().ok()?,
            word("/sys/fs/cgroup/cpu/cpu.cfs_period_us")?.parse().ok()?,
        ),
    };
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

fn cgroup_memory() -> Option<u64> {
    let limit = word("/sys/fs/cgroup/memory.max")
        .or_else(|| word("/sys/fs/cgroup/memory/memory.limit_in_bytes"))?
        .parse()
        .ok()?;
    // v1 says "no limit" with a number near 2^63.
    (limit < 1 << 50).then_some(limit)
}
