//! The terms of abuse that are the same for all kinds: how long, how large, how many at a time.

use crate::cli::Cli;
use protocol::transport::Transport;
use std::time::Duration;

/// A server over stdio is a process of its own for each act.
const MAX_CHILDREN: usize = 32;

/// Limits of every act.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long a server may take until it does something about a client that only stands there.
    pub hold: Duration,
    /// The length of an oversized request, in bytes.
    pub body_bytes: u64,
    /// Acts at a time; more are not tried.
    pub at_once: usize,
}

impl Terms {
    /// Reads the flags.
    #[must_use]
    pub fn of(cli: &Cli) -> Self {
        Self {
            hold: cli.abuse_hold,
            body_bytes: cli.abuse_body,
            at_once: cli.abuse_at_once as usize,
        }
    }

    /// Acts at a time over a transport.
    #[must_use]
    pub fn most(&self, transport: Transport) -> usize {
        match transport {
            Transport::Stdio => self.at_once.min(MAX_CHILDREN),
            _ => self.at_once,
        }
    }
}
