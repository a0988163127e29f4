//! The tool's side of its keeper: starts one, and another when it has died.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, pipe};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use crate::keeper::{READY, SUBCOMMAND};
use crate::launch::{in_own_session, own_command};
use crate::{Error, State, log, mark};

/// How often logs are looked at, and how long to wait after a keeper that would not start.
const TURN: Duration = Duration::from_secs(5);
/// A keeper that dies younger than this is waited for, so that a broken one is no busy loop.
const YOUNG: Duration = Duration::from_secs(1);

/// A thread that sees to it that a keeper stands.
#[derive(Debug)]
pub(crate) struct Guard {
    thread: Option<JoinHandle<()>>,
    /// Closing it ends the thread.
    life: Option<PipeWriter>,
    keeper_pid: Arc<AtomicI32>,
}

impl Guard {
    /// Starts the first keeper, waits until it stands, and then watches it.
    pub(crate) fn start(
        state: State,
        journal: PathBuf,
        tell: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, Error> {
        let keeper = Keeper::start(&state, &journal)?;
        let keeper_pid = Arc::new(AtomicI32::new(keeper.process.id() as i32));
        let (ended, life) = pipe().map_err(Error::start("a pipe"))?;
        let pid = Arc::clone(&keeper_pid);
        let watch = move || {
            Watch {
                state,
                journal,
                pid,
                ended,
            }
            .run(keeper, &tell)
        };
        let thread = std::thread::Builder::new()
            .name("keeper-guard".to_owned())
            .spawn(watch)
            .map_err(Error::start("a thread"))?;
        Ok(Self {
            thread: Some(thread),
            life: Some(life),
            keeper_pid,
        })
    }

    /// The pid of the keeper that stands now.
    pub(crate) fn keeper_pid(&self) -> i32 {
        self.keeper_pid.load(Ordering::Relaxed)
    }

    /// Sends the keeper away. The journal must be removed before.
    pub(crate) fn dismiss(&mut self) {
        drop(self.life.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Watch {
    state: State,
    journal: PathBuf,
    pid: Arc<AtomicI32>,
    ended: PipeReader,
}

impl Watch {
    fn run(self, first: Keeper, tell: &impl Fn(&str)) {
        let mut keeper = Some(first);
        loop {
            if self.wait(keeper.as_ref()) {
                break;
            }
            let _ = log::trim(&self.state, &self.journal);
            if let Some(standing) = &mut keeper {
                if matches!(standing.process.try_wait(), Ok(None)) {
                    continue;
                }
                if standing.since.elapsed() < YOUNG && self.wait(None) {
                    break;
                }
            }
            keeper = match Keeper::start(&self.state, &self.journal) {
                Ok(fresh) => {
                    self.pid.store(fresh.process.id() as i32, Ordering::Relaxed);
                    tell("the keeper died; started another");
                    Some(fresh)
                }
                Err(error) => {
                    tell(&format!(
                        "no keeper stands, so nothing is undone if this tool is killed: {error}"
                    ));
                    None
                }
            };
        }
        if let Some(mut keeper) = keeper {
            // It has nothing to do any more, and it ignores all polite signals.
            let _ = keeper.process.kill();
            let _ = keeper.process.wait();
        }
    }

    /// Waits for the end of the tool (true), the keeper's death or the next turn.
    fn wait(&self, keeper: Option<&Keeper>) -> bool {
        let mut polled = vec![PollFd::new(&self.ended, PollFlags::IN)];
        polled.extend(keeper.map(|keeper| PollFd::new(&keeper.pidfd, PollFlags::IN)));
        let turn = Timespec {
            tv_sec: TURN.as_secs() as i64,
            tv_nsec: 0,
        };
        let _ = poll(&mut polled, Some(&turn));
        !polled[0].revents().is_empty()
    }
}

struct Keeper {
    process: process::Child,
    pidfd: OwnedFd,
    since: Instant,
}

impl Keeper {
    fn start(state: &State, journal: &Path) -> Result<Self, Error> {
        let failed = || Error::start::<io::Error>("the keeper");
        // Opened here, where it can't be anybody else's: the keeper may start when we are dead already.
        let tool = pidfd_open(getpid(), PidfdFlags::empty()).map_err(Error::start("the keeper"))?;
        let (mut ready, ready_write) = pipe().map_err(failed())?;
        let (_, log): (_, File) = log::open(state, journal, "keeper")?;
        let mut command = own_command();
        command
            .arg(SUBCOMMAND)
            .arg(journal)
            .stdin(tool)
            .stdout(ready_write)
            .stderr(log);
        // A tool that is itself a child of another would hand on that one's mark, and the keeper would be ended with it.
        for variable in mark::VARIABLES {
            command.env_remove(variable);
        }
        in_own_session(&mut command);
        let mut process = command.spawn().map_err(failed())?;
        drop(command);
        let mut word = [0_u8];
        let stands = ready.read_exact(&mut word).is_ok() && word[0] == READY;
        let pidfd = Pid::from_raw(process.id() as i32)
            .filter(|_| stands)
            .ok_or_else(|| {
                io::Error::other("it ended at once (does main call undo::hidden first?)")
            })
            .and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?));
        match pidfd {
            Ok(pidfd) => Ok(Self {
                process,
                pidfd,
                since: Instant::now(),
            }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(failed()(error))
            }
        }
    }
}
