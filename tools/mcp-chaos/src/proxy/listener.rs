//! The port of a proxy: open, closed without being given away, or not looked at for a moment.

use super::poller::Poller;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Shutdown, SocketFlags, SocketType, accept_with, bind, getsockname, listen,
    shutdown, socket_with, sockopt,
};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

/// Connections that wait for us with the kernel, as far as net.core.somaxconn lets.
const BACKLOG: i32 = 4_096;

/// A port.
pub struct Listener {
    fd: OwnedFd,
    address: SocketAddr,
    gate: usize,
    is_open: bool,
    is_paused: bool,
}

impl Listener {
    /// Binds and listens.
    ///
    /// # Errors
    /// The address is taken or not ours, or there are no more files.
    pub fn open(address: SocketAddr, gate: usize, poller: &Poller) -> io::Result<Self> {
        let any = bound(address)?;
        let address: SocketAddr = getsockname(&any)?.try_into()?;
        // A port that the kernel chose goes with the listening, and then it may be somebody else's; one that was asked
        // for stays bound. Two sockets may have the same port as long as none of them listens.
        let fd = bound(address)?;
        drop(any);
        let mut listener = Self {
            fd,
            address,
            gate,
            is_open: false,
            is_paused: false,
        };
        listener.set_open(true, poller)?;
        Ok(listener)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens it, or closes it: who connects is refused then, and who waits with the kernel is reset. The port stays ours.
    ///
    /// # Errors
    /// None that is known: the port is bound.
    pub fn set_open(&mut self, open: bool, poller: &Poller) -> io::Result<()> {
        if open == self.is_open {
            return Ok(());
        }
        if open {
            listen(&self.fd, BACKLOG)?;
            poller.add_listener(&self.fd, self.gate)?;
        } else {
            // A socket that listens no more stays bound (man 2 shutdown does not say so; haproxy pauses by it, too).
            poller.forget(&self.fd);
            shutdown(&self.fd, Shutdown::Read)?;
        }
        (self.is_open, self.is_paused) = (open, false);
        Ok(())
    }

    /// Lets clients wait with the kernel for a while, or no longer.
    pub fn pause(&mut self, paused: bool, poller: &Poller) {
        if self.is_open && self.is_paused != paused {
            poller.pause_listener(&self.fd, self.gate, paused);
            self.is_paused = paused;
        }
    }

    /// The next client that has connected; `None` where there is none.
    ///
    /// # Errors
    /// There are no more files, or no memory.
    pub fn accept(&self) -> Result<Option<OwnedFd>, Errno> {
        if !self.is_open {
            return Ok(None);
        }
        loop {
            return match accept_with(&self.fd, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(fd) => Ok(Some(fd)),
                Err(Errno::AGAIN) => Ok(None),
                // It left before we came.
                Err(Errno::INTR | Errno::CONNABORTED) => continue,
                Err(e) => Err(e),
            };
        }
    }

    /// Closes it for good.
    pub fn close(self, poller: &Poller) {
        if self.is_open {
            poller.forget(&self.fd);
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<OwnedFd> {
    let fd = socket(address)?;
    sockopt::set_socket_reuseaddr(&fd, true)?;
    bind(&fd, &address)?;
    Ok(fd)
}

/// A TCP socket that does not block.
pub fn socket(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    socket_with(family, SocketType::STREAM, flags, None)
}
