//! What a process of ours has used so far, from /proc.

/// CPU time, in microseconds.
#[must_use]
pub fn cpu_us(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may hold anything: fields 14 and 15, user and system time in clock ticks.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let per_s = rustix::param::clock_ticks_per_second();
    Some((user + system) * 1_000_000 / per_s.max(1))
}

/// The most memory that it ever held, in bytes.
#[must_use]
pub fn peak_bytes(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_used_time_and_memory() {
        let pid = std::process::id() as i32;
        let mut held = vec![1_u8; 8 << 20];
        while super::cpu_us(pid).unwrap() < 20_000 {
            held.iter_mut().for_each(|b| *b = b.wrapping_mul(3));
        }
        assert!(super::peak_bytes(pid).unwrap() >= 8 << 20);
    }
}
