//! Faults of processes, by the pid that a target names.

pub mod beside;
pub mod busy;
pub mod cpu;
pub mod filler;
pub mod guard;
pub mod kill;
pub mod memory;
pub mod pause;
pub mod restart;
pub mod spent;
pub mod term;

use rustix::process::Signal;

/// What is done with, or beside, a target's process.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// It is sent a signal of which it is to end.
    End(Signal),
    /// It is ended, politely at first, and is to come back.
    Restart(restart::Restart),
    /// It is stopped, and goes on at the end.
    Pause,
    /// Its CPUs have other things to do.
    Cpu(cpu::Cpu),
    /// The memory is used by others.
    Memory(memory::Memory),
}
