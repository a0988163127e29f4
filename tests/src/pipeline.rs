//! A pipeline to be run by bash, with a process group, a working directory and a state folder of its own.

use crate::folder::Folder;
use crate::running::Running;
use crate::stream::Stream;
use crate::terminal::Terminal;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// A script of bash, about to run.
pub struct Pipeline {
    script: String,
    stdin: Option<Vec<u8>>,
    patience: Duration,
    outlives_signals: bool,
    before: String,
    environment: Vec<(String, String)>,
}

impl Pipeline {
    /// A script, under `set -o pipefail`. The tools are on PATH.
    #[must_use]
    pub fn new(script: impl Into<String>) -> Self {
        Self {
            script: script.into(),
            stdin: None,
            patience: Duration::from_secs(40),
            outlives_signals: false,
            before: String::new(),
            environment: Vec::new(),
        }
    }

    /// Gives the script these bytes on stdin, through a pipe. Without it stdin is /dev/null.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// After this long the test has failed: it hangs.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// bash traps INT, TERM and HUP (its stages don't), and so lives to tell how each stage ended.
    #[must_use]
    pub fn outlives_signals(mut self) -> Self {
        self.outlives_signals = true;
        self
    }

    /// Commands that come before the pipeline, and whose status nobody looks at.
    #[must_use]
    pub fn before(mut self, commands: &str) -> Self {
        commands.clone_into(&mut self.before);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// Where bash cannot be started.
    #[must_use]
    pub fn start(self) -> Running {
        let folder = Folder::new();
        let mut command = self.command(&folder);
        command.process_group(0).stdin(match self.stdin {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        });
        let child = command.spawn().expect("bash starts");
        Running::new(child, folder, self.stdin, self.patience)
    }

    /// Starts it as the foreground job of a terminal of its own.
    ///
    /// # Panics
    /// Where bash or the terminal cannot be had.
    #[must_use]
    pub fn start_in(self, terminal: &Terminal) -> Running {
        let folder = Folder::new();
        let mut command = self.command(&folder);
        terminal.lead(&mut command);
        let child = command.spawn().expect("bash starts");
        Running::new(child, folder, None, self.patience)
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Finished {
        self.start().finish()
    }

    fn command(&self, folder: &Folder) -> Command {
        let trap = if self.outlives_signals {
            "trap : INT TERM HUP\n"
        } else {
            ""
        };
        let script = format!(
            "set -o pipefail\n{trap}{}\n{}\nstatus=$? stages=\"${{PIPESTATUS[*]}}\"\necho \"$stages\" > .stages\nexit $status",
            self.before, self.script
        );
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["--norc", "-c", &script])
            .current_dir(folder.path())
            .env("PATH", format!("{}:{path}", crate::tools().display()))
            .env("MCPIPE_STATE", folder.path().join("state"))
            .env("XDG_STATE_HOME", folder.path().join("xdg"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in [
            "MCPIPE_RUN",
            "MCPIPE_FROM",
            "MCPIPE_CHILD",
            "CLIENT_TYPE",
            "CLIENT_COUNT",
            "MESSAGE_RATE",
            "DURATION_SECONDS",
            "TARGET_SERVERS",
            "METRICS_PORT",
            "METRICS_ENABLED",
            "METRICS_TOKEN",
            "OAUTH_CLIENT_SECRET",
        ] {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().cloned());
        command
    }
}

/// A pipeline that has ended.
pub struct Finished {
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr.
    pub stderr: String,
    /// bash's status, which is the pipeline's.
    pub status: ExitStatus,
    /// The status of each stage of the last pipeline; empty where bash itself was ended by a signal.
    pub stages: Vec<i32>,
    /// Its working directory; what `tee` left is here.
    pub folder: Folder,
}

impl Finished {
    /// stdout as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// stdout as records, each held against the contract.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream::parse(&self.stdout).checked()
    }

    /// The bytes of a file that the script has left.
    #[must_use]
    pub fn file(&self, name: &str) -> Vec<u8> {
        self.folder.read(name)
    }

    /// A recorded stream, each record held against the contract.
    #[must_use]
    pub fn recorded(&self, name: &str) -> Stream {
        Stream::parse(&self.folder.read(name)).checked()
    }

    /// What `mcp-report --json FILE` has left.
    ///
    /// # Panics
    /// Where the file is missing or no JSON.
    #[must_use]
    pub fn verdict(&self, name: &str) -> serde_json::Value {
        let bytes = self.folder.read(name);
        serde_json::from_slice(&bytes).unwrap_or_else(|e| {
            panic!(
                "{name} is no JSON ({e}): {}\nstderr: {}",
                String::from_utf8_lossy(&bytes),
                self.stderr
            )
        })
    }

    /// Asserts that each stage ended with this status.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn assert_stages(&self, wanted: &[i32]) -> &Self {
        assert_eq!(
            self.stages,
            wanted,
            "bash: {:?}\nstderr: {}\nend of stdout: {}",
            self.status,
            self.stderr,
            self.end_of_stdout()
        );
        self
    }

    /// Asserts that each stage but the last ended with this status, and that the last, mcp-report with `--json FILE`,
    /// found a whole run. On a machine that has other things to do it may call that INVALID for the generator's
    /// lateness, which is no breach of the contract.
    ///
    /// # Panics
    /// Where it is not so.
    #[track_caller]
    pub fn assert_stages_and_report(&self, wanted: &[i32], file: &str) -> &Self {
        let verdict = self.verdict(file);
        let reasons = verdict["reasons"].to_string();
        let status = match verdict["verdict"].as_str() {
            Some("PASS") => 0,
            Some("INVALID") if !reasons.contains("torn") => 3,
            other => panic!("{other:?}: {reasons}\nstderr: {}", self.stderr),
        };
        self.assert_stages(&[wanted, &[status]].concat())
    }

    /// Asserts that bash itself was ended by this signal, as a script must be that Ctrl-C is to stop.
    ///
    /// # Panics
    /// Where it was not.
    #[track_caller]
    pub fn assert_signalled(&self, signal: i32) -> &Self {
        assert_eq!(
            self.status.signal(),
            Some(signal),
            "bash: {:?}, stages {:?}\nstderr: {}\nend of stdout: {}",
            self.status,
            self.stages,
            self.stderr,
            self.end_of_stdout()
        );
        self
    }

    fn end_of_stdout(&self) -> String {
        let from = self.stdout.len().saturating_sub(2_000);
        String::from_utf8_lossy(&self.stdout[from..]).into_owned()
    }
}
