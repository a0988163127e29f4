//! A connection whose messages are looked at: what is read goes through here, and what comes of it goes on when its
//! time has come.

use super::later::Later;
use crate::message::{Pass, Side, Wire};

/// A connection's messages.
#[derive(Debug)]
pub struct Talk {
    /// How they lie on it.
    #[allow(dead_code)] // the conversation, which comes here, splits by it
    wire: Wire,
    later: Later,
}

impl Talk {
    /// Nothing was said yet.
    pub fn new(wire: Wire) -> Self {
        Self {
            wire,
            later: Later::default(),
        }
    }

    /// Bytes came from one side.
    pub fn read(&mut self, from: Side, bytes: &[u8], now_us: u64) {
        self.later.push(Pass::Bytes {
            to: from.other(),
            at_us: now_us,
            bytes: bytes.to_vec(),
        });
    }

    /// One side has no more to say.
    pub fn ended(&mut self, from: Side, now_us: u64) {
        self.later.push(Pass::End {
            to: from.other(),
            at_us: now_us,
        });
    }

    /// One side was reset.
    pub fn broke(&mut self, now_us: u64) {
        self.later.push(Pass::Close {
            at_us: now_us,
            reset: true,
        });
    }

    /// What is to go on now.
    pub fn due(&mut self, now_us: u64) -> Option<Pass> {
        self.later.pop(now_us)
    }

    /// When the next is to go on (CLOCK_MONOTONIC, µs).
    pub fn next_us(&self) -> Option<u64> {
        self.later.next_us()
    }

    /// How many bytes wait for one side.
    pub fn held(&self, to: Side) -> usize {
        self.later.held(to)
    }
}
