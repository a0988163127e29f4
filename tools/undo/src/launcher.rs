//! The child's side of a start: wait at the gate until the journal knows of us, then become the command.
//!
//! stdin is the gate, stdout the status pipe, stderr already the log; so no descriptor number has to be agreed on.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::fd::{AsFd, OwnedFd};
use rustix::io::fcntl_dupfd_cloexec;

use crate::gate;

/// The hidden subcommand.
pub(crate) const SUBCOMMAND: &str = "launch";

/// Runs the launcher; returns only if nothing was executed.
pub(crate) fn run(argv: Vec<OsString>) -> ExitCode {
    // The parent is gone, the journal does not know of us, so nothing may start.
    let Some(stdio) = gate::wait(io::stdin()) else {
        return ExitCode::from(2);
    };
    let status = match take_status(stdio) {
        Ok(status) => status,
        Err(_) => return ExitCode::from(2),
    };
    let error = become_command(&argv);
    // Four bytes are one write: the parent reads nothing (executed) or all of it.
    let _ = (&status).write_all(&error.raw_os_error().unwrap_or(0).to_ne_bytes());
    ExitCode::from(127)
}

/// Moves the status pipe off stdout, to where exec closes it: its end of file says "executed".
fn take_status(stdio: Option<OwnedFd>) -> io::Result<File> {
    let status = File::from(fcntl_dupfd_cloexec(io::stdout(), 3)?);
    match stdio {
        Some(socket) => {
            rustix::stdio::dup2_stdout(&socket)?;
            rustix::stdio::dup2_stdin(&socket)?;
        }
        None => {
            rustix::stdio::dup2_stdout(io::stderr().as_fd())?;
            rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        }
    }
    Ok(status)
}

fn become_command(argv: &[OsString]) -> io::Error {
    let Some((program, arguments)) = argv.split_first() else {
        return io::Error::from_raw_os_error(libc::ENOENT);
    };
    if let Err(error) = close_on_exec_from(3).and_then(|()| default_signals()) {
        return error;
    }
    Command::new(program).args(arguments).exec()
}

/// Marks all descriptors from `first` on close-on-exec: a shell may have left one open that belongs to the pipe.
pub(crate) fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: close_range takes three integers, and with CLOEXEC it closes nothing that this process still uses.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A server starts as from a plain shell: with all signals, also where our own shell ignored some (`nohup`, `&`).
fn default_signals() -> io::Result<()> {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGPIPE,
        libc::SIGCHLD,
        libc::SIGUSR1,
        libc::SIGUSR2,
    ] {
        // SAFETY: the default action runs no code of ours, and this process has one thread.
        if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: an all-zero sigset_t is what sigemptyset fills anyway; both calls only touch this local.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        if libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
