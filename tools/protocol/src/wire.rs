//! A byte stream to a server, plain or TLS, that never blocks unless asked to.
//!
//! In an event loop: [`Wire::start`]; when the socket is writable, [`Wire::finish_connect`]; then
//! [`Wire::handshake`] whenever the socket is ready until it is done (at once without TLS); then read and
//! write. As long as [`Wire::wants_write`] is true, call [`Wire::flush_pending`] when the socket is
//! writable. Set-up work that may block calls [`Wire::connect`] instead.

mod secure;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto};
use rustls::ClientConfig;
use secure::Secure;

/// A byte stream to a server.
#[derive(Debug)]
pub struct Wire {
    socket: TcpStream,
    tls: Option<Box<Secure>>,
    connected: bool,
    blocking: bool,
}

impl Wire {
    /// Begins to connect and returns at once. TCP_NODELAY and close-on-exec are set. `tls` is the
    /// configuration and the name (or address) that the server's certificate must be for.
    ///
    /// # Errors
    /// When there is no socket to be had, the address is unreachable at once, or the name cannot stand
    /// in a certificate.
    pub fn start(address: SocketAddr, tls: Option<(&Arc<ClientConfig>, &str)>) -> io::Result<Wire> {
        Wire::start_from(None, address, tls)
    }

