//! The audit file: which calls were executed, by the token that each carries in `_meta` as `mcpipe/token`.
//!
//! A call is executed when it is taken up and does not fail; whether its answer ever arrived is another
//! matter, and that is the point. The file outlives its server: a server that is started again goes on
//! in it, so that a call executed by both stands there twice.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::log_file::LogFile;

/// The open file.
pub(crate) struct Audit(LogFile);

/// How long a line waits at most: what a server executed in its last instants before it is killed is lost.
const FLUSH_EVERY: Duration = Duration::from_millis(10);

impl Audit {
    /// Opens the file at its end, or creates it.
    ///
    /// # Errors
    /// Where that cannot be done, or no thread started.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        LogFile::start("audit", file, FLUSH_EVERY).map(Self)
    }

    /// A call was executed; `token` and `id` are JSON as the client sent them.
    pub(crate) fn executed(&self, token: &str, id: &str, method: &str, received_us: u64) {
        self.0.add(|lines| {
            // Writing to memory does not fail.
            let _ = writeln!(
                lines,
                r#"{{"token":{token},"id":{id},"method":"{method}","received_mono_us":{received_us}}}"#
            );
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
