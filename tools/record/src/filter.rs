//! The life of a tool that stands in the middle of the pipe: start, copy, end.

use crate::envelope::Identity;
use crate::pen::Pen;
use crate::say::Say;
use crate::upstream::Upstream;
use crate::{host, kind::Warning, signal, watch};
use rustix::event::PollFlags;
use std::io;
use std::sync::mpsc;
use std::time::Duration;

/// What a tool's main is told from other threads.
enum Happening {
    Ended(io::Result<()>),
    ReaderLeft,
}

/// How a tool's life ended; main turns it into the exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this exit status.
    Exit(u8),
    /// By this signal, to be raised on itself.
    Signal(i32),
}

impl Ending {
    /// Leaves main: raises the signal on the process itself, or gives the exit status.
    #[must_use]
    pub fn leave(self) -> std::process::ExitCode {
        match self {
            Self::Exit(status) => status.into(),
            Self::Signal(signal) => {
                signal::die_of(signal);
                signal::exit_status(signal).into()
            }
        }
    }
}

/// Ctrl-C reaches all stages at once, and the last of them may be gone before we have seen ours.
const SIGNAL_GRACE: Duration = Duration::from_millis(50);

/// How to end when nobody reads any more: with 0, unless a signal has come, or comes in a moment. Bash goes on with a
/// script after Ctrl-C when the pipeline's last process to end says 0.
#[must_use]
pub fn after_the_reader() -> Ending {
    signal::arrived_within(SIGNAL_GRACE).map_or(Ending::Exit(0), Ending::Signal)
}

/// Copies stdin to stdout as a tool of the pipe: `start` first, then every line as it is, `end` last.
/// A signal lets it read on to the end, a second one ends it at once; a reader that leaves ends it with 0.
pub fn run(tool: &'static str, version: &str, say: &Say) -> Ending {
    let (tell, told) = mpsc::channel();
    if let Err(e) = signal::watch_first(|_| {}) {
        say.error(&format!("cannot watch signals: {e}"));
        return Ending::Exit(2);
    }
    // Reading the first line may take for ever, and a reader that leaves must be noticed meanwhile: so it has a thread.
    let (opened, open) = mpsc::channel();
    let start = host::start(tool, version, None);
    let on_gone = tell.clone();
    std::thread::spawn(move || {
        let upstream = match Upstream::open(RawStdin) {
            Ok(upstream) => upstream,
            Err(e) => return drop(tell.send(Happening::Ended(Err(e)))),
        };
        let identity = Identity::join(tool, upstream.run().as_deref());
        let pen = Pen::open(identity, move || drop(on_gone.send(Happening::ReaderLeft)));
        pen.write(start);
        let _ = opened.send(pen.clone());
        let _ = tell.send(Happening::Ended(upstream.forward(&pen, |_, _, _| {})));
    });

    let ended = match told.recv() {
        Ok(Happening::Ended(ended)) => ended,
        Ok(Happening::ReaderLeft) | Err(_) => {
            // A full disk ends the pen like a reader that left, and is none: closing the pen tells.
            if let Some(Err(e)) = open.recv().ok().map(|pen| pen.close("reader_left", 0)) {
                say.error(&format!("cannot write stdout: {e}"));
                return Ending::Exit(2);
            }
            return after_the_reader();
        }
    };
    let pen = open.try_recv().ok();
    if let Err(e) = &ended {
        let text = format!("cannot read stdin: {e}");
        say.error(&text);
        if let Some(pen) = &pen {
            pen.write(Warning::new("fatal", text));
        }
    }
    let (why, ending) = match (signal::arrived(), &ended) {
        (Some(s), _) => ("interrupted", Ending::Signal(s)),
        (None, Err(_)) => ("failed", Ending::Exit(2)),
        (None, Ok(())) => ("done", Ending::Exit(0)),
    };
    let status = match ending {
        Ending::Exit(status) => status,
        Ending::Signal(s) => signal::exit_status(s),
    };
    if let Some(Err(e)) = pen.map(|pen| pen.close(why, status)) {
        say.error(&format!("cannot write stdout: {e}"));
        return Ending::Exit(2);
    }
    ending
}

/// fd 0 without the standard library's buffer, so that each read gives what is there.
pub struct RawStdin;

impl io::Read for RawStdin {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let stdin = rustix::stdio::stdin();
        watch::patiently(stdin, PollFlags::IN, || rustix::io::read(stdin, &mut *out))
    }
}
