//! Reads a journal, as its writer left it: a torn line was never applied, an unknown one is kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use serde_json::Value;

use crate::entry::{Header, Line, Plan, VERSION};

/// A journal is compacted at 1 MiB and has 10,000 open entries at most; what is far beyond is no journal.
const LIMIT_BYTES: u64 = 64 << 20;

/// What a journal says.
#[derive(Debug, Default)]
pub struct Contents {
    /// Whose it is; `None` when the owner died before the first line.
    pub header: Option<Header>,
    /// What is not taken back yet, by id.
    pub open: BTreeMap<String, Plan>,
    /// Whole lines of a form that this version does not know, kept as they are.
    pub unknown: Vec<String>,
    /// Lines that are no JSON: writes that failed, so nothing of theirs was applied.
    pub torn: usize,
}

impl Contents {
    /// Reads a journal from its beginning.
    ///
    /// # Errors
    /// Those of reading; a journal over 64 MiB is `InvalidData`.
    pub fn read(file: &File) -> io::Result<Self> {
        let mut file = file;
        file.rewind()?;
        if file.metadata()?.len() > LIMIT_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "over 64 MiB, so it is no journal",
            ));
        }
        let mut contents = Self::default();
        for line in BufReader::new(file.take(LIMIT_BYTES)).split(b'\n') {
            contents.add(&line?);
        }
        Ok(contents)
    }

    fn add(&mut self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        match serde_json::from_slice::<Line>(line) {
            Ok(Line::Header(header)) if header.v <= VERSION => {
                self.header.get_or_insert(header);
            }
            Ok(Line::Plan(plan)) => {
                self.open.insert(plan.id.clone(), plan);
            }
            Ok(Line::Done { id, .. }) => {
                self.open.remove(&id);
            }
            // A plan is one write and synced before it is applied: half a line means "not applied".
            _ if serde_json::from_slice::<Value>(line).is_err() => self.torn += 1,
            _ => self
                .unknown
                .push(String::from_utf8_lossy(line).into_owned()),
        }
    }
}
