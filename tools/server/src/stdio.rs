//! stdin and stdout as a stream that can be waited for, whatever they are: pipes, sockets, a terminal, files.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::JoinHandle;

use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, open};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::unix::pipe::{Receiver, Sender};

/// Both directions.
pub(crate) struct Pipes {
    pub(crate) input: Receiver,
    pub(crate) output: Sender,
}

/// Copies what cannot be waited for; ends when the pipe to it does.
pub(crate) struct Copier(Option<JoinHandle<io::Result<u64>>>);

impl Copier {
    /// Waits until all is where it belongs.
    ///
    /// # Errors
    /// Where it could not be written.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.0.map(JoinHandle::join) {
            None | Some(Ok(Ok(_))) => Ok(()),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(_)) => Err(io::Error::other("the copying thread panicked")),
        }
    }
}

/// Opens both for a runtime. The copier is to be finished when the output has been dropped.
///
/// # Errors
/// Where they are closed, or the kernel has no more descriptors.
pub(crate) fn open_both() -> io::Result<(Pipes, Copier)> {
    let input = match Receiver::from_owned_fd_unchecked(waitable(io::stdin().as_fd(), 0)?) {
        Ok(input) => input,
        // epoll takes no regular files: a thread reads them.
        Err(_) => {
            let mut source = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            thread("stdin", move || {
                io::copy(&mut source, &mut File::from(write))
            })?;
            unblock(&read)?;
            Receiver::from_owned_fd_unchecked(read)?
        }
    };
    let (output, copier) = match Sender::from_owned_fd_unchecked(waitable(io::stdout().as_fd(), 1)?)
    {
        Ok(output) => (output, Copier(None)),
        Err(_) => {
            let mut sink = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            let copying = thread("stdout", move || io::copy(&mut File::from(read), &mut sink))?;
            unblock(&write)?;
            (
                Sender::from_owned_fd_unchecked(write)?,
                Copier(Some(copying)),
            )
        }
    };
    Ok((Pipes { input, output }, copier))
}

fn thread(
    name: &str,
    work: impl FnOnce() -> io::Result<u64> + Send + 'static,
) -> io::Result<JoinHandle<io::Result<u64>>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
}

/// A descriptor that does not block. The flag belongs to the open file, which others may share (a
/// shell its terminal), so a pipe or a terminal is opened anew where that can be done.
fn waitable(fd: BorrowedFd<'_>, number: u8) -> io::Result<OwnedFd> {
    let kind = FileType::from_raw_mode(fstat(fd)?.st_mode);
    if matches!(kind, FileType::Fifo | FileType::CharacterDevice) {
        let access = fcntl_getfl(fd)? & OFlags::RWMODE;
        let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let path = format!("/proc/self/fd/{number}");
        if let Ok(own) = open(path, flags, Mode::empty()) {
            return Ok(own);
        }
    }
    let own = fd.try_clone_to_owned()?;
    // Each end of a socket pair is an open file of its own, so the other side notices nothing; a
    // regular file is refused by epoll, and must stay as it is.
    if kind == FileType::Socket || kind == FileType::Fifo {
        unblock(&own)?;
    }
    Ok(own)
}

fn unblock(fd: &OwnedFd) -> io::Result<()> {
    fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
    Ok(())
}
