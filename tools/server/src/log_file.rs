//! A file of lines that a thread of its own writes, so that a slow disk delays no answer.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines that wait for the disk, and the thread that takes them there.
pub(crate) struct LogFile {
    lines: Arc<Mutex<Vec<u8>>>,
    stop: mpsc::Sender<()>,
    thread: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

impl LogFile {
    /// Starts to write; a line waits for `every` at most.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(name: &str, mut file: File, every: Duration) -> io::Result<Self> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = mpsc::channel();
        let to_write = Arc::clone(&lines);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || write_out(&mut file, &to_write, &stopped, every))?;
        Ok(Self {
            lines,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Adds whole lines to what waits.
    pub(crate) fn add(&self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner));
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
    every: Duration,
) -> io::Result<()> {
    loop {
        let last = !matches!(stopped.recv_timeout(every), Err(RecvTimeoutError::Timeout));
        let ready = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        file.write_all(&ready)?;
        if last {
            return file.flush();
        }
    }
}
