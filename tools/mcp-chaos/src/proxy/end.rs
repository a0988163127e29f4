//! One end of a connection: a socket, and what is known of it since it was last looked at.

use super::pipes::{PIPE_BYTES, Pipe};
use super::poller::Event;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown, sockopt};
use rustix::pipe::{SpliceFlags, splice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// The other side has no more to say.
    End,
    /// It was reset.
    Broken,
}

/// What came of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// So many bytes, maybe none, were taken.
    Bytes(usize),
    /// It was reset: nobody reads it.
    Broken,
}

/// One end.
pub struct End {
    fd: OwnedFd,
    /// There may be something to read.
    pub is_readable: bool,
    /// There may be room to write.
    pub is_writable: bool,
    /// What is left to be read, ends.
    pub has_ended: bool,
    /// Both directions are over, or it was reset: the kernel holds what can still be read, and there won't be more.
    pub has_hung_up: bool,
    /// Writing has failed: the end that is read next is no end but a reset.
    pub is_broken: bool,
}

impl End {
    /// Of a socket that does not block.
    pub fn new(fd: OwnedFd) -> Self {
        Self {
            fd,
            is_readable: false,
            is_writable: true,
            has_ended: false,
            has_hung_up: false,
            is_broken: false,
        }
    }

    /// Takes in what epoll said.
    pub fn learn(&mut self, event: &Event) {
        self.is_readable |= event.is_readable;
        self.is_writable |= event.is_writable;
        self.has_ended |= event.has_ended;
        self.has_hung_up |= event.has_hung_up;
    }

    /// Reads.
    pub fn read(&mut self, into: &mut [u8]) -> Got {
        let asked = into.len();
        loop {
            let got = match recv(&self.fd, &mut *into, RecvFlags::empty()) {
                Ok((_, 0)) => return self.over(),
                Ok((_, n)) => Got::Bytes(n),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Got::Nothing,
                Err(_) => return self.broke(),
            };
            // A short read has emptied the socket, and another try would only be told so; epoll speaks up again when
            // there is more. Where the end has been told already, it does not.
            if got != Got::Bytes(asked) && !self.has_ended {
                self.is_readable = false;
            }
            return got;
        }
    }

    /// Moves bytes from the socket into an empty pipe.
    pub fn splice_into(&mut self, pipe: &Pipe) -> Got {
        match spliced(&self.fd, &pipe.into, PIPE_BYTES) {
            Ok(0) => self.over(),
            // A pipe is full when its slots are, whatever is in them: only a try tells that the socket is empty.
            Ok(n) => Got::Bytes(n),
            Err(Errno::AGAIN) => {
                self.is_readable = false;
                Got::Nothing
            }
            Err(_) => self.broke(),
        }
    }

    /// Writes.
    pub fn write(&mut self, bytes: &[u8]) -> Put {
        loop {
            return match send(&self.fd, bytes, SendFlags::NOSIGNAL) {
                Ok(n) => {
                    self.is_writable = n == bytes.len();
                    Put::Bytes(n)
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => self.full(),
                Err(_) => self.unread(),
            };
        }
    }

    /// Moves so many bytes from a pipe to the socket.
    pub fn splice_from(&mut self, pipe: &Pipe, len: usize) -> Put {
        match spliced(&pipe.out, &self.fd, len) {
            Ok(n) => Put::Bytes(n),
            Err(Errno::AGAIN) => self.full(),
            Err(_) => self.unread(),
        }
    }

    /// Says that no more is to come (FIN).
    pub fn end(&mut self) {
        // Where it is reset already, there is nobody to be told.
        let _ = shutdown(&self.fd, Shutdown::Write);
    }

    /// What became of a connection that was asked for.
    pub fn connected(&mut self) -> Result<(), Errno> {
        sockopt::socket_error(&self.fd).unwrap_or_else(Err)
    }

    /// Closes it by RST.
    pub fn reset(self) {
        let _ = sockopt::set_socket_linger(&self.fd, Some(Duration::ZERO));
    }

    /// Closes it. What was not read is read away first: otherwise the kernel sends a RST, which may reach the other side
    /// before it has read what it was sent.
    pub fn close(mut self, scratch: &mut [u8]) {
        for _ in 0..16 {
            if !matches!(self.read(scratch), Got::Bytes(_)) {
                break;
            }
        }
    }

    fn over(&mut self) -> Got {
        self.is_readable = false;
        if self.is_broken {
            Got::Broken
        } else {
            Got::End
        }
    }

    fn broke(&mut self) -> Got {
        self.is_readable = false;
        self.is_broken = true;
        Got::Broken
    }

    fn full(&mut self) -> Put {
        self.is_writable = false;
        Put::Bytes(0)
    }

    fn unread(&mut self) -> Put {
        self.is_broken = true;
        Put::Broken
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn spliced(from: &OwnedFd, to: &OwnedFd, len: usize) -> Result<usize, Errno> {
    loop {
        match splice(
            from,
            None,
            to,
            None,
            len,
            SpliceFlags::NONBLOCK | SpliceFlags::MOVE,
        ) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
