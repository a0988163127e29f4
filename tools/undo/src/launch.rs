//! The parent's side of a start: spawn the launcher, write it down, open the gate, hear whether exec worked.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, Read, pipe};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::Arc;

use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::gate;
use crate::launcher::SUBCOMMAND;
use crate::{CommandSpec, Error, Identity, Mark, ProcessPlan};

/// A launcher that waits at its gate.
pub(crate) struct Gated {
    process: process::Child,
    gate: UnixStream,
    stdio: Option<Arc<OwnedFd>>,
    status: PipeReader,
    pub(crate) pidfd: OwnedFd,
    pub(crate) plan: ProcessPlan,
}

/// Starts the launcher in a session and group of its own; nothing of the command runs yet.
pub(crate) fn spawn(spec: &CommandSpec, mark: &Mark, log: File) -> Result<Gated, Error> {
    let program = spec.argv.first().ok_or(Error::EmptyCommand)?;
    let what = program.to_string_lossy();
    let (gate_end, gate) = UnixStream::pair().map_err(Error::start("a pipe"))?;
    let (status, status_write) = pipe().map_err(Error::start("a pipe"))?;
    let mut command = own_command();
    command
        .arg(SUBCOMMAND)
        .args(&spec.argv)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .envs(mark.variables())
        .stdin(OwnedFd::from(gate_end))
        .stdout(status_write)
        .stderr(log);
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    in_own_session(&mut command);
    let mut process = command.spawn().map_err(Error::start(&what))?;
    // It holds the ends of the child; with them open, no end of file would ever be seen.
    drop(command);
    let pid = process.id() as i32;
    match identify(pid) {
        Ok((identity, pidfd)) => Ok(Gated {
            process,
            gate,
            stdio: spec.stdio.clone(),
            status,
            pidfd,
            plan: ProcessPlan {
                pgid: pid,
                identity,
                command: spec
                    .argv
                    .join(OsStr::new(" "))
                    .to_string_lossy()
                    .into_owned(),
            },
        }),
        Err(error) => {
            drop(gate);
            let _ = process.wait();
            Err(Error::start::<io::Error>(&what)(error))
        }
    }
}

fn identify(pid: i32) -> io::Result<(Identity, OwnedFd)> {
    let raw = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    // Our own child, not reaped yet: the pid can't be another's.
    Ok((Identity::of(pid)?, pidfd_open(raw, PidfdFlags::empty())?))
}

impl Gated {
    /// Lets the command run, and reports what exec said. On an error the launcher is gone and reaped.
    pub(crate) fn open(self, program: &OsStr) -> Result<OwnedFd, Error> {
        let Self {
            mut process,
            gate,
            stdio,
            mut status,
            pidfd,
            ..
        } = self;
        // EPIPE: the launcher was killed at the gate; the caller sees its exit like any other.
        let _ = gate::open(&gate, stdio.as_deref().map(AsFd::as_fd));
        drop(gate);
        let mut errno = Vec::new();
        let heard = status.read_to_end(&mut errno);
        let Ok(errno) = <[u8; 4]>::try_from(errno) else {
            return heard.map(|_| pidfd).map_err(Error::start("a launcher"));
        };
        let _ = process.wait();
        let program = program.to_string_lossy().into_owned();
        let source = io::Error::from_raw_os_error(i32::from_ne_bytes(errno));
        if source.kind() == io::ErrorKind::NotFound {
            return Err(Error::NotFound { program });
        }
        Err(Error::Exec { program, source })
    }

    /// Gives up before anything ran: the closed gate ends the launcher.
    pub(crate) fn abandon(self) {
        let Self {
            mut process, gate, ..
        } = self;
        drop(gate);
        let _ = process.wait();
    }
}

/// This very program as a command.
pub(crate) fn own_command() -> Command {
    let mut command = Command::new(own_executable());
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command
}

/// The file of this very program: by its name, so that `ps` shows it, where that still is the same
/// file; a build may have replaced it.
pub fn own_executable() -> PathBuf {
    const SELF: &str = "/proc/self/exe";
    let file = |path: &PathBuf| {
        std::fs::metadata(path)
            .ok()
            .map(|file| (file.dev(), file.ino()))
    };
    std::fs::read_link(SELF)
        .ok()
        .filter(|path| file(path).is_some() && file(path) == file(&PathBuf::from(SELF)))
        .unwrap_or_else(|| PathBuf::from(SELF))
}

/// A session of its own: Ctrl-C at the terminal and the hang-up of its shell don't reach it.
pub(crate) fn in_own_session(command: &mut Command) {
    // SAFETY: setsid is async-signal-safe and allocates nothing, as code between fork and exec must be.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()
                .map(|_| ())
                .map_err(io::Error::from)
        });
    }
}
