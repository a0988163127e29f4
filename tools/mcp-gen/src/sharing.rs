//! Connections that clients share: how many there are, and where that makes no sense.

use crate::cli::Cli;
use crate::shape::Quantity;
use crate::wish::Wish;
use protocol::transport::Transport;

/// How many connections all clients share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Connections to all targets.
    pub connections: u32,
    /// Worker threads: each has as many of the connections, and the clients that call over them.
    pub threads: u32,
}

impl Sharing {
    /// What the flags ask for, with so many targets in service.
    #[must_use]
    pub fn of(cli: &Cli, wish: &Wish, targets: usize) -> Option<Self> {
        let each = cli.shared_connections?;
        let targets = u32::try_from(targets.max(1)).unwrap_or(u32::MAX);
        Some(Self::over(
            each.saturating_mul(targets).min(wish.clients),
            wish.threads,
        ))
    }

    /// So many connections over at most so many threads.
    fn over(connections: u32, threads: u32) -> Self {
        let (mut a, mut b) = (connections, threads);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        Self {
            connections,
            threads: a,
        }
    }
}

/// Holds the wish for shared connections against the others, and against how messages travel to a server.
///
/// # Errors
/// A sentence: they cannot be shared.
pub fn check(cli: &Cli, wish: &Wish, transport: Transport) -> Result<(), String> {
    if cli.shared_connections.is_none() {
        return Ok(());
    }
    let why = match (wish.profiles.as_slice(), &cli.stages) {
        _ if matches!(transport, Transport::Http | Transport::Sse) => {
            "over HTTP a connection carries one call at a time, and a session is not bound to it: leave it out, and give fewer --clients or --max-connections"
        }
        ([_, _, ..], _) => {
            "several profiles differ in timeouts and in how their connections come and go: give one --profile"
        }
        _ if wish.idle.clients > 0 => {
            "who only stays (--idle) has a connection to stay on: leave one of the two out"
        }
        (_, Some(shape)) if shape.of == Quantity::Clients => {
            "a server would not notice clients who come and go (--stages): give stages of rates ('rate 100..1000/s in 60s')"
        }
        ([profile], _) if profile.comings().calls.is_some() => {
            "clients who connect for a few calls have connections of their own: leave one of the two out"
        }
        _ => return Ok(()),
    };
    Err(format!("--shared-connections makes no sense here: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_as_many_connections() {
        for (connections, threads, wanted) in
            [(1, 2, 1), (4, 2, 2), (3, 2, 1), (6, 4, 2), (8, 8, 8)]
        {
            assert_eq!(Sharing::over(connections, threads).threads, wanted);
        }
    }
}
