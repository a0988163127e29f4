//! Slow clients: a few bytes at a time, then a while in which nobody reads the socket, so that the server holds the rest.

use super::worker::Worker;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::cmp::Reverse;
use std::os::fd::AsFd;

/// What the kernel may hold for a slow client: the least that it grants. With its usual buffer it would take in whole
/// answers, and the server would never notice how slow its client is.
const KERNEL_BYTES: usize = 4_096;

impl Worker {
    /// Takes the kernel's buffer away from the socket of a slow client.
    pub(super) fn narrow(&self, c: usize, socket: impl AsFd) {
        if self.group_of(c).slow_read.is_some() {
            // Where it is refused, the client is slow all the same, and the kernel holds more for it.
            let _ = set_socket_recv_buffer_size(socket, KERNEL_BYTES);
        }
    }

    /// How many bytes one read(2) may take. On a connection that is being given up all that is there is read.
    pub(super) fn read_limit(&self, conn: usize, times: u32) -> usize {
        let client = self.conns[conn].as_ref().map(|s| s.client);
        match client.and_then(|c| self.group_of(c).slow_read) {
            Some(slow) if times == 1 => slow.bytes,
            _ => usize::MAX,
        }
    }

    /// Reads no more from a connection for a while.
    pub(super) fn pause_reading(&mut self, conn: usize, now: u64) {
        let client = self.conns[conn].as_ref().map(|s| s.client);
        let slow = client.and_then(|c| self.group_of(c).slow_read);
        let (Some(slow), Some(state)) = (slow, self.conns[conn].as_mut()) else {
            return;
        };
        let until = now + slow.every.as_nanos() as u64;
        self.pauses.push(Reverse((until, conn)));
        if !std::mem::replace(&mut state.is_paused, true) {
            let write = state.watches_write;
            if let Some(wire) = &state.wire {
                let _ = self.poller.change(wire, conn, false, write);
            }
        }
    }

    /// Reads on where the pause is over.
    pub(super) fn resume_reading(&mut self, now: u64) {
        while let Some(Reverse((at, conn))) = self.pauses.peek().copied() {
            if at > now {
                return;
            }
            self.pauses.pop();
            // The number may belong to another connection by now, which then is looked at in vain.
            let Some(state) = self.conns[conn].as_mut().filter(|s| s.is_paused) else {
                continue;
            };
            state.is_paused = false;
            let Some(wire) = &state.wire else {
                continue;
            };
            let _ = self.poller.change(wire, conn, true, state.watches_write);
            if wire.buffered_bytes() > 0 {
                // What TLS holds ready, epoll does not tell of.
                self.read(conn, 1);
            }
        }
    }
}
