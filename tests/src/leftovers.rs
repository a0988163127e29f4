//! Processes that belong to a pipeline, found by what they carry in their environment.

use std::path::Path;

/// A process that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its process group.
    pub group: i32,
    /// Its command line, spaces between the words.
    pub command: String,
}

/// All living processes (no zombies) whose environment has this pipeline's state folder, or that say they belong to
/// one of these runs.
///
/// The state folder is handed on by everything that a pipeline starts; the run's id is what the tools themselves
/// promise to put into the environment of what they start.
#[must_use]
pub fn marked(state: &Path, runs: &[String]) -> Vec<Process> {
    let mut wanted: Vec<String> = vec![format!("MCPIPE_STATE={}", state.display())];
    wanted.extend(runs.iter().map(|run| format!("MCPIPE_RUN={run}")));
    let Ok(all) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    all.flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|&pid| {
            // A zombie has an empty environment, and one of another user cannot be read.
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|&b| b == 0)
                .any(|variable| wanted.iter().any(|w| w.as_bytes() == variable))
        })
        .filter_map(process)
        .collect()
}

fn process(pid: i32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may itself hold some; after it: state, parent, group.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let group = fields.nth(2)?.parse().ok()?;
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&line).replace('\0', " ");
    Some(Process {
        pid,
        group,
        command: command.trim_end().to_owned(),
    })
}
