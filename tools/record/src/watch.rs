//! Watches a pipe's writing end, so that an idle producer learns that its reader has left.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};
use std::io;
use std::os::fd::BorrowedFd;

/// Whether this is a pipe or a socket, whose reader can leave. A file or a terminal stays.
#[must_use]
pub fn is_pipe(fd: BorrowedFd<'_>) -> bool {
    fstat(fd).is_ok_and(|s| {
        matches!(
            FileType::from_raw_mode(s.st_mode),
            FileType::Fifo | FileType::Socket
        )
    })
}

/// Reads or writes `fd`, and waits where that says that it would block: whoever shares a pipe or a terminal with us may
/// have made it non-blocking, for us too.
///
/// # Errors
/// What `act` says besides.
pub(crate) fn patiently(
    fd: BorrowedFd<'_>,
    event: PollFlags,
    mut act: impl FnMut() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match act() {
            Err(rustix::io::Errno::AGAIN) => {}
            done => return Ok(done?),
        }
        match poll(&mut [PollFd::new(&fd, event)], None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Returns when nobody can read what is written to `fd` any more.
pub fn until_reader_leaves(fd: BorrowedFd<'_>) {
    loop {
        // No event is asked for: poll(2) tells POLLERR and POLLHUP unasked.
        let mut fds = [PollFd::new(&fd, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_)
                if fds[0]
                    .revents()
                    .intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) =>
            {
                return;
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Nothing sensible is left to try; a write will tell.
            Err(_) => std::thread::sleep(std::time::Duration::from_secs(1)),
        }
    }
}
