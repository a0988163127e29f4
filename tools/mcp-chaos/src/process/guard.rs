//! Who is never hit: whatever a target record says, not ourselves, not who started us, not the pipeline, not others' processes.

use std::collections::HashSet;
use undo::Identity;

/// Generations that are looked back: shells within shells, and no loop.
const MAX_GENERATIONS: usize = 64;

/// Knows whom a fault must spare.
#[derive(Debug)]
pub struct Guard {
    own_pid: i32,
    own_uid: u32,
    ancestors: HashSet<i32>,
    stages: HashSet<i32>,
    /// Our stdin, where it is a pipe: `pipe:[4711]`.
    stdin: Option<String>,
    /// Our stdout, likewise.
    stdout: Option<String>,
}

impl Guard {
    /// Looks at where we stand among the processes.
    #[must_use]
    pub fn of_this_process() -> Self {
        let own_pid = rustix::process::getpid().as_raw_nonzero().get();
        let mut ancestors = HashSet::new();
        let mut pid = own_pid;
        while let Some(parent) = status(pid).map(|status| status.parent)
            && parent > 0
            && ancestors.len() < MAX_GENERATIONS
            && ancestors.insert(parent)
        {
            pid = parent;
        }
        Self {
            own_pid,
            own_uid: rustix::process::geteuid().as_raw(),
            ancestors,
            stages: HashSet::new(),
            stdin: pipe("self", 0),
            stdout: pipe("self", 1),
        }
    }

    /// This process is a stage of the pipeline.
    pub fn spare(&mut self, pid: i32) {
        self.stages.insert(pid);
    }

    /// Whether a fault may hit it.
    ///
    /// # Errors
    /// A phrase that says why not.
    pub fn allows(&self, identity: &Identity) -> Result<(), String> {
        let pid = identity.pid;
        let spared = if pid <= 1 {
            "is the first of this machine"
        } else if pid == self.own_pid {
            "is mcp-chaos itself"
        } else if self.ancestors.contains(&pid) {
            "has started this pipeline"
        } else if self.stages.contains(&pid) || self.is_neighbour(pid) {
            "is a stage of this pipeline"
        } else if !identity.is_alive() {
            return Err(format!("process {pid} is gone"));
        } else if status(pid).is_none_or(|status| status.uid != self.own_uid) {
            "is another user's"
        } else {
            return Ok(());
        };
        Err(format!(
            "process {pid} {spared}, and is not touched: correct the pid of the target"
        ))
    }

    /// Whoever writes what we read, or reads what we write. A server that was started in the same script may well write
    /// where we do, and is no stage.
    fn is_neighbour(&self, pid: i32) -> bool {
        let same = |ours: &Option<String>, fd| ours.is_some() && *ours == pipe(pid, fd);
        same(&self.stdin, 1) || same(&self.stdout, 0)
    }
}

/// The pipe that a process has at this descriptor.
fn pipe(pid: impl std::fmt::Display, fd: u32) -> Option<String> {
    let link = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    let link = link.to_string_lossy().into_owned();
    link.starts_with("pipe:").then_some(link)
}

struct Status {
    parent: i32,
    /// The real one: it stays what it was where a process hides its environment and files.
    uid: u32,
}

fn status(pid: i32) -> Option<Status> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()
    };
    Some(Status {
        parent: field("PPid:")?.parse().ok()?,
        uid: field("Uid:")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn whoever_stands_in_the_pipeline_or_started_it_is_spared_and_a_server_is_not() {
        let mut guard = Guard::of_this_process();
        let why = |guard: &Guard, pid: i32| {
            let identity = Identity::of(pid).unwrap();
            guard.allows(&identity).err().unwrap_or_default()
        };
        let own = std::process::id() as i32;
        assert!(why(&guard, own).contains("mcp-chaos itself"));
        assert!(why(&guard, 1).contains("first of this machine"));
        let parent = status(own).unwrap().parent;
        assert!(parent <= 1 || why(&guard, parent).contains("started this pipeline"));

        // It ends with the test, whatever becomes of that: its stdin does.
        let mut server = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = server.id() as i32;
        assert_eq!(why(&guard, pid), "");
        guard.stdout = pipe(pid, 0);
        assert!(why(&guard, pid).contains("stage of this pipeline"));
        guard.stdout = None;
        guard.own_uid += 1;
        assert!(why(&guard, pid).contains("another user's"));
        guard.own_uid -= 1;
        guard.spare(pid);
        assert!(why(&guard, pid).contains("stage of this pipeline"));

        let gone = Identity::of(pid).unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        guard.stages.clear();
        assert!(guard.allows(&gone).unwrap_err().contains("is gone"));
    }
}
