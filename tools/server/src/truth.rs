//! The truth file: when each answer was handed to write(), to hold a generator's figures against.
//!
//! The first line says when the server started and what was asked of it; then one line per call, in
//! the order of writing. A thread of its own writes, so that a slow disk delays no answer.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines that wait for the disk, and the thread that takes them there.
pub(crate) struct Truth {
    lines: Arc<Mutex<Vec<u8>>>,
    stop: mpsc::Sender<()>,
    thread: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

/// How long a line waits at most.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

impl Truth {
    /// Creates the file and writes its first line.
    ///
    /// # Errors
    /// Where the file cannot be created, or no thread started.
    pub(crate) fn create(path: &Path, first_line: &str) -> io::Result<Self> {
        let mut file = File::create(path)?;
        writeln!(file, "{first_line}")?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = mpsc::channel();
        let to_write = Arc::clone(&lines);
        let thread = std::thread::Builder::new()
            .name(String::from("truth"))
            .spawn(move || write_out(&mut file, &to_write, &stopped))?;
        Ok(Self {
            lines,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Completes lines that [`line`] began with the instant of their answers and the client's TCP port,
    /// which tells apart calls of the same id on different connections.
    pub(crate) fn stamp(&self, begun: &mut Vec<String>, answered_us: u64, peer_port: u16) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for line in begun.drain(..) {
            // Writing to memory does not fail.
            let _ = writeln!(lines, r#"{line}{answered_us},"peer_port":{peer_port}}}"#);
        }
    }

    /// Writes what is left and closes the file.
    ///
    /// # Errors
    /// The first failure to write, whenever it was.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let _ = self.stop.send(());
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match thread.map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the writing thread panicked")),
            None => Ok(()),
        }
    }
}

fn write_out(
    file: &mut File,
    lines: &Mutex<Vec<u8>>,
    stopped: &mpsc::Receiver<()>,
) -> io::Result<()> {
    loop {
        let last = !matches!(
            stopped.recv_timeout(FLUSH_EVERY),
            Err(RecvTimeoutError::Timeout)
        );
        let ready = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        file.write_all(&ready)?;
        if last {
            return file.flush();
        }
    }
}

/// Begins the line of a call; `session` is JSON, `id` the id's JSON as the client sent it.
pub(crate) fn line(id: &str, session: &str, method: &str, received_us: u64) -> String {
    format!(
        r#"{{"id":{id},"session":{session},"method":"{method}","received_mono_us":{received_us},"answered_mono_us":"#
    )
}
