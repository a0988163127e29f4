//! Looking ahead: memory that the next connections on a list need is fetched while this one is served.
//!
//! Of thousands of connections none is in the caches when its turn comes: some twenty-five lines of its own and of its
//! client, each waited for by itself, would be a fifth of what a call costs. Asked for together, they come together.

use super::client::Client;
use super::conn::Conn;
use super::worker::Worker;

/// So many connections fit into the caches as they are.
const FEW: usize = 512;
/// A connection itself is fetched so many turns ahead,
const FAR: usize = 8;
/// and what it points to so many, when it has come.
const NEAR: usize = 4;
/// Bytes of a cache line.
const LINE: usize = 64;

impl Worker {
    /// The turn of place `at` on a list has come, of which `conn` tells the connections.
    #[inline]
    pub(super) fn look_ahead(&self, at: usize, conn: impl Fn(usize) -> Option<usize>) {
        if self.conns.len() <= FEW {
            return;
        }
        if let Some(state) = conn(at + FAR).and_then(|conn| self.conns.get(conn)) {
            fetch(state);
        }
        if let Some(Some(state)) = conn(at + NEAR).and_then(|conn| self.conns.get(conn)) {
            self.fetch_behind(state);
        }
    }

    fn fetch_behind(&self, state: &Conn) {
        if let Some(codec) = &state.codec {
            fetch(&**codec);
        }
        state.fetch_behind();
        if let Some(client) = self.clients.get(state.client) {
            fetch::<Client>(client);
        }
    }
}

/// Asks for all lines of a value.
fn fetch<T>(value: &T) {
    fetch_at(std::ptr::from_ref(value), size_of::<T>());
}

/// Asks for the lines of so many bytes, whatever lies there.
pub(super) fn fetch_at<T>(at: *const T, bytes: usize) {
    for line in 0..bytes.div_ceil(LINE) {
        ask(at.cast::<u8>().wrapping_add(line * LINE));
    }
}

#[cfg(target_arch = "x86_64")]
fn ask(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing that a program could see, and of an address that is not mapped it takes no notice.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

#[cfg(not(target_arch = "x86_64"))]
fn ask(_: *const u8) {}
