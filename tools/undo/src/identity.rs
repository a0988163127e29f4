//! Which process: pid, start time and boot id together, because the kernel hands out a pid again.

use std::fs;
use std::io;

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// One process, for ever: no other one has the same three values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id in this pid namespace.
    pub pid: i32,
    /// Clock ticks after boot at which it started (proc_pid_stat(5), field 22).
    pub start_ticks: u64,
    /// /proc/sys/kernel/random/boot_id: another one means that the machine was started anew.
    pub boot_id: String,
}

impl Identity {
    /// The process that has this pid now.
    ///
    /// # Errors
    /// Those of reading /proc: above all, that there is no such process.
    pub fn of(pid: i32) -> io::Result<Self> {
        Ok(Self {
            pid,
            start_ticks: Stat::of(pid)?.start_ticks,
            boot_id: boot_id()?,
        })
    }

    /// This very process.
    ///
    /// # Errors
    /// Those of reading /proc.
    pub fn current() -> io::Result<Self> {
        Self::of(rustix::process::getpid().as_raw_nonzero().get())
    }

    /// Whether it runs; a zombie doesn't.
    pub fn is_alive(&self) -> bool {
        self.stat().is_some_and(|stat| !stat.is_zombie())
    }

    /// Sends it a signal; false when it is gone, and nobody else is hit.
    ///
    /// # Errors
    /// What the kernel said, above all that it is another user's.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        if self.stat().is_none() {
            return Ok(false); // another boot, too
        }
        let Some(pidfd) = pidfd_of(self.pid, self.start_ticks)? else {
            return Ok(false);
        };
        match pidfd_send_signal(&pidfd, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Its line in /proc, when the pid still is this process (as a zombie, too).
    pub(crate) fn stat(&self) -> Option<Stat> {
        let stat = Stat::of(self.pid).ok()?;
        (stat.start_ticks == self.start_ticks && boot_id().ok()? == self.boot_id).then_some(stat)
    }
}

/// A pidfd of the process with this pid and start time; `None` when it is gone or was replaced.
pub(crate) fn pidfd_of(pid: i32, start_ticks: u64) -> io::Result<Option<OwnedFd>> {
    let Some(raw) = Pid::from_raw(pid).filter(|_| pid > 1) else {
        return Ok(None);
    };
    let pidfd = match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        // EINVAL is what a thread gets that leads no group: it took the pid of a process that is gone.
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Open first, compare afterwards: from here on the pidfd can't come to mean another process.
    let same = Stat::of(pid).is_ok_and(|stat| stat.start_ticks == start_ticks);
    Ok(same.then_some(pidfd))
}

/// The fields of /proc/PID/stat that matter here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    state: u8,
    pub(crate) pgrp: i32,
    pub(crate) start_ticks: u64,
}

impl Stat {
    pub(crate) fn of(pid: i32) -> io::Result<Self> {
        let bytes = fs::read(format!("/proc/{pid}/stat"))?;
        Self::parse(&bytes)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unreadable /proc/PID/stat"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        // The name in field 2 may hold spaces and brackets, so count from the last bracket.
        let name_end = bytes.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(bytes.get(name_end + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            pgrp: fields.get(2)?.parse().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
        })
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state == b'T'
    }

    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// The id of this boot of the machine.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

/// The pid namespace: a journal of another container names pids that mean nothing here.
pub(crate) fn pid_namespace() -> io::Result<String> {
    Ok(fs::read_link("/proc/self/ns/pid")?
        .to_string_lossy()
        .into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let line = b"42 (a) b (c) d) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.pgrp, stat.start_ticks), (7, 987_654));
        assert!(!stat.is_zombie());
    }

    #[test]
    fn the_pid_of_this_process_with_another_start_time_is_another_process() {
        let mut identity = Identity::current().unwrap();
        assert!(identity.is_alive());
        identity.start_ticks += 1;
        assert!(!identity.is_alive());
        assert!(
            pidfd_of(identity.pid, identity.start_ticks)
                .unwrap()
                .is_none()
        );
    }
}
