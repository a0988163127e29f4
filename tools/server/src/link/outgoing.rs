//! Bytes on their way out of a link: the answers of one wake-up leave in one write.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::frames;
use crate::connection::Socket;

/// Beyond so many bytes, nothing is read before they have left.
const MOST_BYTES: usize = 64 << 10;

thread_local! {
    /// A buffer that is lent to whoever writes, so that an idle connection holds none.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes that wait for their write.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// Borrows the spare buffer where there is none.
    pub(super) fn borrow(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.take();
        }
    }

    /// Answers a WebSocket's ping.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        frames::write_pong(&mut self.bytes, payload);
    }

    /// Ends a WebSocket.
    pub(super) fn close(&mut self, code: Option<u16>, reason: &str) {
        frames::write_close(&mut self.bytes, code, reason);
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= MOST_BYTES
    }

    /// Writes all there is, and gives the buffer back.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
    ) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            let rest = &self.bytes[self.written..];
            let count = ready!(Pin::new(&mut *socket).poll_write(cx, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
        }
        self.written = 0;
        self.bytes.clear();
        let bytes = std::mem::take(&mut self.bytes);
        // One large answer must not be kept for good.
        if bytes.capacity() <= 4 * MOST_BYTES {
            SPARE.set(bytes);
        }
        Pin::new(socket).poll_flush(cx)
    }
}
