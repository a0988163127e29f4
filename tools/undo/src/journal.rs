//! The journal that its owner writes: what is about to be applied goes to the disk first.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::entry::{Header, Line, Plan, VERSION, unix_us};
use crate::identity::{Identity, pid_namespace};
use crate::state::file_name_part;
use crate::{Error, State};

/// Beyond this the journal is written anew with only what is open.
const COMPACT_BYTES: u64 = 1 << 20;
/// As many things as can be applied at once.
const OPEN_LIMIT: usize = 10_000;

/// An open journal, locked (flock) as long as its owner lives.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    header: Header,
    open: BTreeMap<String, Plan>,
    bytes: u64,
    /// The last write failed half-way, so the next line needs a line break before it.
    torn: bool,
}

impl Journal {
    /// Makes the journal of this process, named by run and tool instance, and locks it.
    ///
    /// # Errors
    /// [`Error::State`] where the folder can't be written.
    pub fn create(state: &State, run: &str, tool: &str, from: &str) -> Result<Self, Error> {
        let proc = Error::state("/proc/self");
        let header = (|| {
            Ok(Header {
                v: VERSION,
                run: run.to_owned(),
                tool: tool.to_owned(),
                from: from.to_owned(),
                owner: Identity::current()?,
                host: host(),
                pid_namespace: pid_namespace()?,
                ts_us: unix_us(),
            })
        })()
        .map_err(proc)?;
        // Instances have 16 bits, so the pid goes into the name, too.
        let name = format!(
            "{}.{}.{}",
            file_name_part(run),
            file_name_part(from),
            header.owner.pid
        );
        let path = state.journals().join(name).with_added_extension("jsonl");
        let file = create_locked(&path).map_err(Error::state(&path))?;
        let mut journal = Self {
            path,
            file,
            header,
            open: BTreeMap::new(),
            bytes: 0,
            torn: false,
        };
        journal.write(&Line::Header(journal.header.clone()), true)?;
        Ok(journal)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose it is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is applied and not taken back yet.
    pub fn open_plans(&self) -> impl Iterator<Item = &Plan> {
        self.open.values()
    }

    /// Writes a plan through to the disk; only after that may it be applied.
    ///
    /// # Errors
    /// [`Error::State`] where the disk is full: then it must not be applied. [`Error::TooMany`] beyond 10,000 open ones.
    pub fn plan(&mut self, plan: Plan) -> Result<(), Error> {
        if self.open.len() >= OPEN_LIMIT {
            return Err(Error::TooMany(self.open.len()));
        }
        self.write(&Line::Plan(plan.clone()), true)?;
        self.open.insert(plan.id.clone(), plan);
        Ok(())
    }

    /// Writes that a plan was taken back, or never came to be applied. Twice is once.
    ///
    /// # Errors
    /// [`Error::State`]: the entry stays open, and undoing it again does no harm.
    pub fn done(&mut self, id: &str) -> Result<(), Error> {
        if !self.open.contains_key(id) {
            return Ok(());
        }
        // No sync: when the machine dies now, the entry is undone twice.
        let line = Line::Done {
            id: id.to_owned(),
            ts_us: unix_us(),
        };
        self.write(&line, false)?;
        self.open.remove(id);
        if self.bytes > COMPACT_BYTES {
            self.compact()?;
        }
        Ok(())
    }

    /// Removes the journal; its owner calls this when nothing is open any more.
    ///
    /// # Errors
    /// [`Error::State`] where it can't be removed.
    pub fn remove(self) -> Result<(), Error> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::state(&self.path)(error))
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, line: &Line, sync: bool) -> Result<(), Error> {
        let result = append(&mut self.file, line, self.torn);
        self.torn = result.is_err();
        let result = result.and_then(|bytes| {
            self.bytes += bytes;
            if sync { self.file.sync_data() } else { Ok(()) }
        });
        result.map_err(Error::state(&self.path))
    }

    /// A new file under the old name: keeper and sweeper open by name, and the new one is locked before it has it.
    fn compact(&mut self) -> Result<(), Error> {
        let fresh = self.path.with_added_extension("new");
        let swap = || -> io::Result<(File, u64)> {
            let _ = std::fs::remove_file(&fresh);
            let mut file = create_locked(&fresh)?;
            let mut bytes = append(&mut file, &Line::Header(self.header.clone()), false)?;
            for plan in self.open.values() {
                bytes += append(&mut file, &Line::Plan(plan.clone()), false)?;
            }
            file.sync_data()?;
            std::fs::rename(&fresh, &self.path)?;
            Ok((file, bytes))
        };
        (self.file, self.bytes) = swap().map_err(Error::state(&self.path))?;
        Ok(())
    }
}

/// Appends one line in one write, so that two writers never mix theirs.
pub(crate) fn append(file: &mut File, line: &Line, after_torn: bool) -> io::Result<u64> {
    let mut bytes = Vec::from(if after_torn { &b"\n"[..] } else { b"" });
    serde_json::to_writer(&mut bytes, line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)?;
    Ok(bytes.len() as u64)
}

fn create_locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

/// The machine's name.
pub(crate) fn host() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_string_lossy().into_owned()
}
