//! The audit file: which calls were executed, by the token that each carries in `_meta` as `mcpipe/token`.
//!
//! A call is executed when it is taken up and does not fail; whether its answer ever arrived is another
//! matter, and that is the point. The file outlives its server: a server that is started again goes on
//! in it, so that a call executed by both stands there twice.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The open file.
pub(crate) struct Audit(Mutex<Book>);

struct Book {
    file: File,
    line: Vec<u8>,
    failed: Option<io::Error>,
}

impl Audit {
    /// Opens the file at its end, or creates it.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(Book {
            file: OpenOptions::new().append(true).create(true).open(path)?,
            line: Vec::new(),
            failed: None,
        })))
    }

    /// A call was executed; `token` and `id` are JSON as the client sent them.
    pub(crate) fn executed(&self, token: &str, id: &str, method: &str, received_us: u64) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Book { file, line, failed } = &mut *book;
        line.clear();
        // Writing to memory does not fail.
        let _ = writeln!(
            line,
            r#"{{"token":{token},"id":{id},"method":"{method}","received_mono_us":{received_us}}}"#
        );
        // At once, a microsecond or two: the kernel keeps what a server has written that is killed, and no answer may
        // leave whose call the file does not hold.
        if let Err(error) = file.write_all(line) {
            failed.get_or_insert(error);
        }
    }

    /// Tells whether the file holds all.
    ///
    /// # Errors
    /// The first failure to write, whenever it was.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.failed.take().map_or(Ok(()), Err)
    }
}
