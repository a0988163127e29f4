//! Ends processes: group first, then whatever else carries their mark; politely, then with SIGKILL.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};

use crate::census::{Census, Member};
use crate::identity::pidfd_of;
use crate::{Identity, Mark};

/// After SIGKILL only a process that hangs in the kernel is left.
const KILL_WAIT: Duration = Duration::from_secs(3);
/// At most this many processes are waited for by pidfd at a time; the others are found by the next census.
const POLLED: usize = 256;

/// What to stop.
#[derive(Debug, Clone)]
pub struct Target {
    /// The process that leads the group.
    pub identity: Identity,
    /// Its process group.
    pub pgid: i32,
    /// What its descendants carry in their environment.
    pub mark: Mark,
}

/// What it took to stop one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Something of it ran; false when all was gone already.
    pub ran: bool,
    /// Processes that outlived the grace time and got SIGKILL.
    pub killed: usize,
    /// Processes that are there even after SIGKILL; empty unless one hangs in the kernel.
    pub left: Vec<i32>,
}

/// Stops all targets side by side: SIGCONT and SIGTERM, up to `grace` for them to go, then SIGKILL until nothing is left.
///
/// Doing it twice is doing it once. A process is compared by start time before it is signalled; a
/// group is signalled only while its leader is there, so that a number handed out again is never hit.
/// What another user owns, or what scrubbed its environment *and* left the group, isn't found.
pub fn stop(targets: &[Target], grace: Duration) -> Vec<Stopped> {
    stop_unless_hurried(targets, grace, &AtomicBool::new(false))
}

/// The same, where the grace time ends early once `hurry` is set: by a second Ctrl-C, say.
pub(crate) fn stop_unless_hurried(
    targets: &[Target],
    grace: Duration,
    hurry: &AtomicBool,
) -> Vec<Stopped> {
    let mut census = Census::of(targets);
    let mut members = census.take();
    let mut stopped: Vec<Stopped> = members
        .iter()
        .map(|members| Stopped {
            ran: !members.is_empty(),
            ..Stopped::default()
        })
        .collect();

    // A paused process holds its SIGTERM back, so it is resumed first.
    for signal in [Signal::CONT, Signal::TERM] {
        send(&census, &members, signal);
    }
    let deadline = Instant::now() + grace;
    while any(&members) && Instant::now() < deadline && !hurry.load(Relaxed) {
        wait_for_any(&members, deadline);
        members = census.take();
    }
    for (stopped, members) in stopped.iter_mut().zip(&members) {
        stopped.killed = members.len();
    }
    let deadline = Instant::now() + KILL_WAIT;
    while any(&members) && Instant::now() < deadline {
        // Once more at every turn: what forked meanwhile is seen only now.
        send(&census, &members, Signal::KILL);
        wait_for_any(&members, deadline);
        members = census.take();
    }
    for (stopped, members) in stopped.iter_mut().zip(&members) {
        stopped.left = members.iter().map(|member| member.pid).collect();
    }
    stopped
}

fn any(members: &[Vec<Member>]) -> bool {
    members.iter().any(|members| !members.is_empty())
}

fn send(census: &Census<'_>, members: &[Vec<Member>], signal: Signal) {
    for (index, members) in members.iter().enumerate() {
        let group = Pid::from_raw(census.targets[index].pgid)
            .filter(|_| !members.is_empty() && census.leads_its_group(index));
        // One call for the group, because what forks between census and signal would slip through one by one.
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
        for member in members
            .iter()
            .filter(|member| group.is_none() || !member.in_group)
        {
            if let Ok(Some(pidfd)) = pidfd_of(member.pid, member.start_ticks) {
                // ESRCH: it went by itself.
                let _ = pidfd_send_signal(&pidfd, signal);
            }
        }
    }
}

/// Waits until one of them has ended, but no longer than a quarter of a second: new ones may have come.
fn wait_for_any(members: &[Vec<Member>], deadline: Instant) {
    let pidfds: Vec<_> = members
        .iter()
        .flatten()
        .take(POLLED)
        .map(|member| pidfd_of(member.pid, member.start_ticks))
        .collect();
    if pidfds.iter().any(|pidfd| matches!(pidfd, Ok(None))) {
        return; // gone between the census and here
    }
    let mut polled: Vec<PollFd<'_>> = pidfds
        .iter()
        .flatten()
        .flatten()
        .map(|pidfd| PollFd::new(pidfd, PollFlags::IN))
        .collect();
    // Out of descriptors, poll() without any is a plain pause.
    let limit = Duration::from_millis(if polled.is_empty() { 20 } else { 250 });
    let wait = deadline
        .saturating_duration_since(Instant::now())
        .min(limit);
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(wait.subsec_nanos()),
    };
    let _ = poll(&mut polled, Some(&timeout));
}
