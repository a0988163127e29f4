//! Finds journals whose owner and keeper are both gone, and finishes them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::identity::{boot_id, pid_namespace};
use crate::journal::host;
use crate::settle::settle;
use crate::{Contents, Error, Header, Plan, State, log};

/// Who has no first line after this time never will.
const HEADERLESS: Duration = Duration::from_secs(60);

/// A journal that was found without an owner.
#[derive(Debug, Clone)]
pub struct Swept {
    /// Where it is, or was.
    pub path: PathBuf,
    /// The run and the tool instance it belonged to.
    pub from: String,
    /// The run's id.
    pub run: String,
    /// A phrase for each thing that was still there and is undone now.
    pub undone: Vec<String>,
    /// A phrase for each thing that could not be undone; the journal stays.
    pub kept: Vec<String>,
}

/// One journal with what it holds, for people who ask what there is.
#[derive(Debug)]
pub struct Deployment {
    /// The journal.
    pub path: PathBuf,
    /// Whose it is.
    pub header: Header,
    /// Whether its tool lives.
    pub alive: bool,
    /// What is applied.
    pub open: Vec<Plan>,
}

/// Undoes what dead tools left behind, of all runs or of this one. Journals of living tools, of other machines and of other containers are left alone.
///
/// # Errors
/// [`Error::State`] where the folder can't be read; a single bad journal is reported in `kept`.
pub fn sweep(state: &State, run: Option<&str>, grace: Duration) -> Result<Vec<Swept>, Error> {
    let mut swept = Vec::new();
    for path in state.journal_files()? {
        match sweep_one(&path, run, grace) {
            Ok(Some(found)) => swept.push(found),
            Ok(None) => {}
            Err(error) => swept.push(Swept {
                kept: vec![format!("the journal itself: {error}")],
                path,
                from: String::new(),
                run: String::new(),
                undone: Vec::new(),
            }),
        }
    }
    log::remove_old(state);
    Ok(swept)
}

fn sweep_one(path: &Path, run: Option<&str>, grace: Duration) -> io::Result<Option<Swept>> {
    // Owner, keeper or another sweeper have it locked while they live or work.
    let Some(mut file) = lock(path, false)? else {
        return Ok(None);
    };
    let contents = Contents::read(&file)?;
    let Some(header) = contents.header.clone() else {
        let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
        // No plan without a header, so nothing was ever applied.
        if contents.unknown.is_empty() && age > HEADERLESS {
            fs::remove_file(path)?;
        }
        return Ok(None);
    };
    if run.is_some_and(|run| run != header.run) {
        return Ok(None);
    }
    let elsewhere = header.host != host()
        || (header.owner.boot_id == boot_id()? && header.pid_namespace != pid_namespace()?);
    if elsewhere || header.owner.is_alive() {
        return Ok(None);
    }
    let settled = settle(&mut file, &contents, |_| true, grace)?;
    if settled.kept.is_empty() {
        fs::remove_file(path)?;
    }
    Ok(Some(Swept {
        path: path.to_owned(),
        from: header.from,
        run: header.run,
        undone: settled.undone,
        kept: settled.kept,
    }))
}

/// Opens and locks a journal; `None` when it is gone, or (without waiting) locked by another.
pub(crate) fn lock(path: &Path, wait: bool) -> io::Result<Option<File>> {
    loop {
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if wait {
            file.lock()?;
        } else {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        // While we waited, the name may have gone, or gone to a compacted journal.
        match fs::metadata(path) {
            Ok(named) if named.ino() == file.metadata()?.ino() => return Ok(Some(file)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// All journals that can be read, of living tools, too.
///
/// # Errors
/// [`Error::State`] where the folder can't be read.
pub fn list(state: &State) -> Result<Vec<Deployment>, Error> {
    let mut deployments = Vec::new();
    for path in state.journal_files()? {
        let Ok(contents) = File::open(&path).and_then(|file| Contents::read(&file)) else {
            continue; // gone since the folder was read, or damaged: sweep says so
        };
        if let Some(header) = contents.header {
            deployments.push(Deployment {
                alive: header.owner.is_alive(),
                path,
                header,
                open: contents.open.into_values().collect(),
            });
        }
    }
    Ok(deployments)
}
