//! Every way in which undoing or starting can fail, each with the remedy in its sentence.

use std::io;
use std::path::PathBuf;

/// What went wrong, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither MCPIPE_STATE nor XDG_STATE_HOME nor HOME names a folder.
    #[error(
        "no folder for the undo journal: set HOME, XDG_STATE_HOME or MCPIPE_STATE to a writable folder"
    )]
    NoState,
    /// The state folder or a file in it can't be made, read or written.
    #[error("{path}: {source}: the undo journal needs a writable folder; set MCPIPE_STATE to another one", path = path.display())]
    State {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// More than 10,000 things are applied at once.
    #[error("the undo journal already holds {0} open entries, which is its limit: end some first")]
    TooMany(usize),
    /// The launcher, the keeper or a pipe to them could not be made.
    #[error("can't start {what}: {source}{}", hint(source))]
    Start {
        /// The process or descriptor asked for.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command is nowhere on PATH, or the path names no file.
    #[error(
        "command not found: '{program}': install it, or give its full path (PATH and the interpreter in its first line are looked at)"
    )]
    NotFound {
        /// The program as it was asked for.
        program: String,
    },
    /// The file is there but is not executable for this user.
    #[error("'{program}' can't be executed: {source}{}", exec_hint(source))]
    Exec {
        /// The program as it was asked for.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A command with no words in it.
    #[error("the command is empty: give a program and its arguments")]
    EmptyCommand,
    /// A quote that is opened and never closed.
    #[error(
        "the command has an opening {0} without a closing one: close it, or put a \\ before it"
    )]
    OpenQuote(char),
    /// Processes are there even after SIGKILL.
    #[error(
        "process {0} is still there after SIGKILL (it hangs in the kernel): `mcp-deploy down` tries again"
    )]
    Left(i32),
    /// What is applied could not be taken back.
    #[error("could not take back {0}; `mcp-chaos heal` tries again")]
    Kept(String),
}

/// The remedy for the limits that one really hits when starting processes.
fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EMFILE) => ": raise the limit of open files with `ulimit -n 65536`",
        Some(libc::ENFILE) => ": the whole machine is out of file descriptors; raise fs.file-max",
        Some(libc::EAGAIN) => {
            ": raise the limit of processes with `ulimit -u`, or the pids limit of the container"
        }
        Some(libc::ENOMEM) => ": the machine is out of memory; start fewer",
        Some(libc::E2BIG) => ": arguments and environment are too long together",
        _ => "",
    }
}

fn exec_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EACCES) => {
            ": make it executable with chmod +x, and see that its folder is not mounted noexec"
        }
        Some(libc::ENOEXEC) => {
            ": it is built for another machine, or a script without #! in its first line"
        }
        _ => "",
    }
}

impl Error {
    /// A closure for `map_err` that names the path.
    pub(crate) fn state(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::State { path, source }
    }

    /// A closure for `map_err` that names what could not be started.
    pub(crate) fn start<E: Into<io::Error>>(what: &str) -> impl FnOnce(E) -> Self {
        let what = what.to_owned();
        move |source| Self::Start {
            what,
            source: source.into(),
        }
    }
}
