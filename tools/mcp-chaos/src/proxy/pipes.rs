//! Pipes for splice(2): a small pool, of which a direction holds one only while there are bytes in it.

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use std::os::fd::OwnedFd;

/// What a pipe holds, if the system lets it: the most that it lets anybody have (fs.pipe-max-size).
pub const PIPE_BYTES: usize = 1 << 20;
/// So many lie ready.
const READY: usize = 8;
/// So many are in use at a time at most: that is the user's whole share of pages in pipes (fs.pipe-user-pages-soft).
/// Further flows are copied through memory.
const IN_USE: usize = 64;

/// A pipe.
pub struct Pipe {
    /// Where bytes come out.
    pub out: OwnedFd,
    /// Where bytes go in.
    pub into: OwnedFd,
}

/// The pool.
#[derive(Default)]
pub struct Pipes {
    ready: Vec<Pipe>,
    in_use: usize,
}

impl Pipes {
    /// An empty pipe; `None` where there are enough in use, or the system has no more.
    pub fn take(&mut self) -> Option<Pipe> {
        if self.in_use >= IN_USE {
            return None;
        }
        let pipe = match self.ready.pop() {
            Some(pipe) => pipe,
            None => {
                let (out, into) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
                // Where that is refused, it keeps its 64 KiB.
                let _ = fcntl_setpipe_size(&into, PIPE_BYTES);
                Pipe { out, into }
            }
        };
        self.in_use += 1;
        Some(pipe)
    }

    /// Takes back an empty one.
    pub fn give(&mut self, pipe: Pipe) {
        self.in_use -= 1;
        if self.ready.len() < READY {
            self.ready.push(pipe);
        }
    }

    /// Closes one with what is in it.
    pub fn discard(&mut self, pipe: Pipe) {
        self.in_use -= 1;
        drop(pipe);
    }
}
