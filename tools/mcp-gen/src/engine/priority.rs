//! Asks the kernel to wake a worker promptly: what the scheduler adds to the schedule would be counted as lag.
//!
//! Since 6.12, Linux with lazy preemption lets a normal thread run until the next tick (up to 4 ms) before one that has
//! just woken up gets its CPU; only real-time threads come at once. So that is asked for first, as long as CPUs are left
//! for everybody else: a saturated real-time worker would starve the very servers that it measures. All of it may be
//! refused without harm; it wants CAP_SYS_NICE.

use crate::plan::Plan;

/// What the kernel granted, as it stands in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheduling {
    /// Like everybody.
    Normal,
    /// A nice value of -10.
    Nice,
    /// SCHED_RR, the lowest real-time priority.
    RealTime,
}

impl Scheduling {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Nice => "nice",
            Self::RealTime => "real_time",
        }
    }
}

/// Asks for the calling thread, a worker of the plan, and says what was granted.
pub fn raise(plan: &Plan) -> Scheduling {
    if plan.normal_scheduling {
        return Scheduling::Normal;
    }
    // The machine's CPUs, not ours: who pins the generator to one of them leaves the others to the servers.
    // SAFETY: sysconf(3) takes no pointers.
    let cpus = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    if i64::from(plan.threads) < cpus && set(libc::SCHED_RR, 1) {
        return Scheduling::RealTime;
    }
    // SAFETY: setpriority(2) takes no pointers; 0 is the calling thread.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -10) } == 0 {
        return Scheduling::Nice;
    }
    Scheduling::Normal
}

fn set(policy: libc::c_int, priority: libc::c_int) -> bool {
    let parameters = libc::sched_param {
        sched_priority: priority,
    };
    // Children of this process, should it ever have any, start as everybody else.
    let policy = policy | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the kernel reads a struct that outlives the call; 0 is the calling thread.
    unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) == 0 }
}
