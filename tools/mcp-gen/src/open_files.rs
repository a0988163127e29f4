//! Open files: each connection is one. The limit is raised as far as it may be, and a load that can't fit is refused
//! before it begins.

use crate::groups::Groups;
use crate::home::Homes;
use protocol::transport::Transport;
use rustix::process::{Resource, getrlimit, setrlimit};

/// What a generator has open besides its connections: the pipe, epoll, timers, the metrics, journals; and for each thread.
const BESIDES: u64 = 32;
const PER_THREAD: u64 = 3;

/// Allows as many open files as the system grants without asking, and gives that number: the usual soft limit of 1,024
/// stands for programs that use select(2).
pub fn raise() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, the soft limit stays what it was.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Holds what the load needs at least against the limit. Clients who come for a few calls don't count: how many of them
/// are there at a time, the server's pace decides.
///
/// # Errors
/// A sentence with the ways out.
pub fn check(groups: &Groups, homes: &Homes, threads: u32, limit: u64) -> Result<(), String> {
    let staying = groups.all().iter().filter(|g| g.comings.calls.is_none());
    let clients: u64 = staying.map(|g| u64::from(g.clients)).sum();
    let each = homes.iter().filter(|h| h.live).map(|h| match h.transport {
        // A stream and a connection for messages; a socket, a process handle and a log.
        Transport::Sse => 2,
        Transport::Stdio => 3,
        _ => 1,
    });
    let each = each.max().unwrap_or(1);
    let besides = BESIDES + PER_THREAD * u64::from(threads);
    let needed = clients * each + besides;
    if needed <= limit {
        return Ok(());
    }
    let fit = limit.saturating_sub(besides) / each;
    let split = match fit {
        0 => String::new(),
        fit => format!(
            ", or split them over {} mcp-gen of {fit} at most, with the same --start-at and each with a --source-address of its own where they share a machine",
            clients.div_ceil(fit)
        ),
    };
    Err(format!(
        "{clients} clients need {needed} open files at least, and this process may have {limit} (ulimit -Hn): raise that limit (as root, LimitNOFILE= of systemd, --ulimit nofile= of docker){split}"
    ))
}
