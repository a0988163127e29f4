//! The truth file: when each answer was handed to write(), to hold a generator's figures against.
//!
//! The first line says when the server started and what was asked of it; then one line per call, in
//! the order of writing.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::log_file::LogFile;

/// The open file.
pub(crate) struct Truth(LogFile);

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
        LogFile::start("truth", file, FLUSH_EVERY).map(Self)
    }

    /// Completes lines that [`line`] began with the instant of their answers and the client's TCP port,
    /// which tells apart calls of the same id on different connections.
    pub(crate) fn stamp(&self, begun: &mut Vec<String>, answered_us: u64, peer_port: u16) {
        self.0.add(|lines| {
            for line in begun.drain(..) {
                // Writing to memory does not fail.
                let _ = writeln!(lines, r#"{line}{answered_us},"peer_port":{peer_port}}}"#);
            }
        });
    }

    /// Writes what is left and closes the file.
    ///
    /// # Errors
    /// The first failure to write, whenever it was.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.0.finish()
    }
}

/// Begins the line of a call; `session`, `id` and `token` are JSON, the latter two as the client sent them.
pub(crate) fn line(
    id: &str,
    session: &str,
    method: &str,
    token: Option<&str>,
    received_us: u64,
) -> String {
    let token = token.map_or(String::new(), |token| format!(r#""token":{token},"#));
    format!(
        r#"{{"id":{id},"session":{session},"method":"{method}",{token}"received_mono_us":{received_us},"answered_mono_us":"#
    )
}
