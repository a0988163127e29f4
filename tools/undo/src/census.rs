//! One look at /proc: which processes belong to the ones that are to be stopped.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read;

use crate::identity::Stat;
use crate::{Mark, Target};

/// The kernel allows 6 MiB of arguments and environment together; a mark is at the front or the end of it.
const ENVIRON_LIMIT_BYTES: u64 = 8 << 20;

/// A living process that belongs to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    pub(crate) pid: i32,
    pub(crate) start_ticks: u64,
    /// In the target's own group, so a signal to the group reaches it.
    pub(crate) in_group: bool,
}

/// Counts again and again, and remembers whom it has seen in a group while the group was surely ours.
pub(crate) struct Census<'a> {
    pub(crate) targets: &'a [Target],
    by_pgid: HashMap<i32, usize>,
    by_mark: HashMap<&'a Mark, usize>,
    /// (pid, start time) by target.
    known: Vec<HashSet<(i32, u64)>>,
    own_pid: i32,
}

impl<'a> Census<'a> {
    pub(crate) fn of(targets: &'a [Target]) -> Self {
        let own_group = rustix::process::getpgrp().as_raw_nonzero().get();
        let numbered = || targets.iter().enumerate();
        Self {
            targets,
            by_pgid: numbered()
                .map(|(index, target)| (target.pgid, index))
                // Whatever a journal says: never the own group, and 0 and 1 mean "all" to kill(2).
                .filter(|&(pgid, _)| pgid > 1 && pgid != own_group)
                .collect(),
            by_mark: numbered()
                .map(|(index, target)| (&target.mark, index))
                .collect(),
            known: vec![HashSet::new(); targets.len()],
            own_pid: rustix::process::getpid().as_raw_nonzero().get(),
        }
    }

    /// Whether the group of a target is surely still the target's: its leader is there, alive or as a zombie.
    /// As long as that is so, the kernel can't hand out the number again.
    pub(crate) fn leads_its_group(&self, index: usize) -> bool {
        let target = &self.targets[index];
        self.by_pgid.contains_key(&target.pgid)
            && target.pgid == target.identity.pid
            && target
                .identity
                .stat()
                .is_some_and(|stat| stat.pgrp == target.pgid)
    }

    /// The living members of each target, in the order of the targets.
    pub(crate) fn take(&mut self) -> Vec<Vec<Member>> {
        let mut members = vec![Vec::new(); self.targets.len()];
        let led: Vec<bool> = (0..self.targets.len())
            .map(|index| self.leads_its_group(index))
            .collect();
        let Ok(folder) = fs::read_dir("/proc") else {
            return members;
        };
        for entry in folder.flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            if pid <= 1 || pid == self.own_pid {
                continue;
            }
            let Ok(stat) = Stat::of(pid) else { continue };
            if stat.is_zombie() {
                continue;
            }
            if let Some(index) = self.target_of(pid, &stat, &led) {
                self.known[index].insert((pid, stat.start_ticks));
                members[index].push(Member {
                    pid,
                    start_ticks: stat.start_ticks,
                    in_group: stat.pgrp == self.targets[index].pgid,
                });
            }
        }
        members
    }

    fn target_of(&self, pid: i32, stat: &Stat, led: &[bool]) -> Option<usize> {
        if let Some(&index) = self.by_pgid.get(&stat.pgrp)
            && (led[index] || self.known[index].contains(&(pid, stat.start_ticks)))
        {
            return Some(index);
        }
        let mut environ = Vec::new();
        // Processes of other users can't be read and are none of ours.
        File::open(format!("/proc/{pid}/environ"))
            .ok()?
            .take(ENVIRON_LIMIT_BYTES)
            .read_to_end(&mut environ)
            .ok()?;
        self.by_mark.get(&Mark::in_environ(&environ)?).copied()
    }
}
