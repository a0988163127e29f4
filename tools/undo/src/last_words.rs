//! How a server ended, and what it said before, for the sentence that a person reads.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::Exit;

/// As much of a log as goes into a sentence.
const LAST_LINES: usize = 3;
const LAST_BYTES: u64 = 1_024;

/// How it ended, as the predicate of a sentence.
pub fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with code {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
    }
}

/// What a server said last, and where all of it is.
pub fn last_words(log: &Path) -> String {
    let text = tail(log).unwrap_or_default();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ");
    if last.is_empty() {
        return "; it wrote nothing to its log".to_owned();
    }
    format!("; it said: {last}; its log: {}", log.display())
}

fn tail(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
