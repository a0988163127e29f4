//! The keeper: a process that watches one tool and, when it has died, undoes what its journal holds open.
//!
//! stdin is the tool's pidfd (opened by the tool, so never of a wrong process), stdout a pipe for the word "ready".

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::fcntl_dupfd_cloexec;

use crate::Contents;
use crate::entry::monotonic_us;
use crate::settle::{Settled, settle};
use crate::sweep::lock;

/// The hidden subcommand.
pub(crate) const SUBCOMMAND: &str = "keeper";
/// What it writes once it stands.
pub(crate) const READY: u8 = b'k';
/// Time between SIGTERM and SIGKILL when the tool has died.
const GRACE: Duration = Duration::from_secs(2);
/// How often it looks for entries with a deadline.
const LOOK: Duration = Duration::from_secs(5);

/// Runs the keeper to its end.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let done = match arguments.as_slice() {
        [journal] if is_pidfd() => keep(&PathBuf::from(journal)),
        _ => Err(io::Error::other(
            "the keeper is started by its tool, not by hand",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // stderr is the log.
            let _ = writeln!(io::stderr(), "keeper: {error}");
            ExitCode::from(2)
        }
    }
}

fn is_pidfd() -> bool {
    fs::read_to_string("/proc/self/fdinfo/0")
        .is_ok_and(|info| info.lines().any(|line| line.starts_with("Pid:")))
}

fn keep(journal: &Path) -> io::Result<()> {
    ignore_signals();
    // A folder that is to be unmounted must not be held by us.
    let _ = std::env::set_current_dir("/");
    let tool = take_tool()?;
    let mut due = None;
    let mut looked_at = None;
    loop {
        let wait = due
            .map_or(LOOK, |due: u64| {
                Duration::from_micros(due.saturating_sub(monotonic_us()))
            })
            .min(LOOK);
        if wait_for(&tool, wait)? {
            break;
        }
        // Reading costs nothing while nothing was written.
        let stamp = fs::metadata(journal)
            .and_then(|file| Ok((file.len(), file.modified()?)))
            .ok();
        if stamp != looked_at || due.is_some_and(|due| due <= monotonic_us()) {
            due = undo_overdue(journal)?;
            looked_at = stamp;
        }
    }
    // A sweep may be at it: then wait, and find it done.
    let Some(mut file) = lock(journal, true)? else {
        return Ok(());
    };
    let contents = Contents::read(&file)?;
    let settled = settle(&mut file, &contents, |_| true, GRACE)?;
    if settled.kept.is_empty() {
        fs::remove_file(journal)?;
    }
    say(&settled, "the tool died");
    Ok(())
}

/// Undoes what is past its deadline while the tool lives; the next deadline, if there is one.
fn undo_overdue(journal: &Path) -> io::Result<Option<u64>> {
    // Not locked: the tool holds the lock. Appends of a line don't mix, and done twice is done once.
    let mut file = match File::options().read(true).append(true).open(journal) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let contents = Contents::read(&file)?;
    let now = monotonic_us();
    let overdue = |deadline: Option<u64>| deadline.is_some_and(|deadline| deadline <= now);
    if contents
        .open
        .values()
        .any(|plan| overdue(plan.deadline_mono_us))
    {
        let settled = settle(
            &mut file,
            &contents,
            |plan| overdue(plan.deadline_mono_us),
            GRACE,
        )?;
        say(&settled, "the deadline passed");
    }
    let deadlines = contents
        .open
        .values()
        .filter_map(|plan| plan.deadline_mono_us);
    Ok(deadlines.filter(|&deadline| deadline > now).min())
}

/// Moves the tool's pidfd off stdin, says "ready", and lets go of everything else that was inherited.
fn take_tool() -> io::Result<OwnedFd> {
    // SAFETY: this process has one thread and has opened nothing yet; all from 3 on was left open by a shell.
    if unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let tool = fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    let ready = File::from(fcntl_dupfd_cloexec(io::stdout(), 3)?);
    rustix::stdio::dup2_stdout(&null)?;
    (&ready).write_all(&[READY])?;
    Ok(tool)
}

/// True when the process has died within the time.
fn wait_for(pidfd: &OwnedFd, time: Duration) -> io::Result<bool> {
    let timeout = Timespec {
        tv_sec: time.as_secs() as i64,
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    let mut polled = [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)];
    match poll(&mut polled, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What ends a tool must not end its keeper: it goes when nothing is left to undo.
fn ignore_signals() {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGPIPE,
    ] {
        // SAFETY: ignoring runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

fn say(settled: &Settled, why: &str) {
    let mut log = io::stderr();
    for undone in &settled.undone {
        let _ = writeln!(log, "keeper: {why}: ended {undone}");
    }
    for kept in &settled.kept {
        let _ = writeln!(log, "keeper: {why}: could not undo {kept}");
    }
}
