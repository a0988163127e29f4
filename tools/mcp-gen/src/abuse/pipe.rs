//! A byte stream to a server for one act, waited for by the thread's runtime.

use crate::home::Home;
use crate::plan::Plan;
use protocol::transport::Transport;
use protocol::wire::Wire;
use rustls::ClientConfig;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A wire that can be waited for.
pub struct Pipe(AsyncFd<Wire>);

/// What became of trying both.
pub enum Moved {
    /// So many bytes were written.
    Wrote(usize),
    /// So many were read; 0 at the end of the stream.
    Read(usize),
}

fn register(wire: Wire) -> io::Result<AsyncFd<Wire>> {
    // SAFETY: a wire keeps its one descriptor, and open, until it is dropped; the AsyncFd owns it.
    unsafe { AsyncFd::register(wire) }.map_err(io::Error::from)
}

impl Pipe {
    /// Connects, TLS included, or starts a child. `turn` spreads acts over addresses.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn open(
        plan: &Plan,
        home: &Home,
        tls: Option<&Arc<ClientConfig>>,
        turn: u64,
    ) -> io::Result<Self> {
        if home.transport == Transport::Stdio {
            let (socket, _) = plan.children.start(&home.name, &home.endpoint.path)?;
            return Ok(Self(register(Wire::over(socket)?)?));
        }
        let nth = turn as usize % home.addresses.len().max(1);
        let address = *home
            .addresses
            .get(nth)
            .ok_or_else(|| io::Error::other("its name has no address"))?;
        let name = home.tls_name.as_deref().unwrap_or(&home.endpoint.host);
        let tls = tls.filter(|_| home.endpoint.scheme.is_tls());
        let own = plan
            .sources
            .iter()
            .filter(|s| s.is_ipv4() == address.is_ipv4());
        let count = own.clone().count();
        let source = own.copied().nth(turn as usize % count.max(1));
        let wire = Wire::start_from(source, address, tls.map(|config| (config, name)))?;
        let mut fd = register(wire)?;
        loop {
            let mut guard = fd.writable_mut().await?;
            if guard.get_inner_mut().finish_connect()? {
                break;
            }
            guard.clear_ready();
        }
        while !fd.get_mut().handshake()? {
            let both = match fd.get_ref().wants_write() {
                true => Interest::READABLE | Interest::WRITABLE,
                false => Interest::READABLE,
            };
            let mut guard = fd.ready_mut(both).await?;
            if !guard.get_inner_mut().handshake()? {
                guard.clear_ready();
            }
        }
        Ok(Self(fd))
    }

    /// Takes away nearly all of the room that the kernel has for what nobody reads.
    pub fn narrow(&self) {
        // Where it is refused, the server must only say more before it notices.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(self.0.get_ref(), 4_096);
    }

    /// Drops the connection without a goodbye; what is read or written afterwards fails.
    pub fn abort(&mut self) {
        use std::os::fd::AsFd;
        // The end of both directions now: the descriptor itself goes with the act.
        let both = rustix::net::Shutdown::Both;
        let _ = rustix::net::shutdown(self.0.get_ref().as_fd(), both);
    }

    /// Says that nothing more comes.
    pub fn shut_down(&mut self) {
        // Where it is broken already, what comes next says so.
        let _ = self.0.get_mut().shut_down();
    }

    /// Writes some of `bytes`.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.get_mut().write(bytes) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                other => return other,
            }
            let mut guard = self.0.writable_mut().await?;
            match guard.get_inner_mut().write(bytes) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                other => return other,
            }
        }
    }

    /// Writes all of `bytes`, to the last TLS record.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let n = self.write(bytes).await?;
            bytes = &bytes[n..];
        }
        while !self.0.get_mut().flush_pending()? {
            let mut guard = self.0.writable_mut().await?;
            if !guard.get_inner_mut().flush_pending()? {
                guard.clear_ready();
            }
        }
        Ok(())
    }

    /// Reads what is there; 0 at the end.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.get_mut().read(buffer) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                other => return other,
            }
            let mut guard = self.0.readable_mut().await?;
            match guard.get_inner_mut().read(buffer) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                other => return other,
            }
        }
    }

    /// Reads what there is, or else writes some of `bytes`, whichever can be done first.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn move_any(&mut self, bytes: &[u8], buffer: &mut [u8]) -> io::Result<Moved> {
        loop {
            let both = Interest::READABLE | Interest::WRITABLE;
            let mut guard = self.0.ready_mut(both).await?;
            match guard.get_inner_mut().read(buffer) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                other => return other.map(Moved::Read),
            }
            match guard.get_inner_mut().write(bytes) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                other => return other.map(Moved::Wrote),
            }
        }
    }
}