    /// As [`Wire::start`], from a certain address of this machine. The port is chosen when the connection is made
    /// (`IP_BIND_ADDRESS_NO_PORT`), so that many connections to several servers can share it.
    ///
    /// # Errors
    /// As [`Wire::start`]; also when the machine does not have this address, or no port is left.
    pub fn start_from(
        source: Option<IpAddr>,
        address: SocketAddr,
        tls: Option<(&Arc<ClientConfig>, &str)>,
    ) -> io::Result<Wire> {
        let tls = tls
            .map(|(config, name)| Secure::new(config, name).map(Box::new))
            .transpose()?;
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
        rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
        if let Some(source) = source {
            set_bind_address_no_port(&socket)?;
            rustix::net::bind(&socket, &SocketAddr::new(source, 0))?;
        }
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Wire {
            socket: TcpStream::from(socket),
            tls,
            connected: false,
            blocking: false,
        })
    }

    /// A wire over one end of a socket pair, whose other end a child has as stdin and stdout.
    ///
    /// # Errors
    /// When the system refuses to make it non-blocking.
    pub fn over(pair: UnixStream) -> io::Result<Wire> {
        pair.set_nonblocking(true)?;
        Ok(Wire {
            // Nothing that is done to it below asks for the family but the address, which a pair has none of.
            socket: TcpStream::from(OwnedFd::from(pair)),
            tls: None,
            connected: true,
            blocking: false,
        })
    }

    /// Connects, TLS included, within `timeout`, and leaves the wire blocking with that timeout for
    /// each read and write.
    ///
    /// # Errors
    /// When the server cannot be reached (`TimedOut` when time is up), or its certificate is not trusted.
    pub fn connect(
        address: SocketAddr,
        tls: Option<(&Arc<ClientConfig>, &str)>,
        timeout: Duration,
    ) -> io::Result<Wire> {
        let deadline = Instant::now() + timeout;
        let mut wire = Wire::start(address, tls)?;
        while !wire.finish_connect()? {
            wire.wait(PollFlags::OUT, deadline)?;
        }
        while !wire.handshake()? {
            let write = match wire.wants_write() {
                true => PollFlags::OUT,
                false => PollFlags::empty(),
            };
            wire.wait(PollFlags::IN | write, deadline)?;
        }
        wire.set_blocking(timeout)?;
        Ok(wire)
    }

    /// Whether TCP is connected. Ask when the socket is writable; `false` means to go on waiting.
    ///
    /// # Errors
    /// When the connection was refused, or the server cannot be reached.
    pub fn finish_connect(&mut self) -> io::Result<bool> {
        if self.connected {
            return Ok(true);
        }
        match self.socket.peer_addr() {
            Ok(_) => self.connected = true,
            // Either it is still under way, or it has failed.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                if let Some(error) = self.socket.take_error()? {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(self.connected)
    }

    /// Drives the TLS handshake as far as it goes without blocking; true when it is done, and at once
    /// on a plain wire. Ask whenever the socket is ready, once TCP is connected.
    ///
    /// # Errors
    /// When the server's certificate is not trusted, or it speaks no TLS, or hangs up.
    pub fn handshake(&mut self) -> io::Result<bool> {
        match &mut self.tls {
            None => Ok(true),
            Some(tls) => tls.handshake(&mut self.socket),
        }
    }

    /// Whether it is TLS.
    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether TLS is still being set up; never on a plain wire.
    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Whether the event loop is to wait for the socket to be writable: while TCP connects, and as long
    /// as TLS records wait for room in the socket. What was written has been *sent* when this is false.
    pub fn wants_write(&self) -> bool {
        !self.connected || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Writes TLS records to the socket as far as there is room; true when none is left.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn flush_pending(&mut self) -> io::Result<bool> {
        match &mut self.tls {
            None => Ok(true),
            Some(tls) => tls.flush(&mut self.socket),
        }
    }

    /// Plain bytes that can be read without the socket becoming readable again. An event loop that
    /// stops reading before `WouldBlock` must come back for them.
    pub fn buffered_bytes(&self) -> usize {
        self.tls.as_ref().map_or(0, |tls| tls.decrypted_bytes())
    }

    /// The protocol that both sides agreed on by ALPN, once the handshake is done.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.tls.as_ref().and_then(|tls| tls.alpn())
    }

    /// Makes reads and writes block, each for `timeout` at most: they fail with `TimedOut` then. May be
    /// called again with another timeout.
    ///
    /// # Errors
    /// When the timeout is zero.
    pub fn set_blocking(&mut self, timeout: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(timeout))?;
        self.socket.set_write_timeout(Some(timeout))?;
        self.socket.set_nonblocking(false)?;
        self.blocking = true;
        Ok(())
    }

    /// Makes reads and writes return `WouldBlock` again where they would block.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_nonblocking(&mut self) -> io::Result<()> {
        self.socket.set_nonblocking(true)?;
        self.blocking = false;
        Ok(())
    }

    /// The address on this side, which tells connections apart in a server's log.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Says goodbye as TLS and TCP do it; what the server still sends can be read. Without it a dropped
    /// wire is closed just the same, and many servers log a truncated TLS stream.
    ///
    /// # Errors
    /// When the connection is broken already.
    pub fn shut_down(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.say_goodbye(&mut self.socket)?;
        }
        self.socket.shutdown(Shutdown::Write)
    }

    fn wait(&self, events: PollFlags, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut sockets = [PollFd::new(&self.socket, events)];
        match rustix::event::poll(&mut sockets, Some(&left)) {
            // At the deadline the next call says so.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A blocking socket says `WouldBlock` when its timeout is over.
    fn in_time<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock if self.blocking => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

/// `IP_BIND_ADDRESS_NO_PORT`, which serves IPv6 too and which rustix does not know.
fn set_bind_address_no_port(socket: &OwnedFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the kernel reads one int, which outlives the call.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    match status {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl Read for Wire {
    /// Reads what is there: `WouldBlock` when that is nothing, 0 at the end of the stream.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match &mut self.tls {
            None => self.socket.read(buffer),
            Some(tls) => tls.read(&mut self.socket, buffer),
        };
        self.in_time(result)
    }
}

impl Write for Wire {
    /// Takes what there is room for. Under TLS, bytes that were taken may wait in
    /// [`Wire::wants_write`]; as long as any wait, nothing more is taken.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = match &mut self.tls {
            None => self.socket.write(bytes),
            Some(tls) => tls.write(&mut self.socket, bytes),
        };
        self.in_time(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.flush_pending() {
            Ok(true) => Ok(()),
            Ok(false) => self.in_time(Err(io::ErrorKind::WouldBlock.into())),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Wire {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
