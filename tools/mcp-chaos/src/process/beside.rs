//! A process of ours that does something beside a target: journalled, undone with us, and gone when we are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use undo::{Child, CommandSpec, Undo, ended, last_words};

/// So long it may take to say that it is there.
const WORD_WITHIN: Duration = Duration::from_secs(10);
/// It has nothing to finish.
const GRACE: Duration = Duration::from_secs(1);
/// What it says when it has begun.
const BEGUN: &str = "begun";

/// A process that runs beside a target.
#[derive(Debug)]
pub struct Beside {
    child: Child,
    /// Closed, it ends the process.
    line: UnixStream,
}

impl Beside {
    /// Starts this program with a hidden subcommand, and waits until it has begun.
    ///
    /// # Errors
    /// A sentence; nothing runs then.
    pub fn begin(
        undo: &Undo,
        label: &str,
        arguments: Vec<String>,
        deadline: Duration,
    ) -> Result<Self, String> {
        let (line, theirs) = UnixStream::pair().map_err(|e| e.to_string())?;
        line.set_read_timeout(Some(WORD_WITHIN))
            .map_err(|e| e.to_string())?;
        let mut argv = vec![undo::own_executable().into_os_string()];
        argv.extend(arguments.into_iter().map(Into::into));
        let mut spec = CommandSpec::new(label, argv);
        spec.stdio = Some(Arc::new(OwnedFd::from(theirs)));
        spec.deadline = Some(deadline);
        let child = undo.launch(&spec).map_err(|e| e.to_string())?;
        drop(spec);
        let begun = Self { child, line };
        match begun.word() {
            Ok(word) if word == BEGUN => Ok(begun),
            said => {
                let text = match said {
                    Ok(word) if !word.is_empty() => word,
                    _ => format!(
                        "the process beside the target did not begin{}",
                        last_words(begun.child.log_path())
                    ),
                };
                begun.child.stop(GRACE).map_err(|e| e.to_string())?;
                Err(text)
            }
        }
    }

    fn word(&self) -> std::io::Result<String> {
        let mut word = String::new();
        BufReader::new((&self.line).take(4_096)).read_line(&mut word)?;
        Ok(word.trim_end().to_owned())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Ends it; a sentence where it had ended by itself.
    ///
    /// # Errors
    /// A sentence: it is still there.
    pub fn end(self) -> Result<Option<String>, String> {
        let early = self.child.exited().map(|exit| {
            format!(
                "the process beside the target {} before its time{}",
                ended(exit),
                last_words(self.child.log_path())
            )
        });
        let _ = self.line.shutdown(Shutdown::Both);
        self.child.stop(GRACE).map_err(|e| e.to_string())?;
        Ok(early)
    }
}

/// The life of such a process: begins with `act`, says so, and stays until the line is closed.
pub(super) fn live(act: impl FnOnce() -> Result<(), String>) -> ExitCode {
    let begun = act();
    let word = match &begun {
        Ok(()) => BEGUN.to_owned(),
        Err(wrong) => wrong.replace('\n', " "),
    };
    let mut out = std::io::stdout();
    let told = writeln!(out, "{word}").and_then(|()| out.flush());
    if begun.is_err() || told.is_err() {
        return ExitCode::from(2);
    }
    // Threads that are at it end with main.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}

/// Serves the hidden subcommands; `None` means that this process is the tool itself. Call it before any thread exists.
#[must_use]
pub fn hidden() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    let (name, rest) = arguments.split_first()?;
    match name.as_str() {
        super::busy::SUBCOMMAND => Some(live(|| super::busy::begin(rest))),
        super::filler::SUBCOMMAND => Some(live(|| super::filler::begin(rest))),
        _ => None,
    }
}
