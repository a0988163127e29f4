//! A line on the terminal while a long file is read.
//!
//! Live, mcp-gen draws its own bar on the same terminal, and two would overwrite each other: so only for files.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(200);

/// How far the reading of one file is.
pub struct Progress {
    name: String,
    size_bytes: u64,
    read_bytes: u64,
    shown: Option<Instant>,
    began: Instant,
}

impl Progress {
    /// For a regular file, and only where stderr is a terminal.
    pub fn of(file: &File, name: &str, quiet: bool) -> Option<Self> {
        let meta = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        (!quiet && io::stderr().is_terminal()).then(|| Self {
            name: name.to_owned(),
            size_bytes: meta.len().max(1),
            read_bytes: 0,
            shown: None,
            began: Instant::now(),
        })
    }

    /// Counts bytes, and shows the share now and then.
    pub fn add(&mut self, bytes: usize) {
        self.read_bytes += bytes as u64;
        if self.shown.unwrap_or(self.began).elapsed() >= EVERY {
            self.shown = Some(Instant::now());
            let percent = (self.read_bytes * 100 / self.size_bytes).min(100);
            let line = format!(
                "\rmcp-report: reading {}: {percent} %",
                crate::show::clean(&self.name)
            );
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}
