//! One accepted connection: what is known about it, and its socket, which stamps answers as they leave.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use record::clock::mono_us;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::stdio::Pipes;
use crate::truth::Truth;

/// What the socket and the calls on it share.
pub(crate) struct Connection {
    /// Counts from 1; the truth file's `session` where there is none.
    pub(crate) number: u64,
    /// The address that the client connected to.
    pub(crate) local: IpAddr,
    /// The client's port; 0 over stdio.
    peer_port: u16,
    /// How often something was read: an idle connection is one where this stands still.
    pub(crate) reads: AtomicU64,
    busy: AtomicUsize,
    /// Over HTTP: requests that are being answered.
    handling: AtomicUsize,
    /// Over HTTP: `reads` when the last request had its answer.
    settled_reads: AtomicU64,
    truth: Option<Pending>,
}

/// Lines of the truth file whose answers are in a buffer, but not yet written.
struct Pending {
    truth: Arc<Truth>,
    begun: Mutex<Vec<String>>,
}

impl Connection {
    pub(crate) fn new(
        number: u64,
        local: IpAddr,
        peer_port: u16,
        truth: Option<&Arc<Truth>>,
    ) -> Self {
        Self {
            number,
            local,
            peer_port,
            reads: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
            handling: AtomicUsize::new(0),
            settled_reads: AtomicU64::new(0),
            truth: truth.map(|truth| Pending {
                truth: Arc::clone(truth),
                begun: Mutex::new(Vec::new()),
            }),
        }
    }

    /// Whether a call waits or a stream is open.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// A request's head is whole.
    pub(crate) fn handling(&self) {
        self.handling.fetch_add(1, Ordering::Relaxed);
    }

    /// Its answer is known.
    pub(crate) fn handled(&self) {
        self.handling.fetch_sub(1, Ordering::Relaxed);
        let reads = self.reads.load(Ordering::Relaxed);
        self.settled_reads.store(reads, Ordering::Relaxed);
    }

    /// A number of the request of whose head a part has come, where there is one.
    pub(crate) fn unfinished_head(&self) -> Option<u64> {
        let settled = self.settled_reads.load(Ordering::Relaxed);
        let is_one = self.handling.load(Ordering::Relaxed) == 0
            && self.reads.load(Ordering::Relaxed) != settled;
        is_one.then_some(settled)
    }

    /// An answer was put into the buffer that the next flush empties.
    pub(crate) fn buffered(&self, line: Option<String>) {
        if let (Some(pending), Some(line)) = (&self.truth, line) {
            pending
                .begun
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
    }

    fn flushed(&self, wrote_us: u64) {
        if let Some(pending) = &self.truth {
            let mut begun = pending.begun.lock().unwrap_or_else(PoisonError::into_inner);
            if !begun.is_empty() {
                pending.truth.stamp(&mut begun, wrote_us, self.peer_port);
            }
        }
    }
}

/// Keeps a connection from being idle: a call that waits, or a stream that is open.
pub(crate) struct Busy(pub(crate) Arc<Connection>);

impl Busy {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        connection.busy.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connection))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What bytes come from and go to.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Stdio(Pipes),
}

/// A stream that remembers when it last handed bytes to write().
pub(crate) struct Socket {
    stream: Stream,
    connection: Arc<Connection>,
    wrote_us: u64,
}

impl Socket {
    pub(crate) fn new(stream: Stream, connection: Arc<Connection>) -> Self {
        Self {
            stream,
            connection,
            wrote_us: 0,
        }
    }

    fn writing(&mut self) {
        // Before the call, not after: on loopback the reader may have it before write() returns.
        if self.connection.truth.is_some() {
            self.wrote_us = mono_us();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Stdio(pipes) => Pin::new(&mut pipes.input).poll_read(cx, buf),
        };
        if result.is_ready() {
            self.connection.reads.fetch_add(1, Ordering::Relaxed);
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writing();
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Stdio(pipes) => Pin::new(&mut pipes.output).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing();
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Stdio(pipes) => Pin::new(&mut pipes.output).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            Stream::Stdio(pipes) => pipes.output.is_write_vectored(),
        }
    }

    /// Called when the buffer above is empty, so whatever was in it has been written.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.flushed(self.wrote_us);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Stdio(pipes) => Pin::new(&mut pipes.output).poll_shutdown(cx),
        }
    }
}
