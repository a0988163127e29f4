//! A pipeline that runs: signal it, kill a stage, wait for a record, wait for its end and for the last of its processes.

use crate::folder::Folder;
use crate::leftovers::{Process, marked};
use crate::pipeline::Finished;
use crate::until;
use std::io::{Read, Write as _};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a pipe has said so far.
type Heard = Arc<Mutex<Vec<u8>>>;

/// A running pipeline. Dropped before its end, it is killed with all that it started.
pub struct Running {
    child: Child,
    folder: Option<Folder>,
    stdout: Heard,
    stderr: Heard,
    readers: Vec<JoinHandle<()>>,
    patience: Duration,
}

impl Running {
    pub(crate) fn new(
        mut child: Child,
        folder: Folder,
        input: Option<Vec<u8>>,
        patience: Duration,
    ) -> Self {
        let (stdout, out) = hear(child.stdout.take().expect("stdout is a pipe"));
        let (stderr, err) = hear(child.stderr.take().expect("stderr is a pipe"));
        if let (Some(bytes), Some(mut pipe)) = (input, child.stdin.take()) {
            // Who does not read it leaves us with EPIPE, which is no failure.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        Self {
            child,
            folder: Some(folder),
            stdout,
            stderr,
            readers: vec![out, err],
            patience,
        }
    }

    /// Its working directory.
    ///
    /// # Panics
    /// Never: it is there until the end.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        self.folder.as_ref().expect("taken only at the end")
    }

    /// What stdout has said so far.
    #[must_use]
    pub fn stdout(&self) -> Vec<u8> {
        copy(&self.stdout)
    }

    /// What stderr has said so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&copy(&self.stderr)).into_owned()
    }

    /// Sends a signal to the whole process group, as a terminal does.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) takes no memory; the group is that of our own child, which has not been waited for.
        unsafe { libc::kill(-(self.child.id() as i32), signal) };
    }

    /// Waits until the file, or stdout where it is empty, holds this text.
    ///
    /// # Panics
    /// Where it never does.
    pub fn until_written(&self, file: &str, text: &str) {
        let what = format!("{text:?} in {file:?}");
        until(&what, self.patience, || {
            let bytes = if file.is_empty() {
                self.stdout()
            } else {
                self.folder().read(file)
            };
            bytes.windows(text.len()).any(|w| w == text.as_bytes())
        });
    }

    /// Waits until the load has begun, in the stream that was recorded as `file`.
    ///
    /// # Panics
    /// Where it never does.
    pub fn until_load(&self, file: &str) {
        self.until_written(file, r#""stage":"steady","state":"began""#);
    }

    /// Waits until calls have been answered, in the stream that was recorded as `file`.
    ///
    /// # Panics
    /// Where none ever is.
    pub fn until_calls(&self, file: &str) {
        self.until_written(file, r#""response":{"count""#);
    }

    /// All that the pipeline started and that is alive.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let mut recorded = self.stdout();
        if let Ok(files) = std::fs::read_dir(self.folder().path()) {
            for file in files.flatten().filter(|f| f.path().is_file()) {
                recorded.extend(std::fs::read(file.path()).unwrap_or_default());
            }
        }
        marked(&self.folder().path().join("state"), &runs(&recorded))
    }

    /// The process id of a stage of the pipeline.
    ///
    /// # Panics
    /// Where there is no such stage.
    #[must_use]
    pub fn stage(&self, tool: &str) -> i32 {
        let processes = self.processes();
        let group = self.child.id() as i32;
        processes
            .iter()
            .find(|p| p.group == group && p.command.split(' ').next() == Some(tool))
            .unwrap_or_else(|| panic!("no stage {tool} among {processes:?}"))
            .pid
    }

    /// Sends a signal to one process of the pipeline.
    pub fn signal_one(&self, pid: i32, signal: i32) {
        // SAFETY: kill(2) takes no memory; the process was found by a mark that only ours carry.
        unsafe { libc::kill(pid, signal) };
    }

    /// Waits until a process has died, locks and all: SIGKILL only begins that.
    ///
    /// # Panics
    /// Where it lives on.
    pub fn until_dead(&self, pid: i32) {
        let end = std::time::Instant::now() + Duration::from_secs(10);
        // Its first thread may be a zombie while others still hold its files, and with them its locks.
        let is_dead = || {
            let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
            match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
                Ok(stat) => {
                    threads <= 1
                        && stat
                            .rsplit_once(") ")
                            .is_some_and(|(_, rest)| rest.starts_with('Z'))
                }
                Err(_) => true,
            }
        };
        while !is_dead() {
            assert!(
                std::time::Instant::now() < end,
                "{pid} lives on\nstderr: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until nothing is left that the pipeline started.
    ///
    /// # Panics
    /// Where something is.
    pub fn until_nothing_is_left(&self, patience: Duration) {
        let mut left = Vec::new();
        let end = std::time::Instant::now() + patience;
        while std::time::Instant::now() < end {
            left = self.processes();
            if left.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "still there after {patience:?}: {left:#?}\nstderr: {}",
            self.stderr()
        );
    }

    /// Waits for the end, and until nothing is left.
    ///
    /// # Panics
    /// Where it hangs, or leaves a process behind for more than 5 s.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        let mut status = None;
        let end = std::time::Instant::now() + self.patience;
        while status.is_none() {
            status = self.child.try_wait().expect("our own child");
            assert!(
                status.is_some() || std::time::Instant::now() < end,
                "it hangs: {:#?}\nstderr: {}\nstdout: {}",
                self.processes(),
                self.stderr(),
                String::from_utf8_lossy(&self.stdout())
                    .get(..2_000)
                    .unwrap_or("…")
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        self.until_nothing_is_left(Duration::from_secs(5));
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader of a pipe does not panic");
        }
        let folder = self.folder.take().expect("taken only here");
        let stages = String::from_utf8_lossy(&folder.read(".stages"))
            .split_whitespace()
            .map(|word| word.parse().expect("a status is a number"))
            .collect();
        Finished {
            stdout: self.stdout(),
            stderr: self.stderr(),
            status: status.expect("the loop ends with one"),
            stages,
            folder,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.folder.is_none() {
            return;
        }
        let _ = self.child.kill();
        for process in self.processes() {
            self.signal_one(process.pid, libc::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// The runs that records in these bytes belong to.
fn runs(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut runs: Vec<String> = text
        .split(r#""run":""#)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .filter(|run| record::is_valid_run(run))
        .collect();
    runs.sort();
    runs.dedup();
    runs
}

fn hear(mut pipe: impl Read + Send + 'static) -> (Heard, JoinHandle<()>) {
    let heard = Heard::default();
    let ours = Arc::clone(&heard);
    let reader = std::thread::spawn(move || {
        let mut some = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = pipe.read(&mut some) {
            ours.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(&some[..n]);
        }
    });
    (heard, reader)
}

fn copy(heard: &Heard) -> Vec<u8> {
    heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
