//! A target as it came by, with its process as it was at that instant.

use record::kind::Target;
use undo::Identity;

/// A target, and which process it is.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The record.
    pub target: Target,
    /// Its process, by start time: a pid may be another's by the time of a fault. Or a phrase: why there is none.
    pub process: Result<Identity, String>,
}

impl Seen {
    /// Looks for the process of a target that has just come. `is_here`: whoever named it runs on this machine.
    #[must_use]
    pub fn now(target: Target, is_here: bool) -> Self {
        let process = process(&target, is_here);
        Self { target, process }
    }
}

fn process(target: &Target, is_here: bool) -> Result<Identity, String> {
    let Some(pid) = target.pid else {
        return Err(
            "its target record has no pid: mcp-deploy local gives one, and so may who writes targets by hand (\"pid\":4711)"
                .to_owned(),
        );
    };
    if !is_here {
        return Err(format!(
            "process {pid} is one of another machine: only a mcp-chaos there can reach it"
        ));
    }
    let pid = i32::try_from(pid).map_err(|_| format!("{pid} is no process id"))?;
    Identity::of(pid)
        .ok()
        .filter(Identity::is_alive)
        .ok_or_else(|| format!("process {pid} was gone when its target record came"))
}
