//! The logs of children: one file a label, bounded in size and in age.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::state::file_name_part;
use crate::{Error, State};

/// A log is cut to its last 64 KiB when it is larger than this.
const LIMIT_BYTES: u64 = 16 << 20;
const KEPT_BYTES: u64 = 64 << 10;
/// Logs of runs long past are removed.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// Opens the log of one label of a run for appending.
pub(crate) fn open(state: &State, journal: &Path, label: &str) -> Result<(PathBuf, File), Error> {
    let run = journal.file_stem().unwrap_or_default().to_string_lossy();
    let path = state
        .logs()
        .join(format!("{run}.{}.log", file_name_part(label)));
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(Error::state(&path))?;
    Ok((path, file))
}

/// Cuts each log of this run that grew over its limit, and keeps its end.
///
/// A child writes in append mode, so it goes on at the new end; lines written while it is cut are lost.
pub(crate) fn trim(state: &State, journal: &Path) -> io::Result<()> {
    let run = format!(
        "{}.",
        journal.file_stem().unwrap_or_default().to_string_lossy()
    );
    for entry in fs::read_dir(state.logs())? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(&run)
            || entry.metadata()?.len() <= LIMIT_BYTES
        {
            continue;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(entry.path())?;
        file.seek(SeekFrom::End(-(KEPT_BYTES as i64)))?;
        let mut end = Vec::new();
        (&file).take(KEPT_BYTES).read_to_end(&mut end)?;
        file.set_len(0)?;
        file.write_all(b"[cut here: the log was over 16 MiB]\n")?;
        file.write_all(&end)?;
    }
    Ok(())
}

/// Removes the empty logs of a run that has ended in good order.
pub(crate) fn remove_empty(state: &State, journal: &Path) {
    let run = format!(
        "{}.",
        journal.file_stem().unwrap_or_default().to_string_lossy()
    );
    remove(state, |name, file| {
        name.starts_with(&run) && file.len() == 0
    });
}

/// Removes logs that nobody wrote to for a week.
pub(crate) fn remove_old(state: &State) {
    remove(state, |_, file| {
        file.modified()
            .ok()
            .and_then(|modified| modified.elapsed().ok())
            .is_some_and(|age| age > KEPT_FOR)
    });
}

fn remove(state: &State, which: impl Fn(&str, &fs::Metadata) -> bool) {
    // A log that can't be looked at is left: it harms nobody.
    for entry in fs::read_dir(state.logs()).into_iter().flatten().flatten() {
        if entry
            .metadata()
            .is_ok_and(|file| which(&entry.file_name().to_string_lossy(), &file))
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}
