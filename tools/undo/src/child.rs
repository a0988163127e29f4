//! A process that was started through the gate and is undone with its tool.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use crate::journal::Journal;
use crate::stop::{Stopped, Target, stop_unless_hurried};
use crate::{Error, Identity, owner::lock};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A running (or just ended) child. Dropping it ends nothing: the journal still has it, and
/// [`crate::Undo::close`] or the keeper ends it.
#[derive(Debug)]
pub struct Child {
    pub(crate) id: String,
    pub(crate) target: Target,
    pub(crate) pidfd: OwnedFd,
    pub(crate) log_path: PathBuf,
    pub(crate) journal: Arc<Mutex<Option<Journal>>>,
    pub(crate) hurry: Arc<AtomicBool>,
}

impl Child {
    /// Its process id, which is also its group and session.
    pub fn pid(&self) -> i32 {
        self.target.identity.pid
    }

    /// Pid, start time and boot.
    pub fn identity(&self) -> &Identity {
        &self.target.identity
    }

    /// Readable (poll, epoll, tokio's AsyncFd) once it has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Where its stdout and stderr go.
    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// How it ended; `None` while it runs. It stays a zombie until [`Child::stop`], so that its group's number stays its own.
    pub fn exited(&self) -> Option<Exit> {
        self.wait(WaitIdOptions::NOWAIT)
    }

    /// Ends it with all its descendants, or what it left behind when it ended by itself, and writes that down.
    /// Takes up to `grace`, plus 3 s where SIGKILL is slow.
    ///
    /// # Errors
    /// [`Error::Left`] when something is there even after SIGKILL: the journal keeps it, the next start tries again.
    pub fn stop(self, grace: Duration) -> Result<Stopped, Error> {
        let targets = std::slice::from_ref(&self.target);
        let mut stopped = stop_unless_hurried(targets, grace, &self.hurry);
        self.wait(WaitIdOptions::empty());
        let stopped = stopped.pop().unwrap_or_default();
        if let Some(&pid) = stopped.left.first() {
            return Err(Error::Left(pid));
        }
        // None: the tool's undoing has begun, and writes this down itself.
        if let Some(journal) = lock(&self.journal).as_mut() {
            journal.done(&self.id)?;
        }
        Ok(stopped)
    }

    fn wait(&self, and: WaitIdOptions) -> Option<Exit> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | and;
        let status = waitid(WaitId::PidFd(self.pidfd.as_fd()), options).ok()??;
        exit_of(&status)
    }
}

fn exit_of(status: &WaitIdStatus) -> Option<Exit> {
    let code = status.exit_status().map(Exit::Code);
    code.or_else(|| status.terminating_signal().map(Exit::Signal))
}
