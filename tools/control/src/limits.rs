//! What one listener takes at most.

use std::time::Duration;

/// The limits of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A request's head, in bytes.
    pub head_bytes: usize,
    /// A body, in bytes.
    pub body_bytes: usize,
    /// The methods whose body is read; that of another is left where it is.
    pub with_body: &'static [&'static str],
    /// Whether a body may come in chunks; otherwise it is refused with 411.
    pub takes_chunks: bool,
    /// Connections at once; more are closed unanswered.
    pub connections: usize,
    /// A request has to come, and its answer to be taken, within this time each.
    pub patience: Duration,
    /// How nice the threads are (man 2 setpriority): 0 where they are to be as quick as all others, up to 19.
    pub nice: i32,
}
