//! The user's state folder: where journals and the logs of children live.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// The two folders below the state folder, both for this user only (0700).
#[derive(Debug, Clone)]
pub struct State {
    journals: PathBuf,
    logs: PathBuf,
}

impl State {
    /// `$MCPIPE_STATE`, else `$XDG_STATE_HOME/mcpipe`, else `~/.local/state/mcpipe` (XDG Base Directory 0.8).
    ///
    /// # Errors
    /// [`Error::NoState`] where none is set, [`Error::State`] where the folders can't be made.
    pub fn of_user() -> Result<Self, Error> {
        // The XDG specification wants relative paths ignored, and an empty variable is a relative path.
        let absolute = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let folder = absolute("MCPIPE_STATE")
            .or_else(|| absolute("XDG_STATE_HOME").map(|path| path.join("mcpipe")))
            .or_else(|| absolute("HOME").map(|path| path.join(".local/state/mcpipe")))
            .ok_or(Error::NoState)?;
        Self::at(&folder)
    }

    /// The state folder at a given place, made where it is missing.
    ///
    /// # Errors
    /// [`Error::State`] where it can't be made.
    pub fn at(folder: &Path) -> Result<Self, Error> {
        let state = Self {
            journals: folder.join("journal"),
            logs: folder.join("log"),
        };
        for path in [&state.journals, &state.logs] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(Error::state(path))?;
        }
        Ok(state)
    }

    /// Where the journals are.
    pub fn journals(&self) -> &Path {
        &self.journals
    }

    /// Where the logs of children and keepers are.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// The journals that are there now, sorted by name.
    pub(crate) fn journal_files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.journals).map_err(Error::state(&self.journals))? {
            let path = entry.map_err(Error::state(&self.journals))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// A part of a file name made of a text that may come from a record, so from anybody: no slash, no dot in front, 64 bytes.
pub(crate) fn file_name_part(text: &str) -> String {
    text.chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect()
}
