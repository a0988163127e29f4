//! A process of somebody else that was stopped (SIGSTOP): it goes on.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::identity::Stat;

/// A group of more processes is no server; whoever is beyond is resumed with the group as long as its leader is there.
const MAX_MEMBERS: usize = 4_096;

/// What is needed to let a process go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Paused {
    /// The process.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its group, where it leads one: that stands still, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pgid: Option<i32>,
    /// The others in the group, with their start times: when its leader is gone, its number may be another's, and they
    /// are to go on all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<(i32, u64)>,
}

impl Paused {
    pub(crate) const KIND: &str = "paused";

    /// Looks at a process that is to be stopped; nothing is done yet.
    ///
    /// # Errors
    /// It is gone, or stands still already: whoever stopped it would find it running.
    pub fn plan(identity: &Identity) -> io::Result<Self> {
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the process is gone");
        let stat = identity
            .stat()
            .filter(|stat| !stat.is_zombie())
            .ok_or_else(gone)?;
        if stat.is_stopped() {
            return Err(io::Error::other(
                "somebody else has stopped it already: let it go on first (kill -CONT)",
            ));
        }
        let own_group = rustix::process::getpgrp().as_raw_nonzero().get();
        let pgid = (stat.pgrp == identity.pid && stat.pgrp != own_group).then_some(stat.pgrp);
        let members = pgid.map(|pgid| members_of(pgid, identity.pid));
        Ok(Self {
            identity: identity.clone(),
            pgid,
            members: members.unwrap_or_default(),
        })
    }

    /// Stops it, and its group where it leads one. Call it only once it stands in the journal.
    ///
    /// # Errors
    /// What the kernel said; nothing is stopped then.
    pub fn apply(&self) -> io::Result<()> {
        // The group first: in the other order its leader's children would see it stop, and might say so.
        if let Some(group) = self.group() {
            kill_process_group(group, Signal::STOP)?;
        }
        match self.identity.signal(Signal::STOP)? {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the process is gone",
            )),
        }
    }

    /// Lets it go on; whether anything of it was there. Once is as good as twice: a process that runs is not disturbed.
    pub(crate) fn undo(&self) -> Result<bool, String> {
        let failed = |error: io::Error| {
            format!(
                "{}: {error}: let it go on with kill -CONT {}",
                self.phrase(),
                self.identity.pid
            )
        };
        if let Some(group) = self.group() {
            match kill_process_group(group, Signal::CONT) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
        let mut was_there = self.identity.signal(Signal::CONT).map_err(failed)?;
        for &(pid, start_ticks) in &self.members {
            let member = Identity {
                pid,
                start_ticks,
                boot_id: self.identity.boot_id.clone(),
            };
            was_there |= member.signal(Signal::CONT).map_err(failed)?;
        }
        Ok(was_there)
    }

    pub(crate) fn phrase(&self) -> String {
        format!("the pause of process {}", self.identity.pid)
    }

    /// The group, as long as its leader is there, as a zombie too: so long the number is not another's.
    fn group(&self) -> Option<Pid> {
        let pgid = self.pgid.filter(|&pgid| pgid > 1)?;
        let stat = self.identity.stat()?;
        Pid::from_raw(pgid).filter(|_| stat.pgrp == pgid)
    }
}

fn members_of(pgid: i32, leader: i32) -> Vec<(i32, u64)> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid: &i32| pid > 1 && pid != leader)
        .filter_map(|pid| {
            let stat = Stat::of(pid).ok().filter(|stat| stat.pgrp == pgid)?;
            Some((pid, stat.start_ticks))
        })
        .take(MAX_MEMBERS)
        .collect()
}
