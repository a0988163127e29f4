//! Reads streams to their ends, every line in full, and tells which lines are no records.

use crate::progress::Progress;
use crate::run::Run;
use record::kind::Warning;
use record::{Body, Lines, Peek, Piece, RawStdin, Record, peek};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// So many broken lines are told one by one; the rest is counted.
const MAX_TOLD: u64 = 20;

/// Why the input cannot be reported on.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// A file cannot be read.
    #[error("cannot read {name}: {error}")]
    Read {
        /// Its name.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// The streams are of several runs.
    #[error("the input holds {} runs ({}): give the streams of one run", .0.len(), .0.join(", "))]
    Runs(Vec<String>),
    /// A stream came twice.
    #[error("{0} starts twice in the input: give each stream once")]
    Twice(String),
}

/// Reads all `files` (stdin where there are none) as parts of one run.
pub fn read(files: &[PathBuf], quiet: bool) -> Result<Run, IntakeError> {
    let stdin = [PathBuf::from("-")];
    let files = if files.is_empty() { &stdin[..] } else { files };
    let mut intake = Intake {
        run: Run::default(),
        several: files.len() > 1,
        quiet,
        broken: 0,
    };
    for (source, file) in files.iter().enumerate() {
        intake
            .stream(source, file)
            .map_err(|error| IntakeError::Read {
                name: name(file),
                error,
            })?;
    }
    if intake.broken > MAX_TOLD {
        let more = intake.broken - MAX_TOLD;
        intake.warn(format!("{more} more lines are no records"), None);
    }
    let run = intake.run;
    if run.ids.len() > 1 {
        return Err(IntakeError::Runs(run.ids.into_iter().collect()));
    }
    match run.tools.twice {
        Some(from) => Err(IntakeError::Twice(from)),
        None => Ok(run),
    }
}

fn name(file: &Path) -> String {
    if file == Path::new("-") {
        "stdin".to_owned()
    } else {
        file.display().to_string()
    }
}

struct Intake {
    run: Run,
    several: bool,
    quiet: bool,
    broken: u64,
}

impl Intake {
    fn stream(&mut self, source: usize, file: &Path) -> io::Result<()> {
        let mut progress = None;
        let reader: Box<dyn Read> = if file == Path::new("-") {
            Box::new(RawStdin)
        } else {
            let opened = File::open(file)?;
            progress = Progress::of(&opened, &name(file), self.quiet);
            Box::new(opened)
        };
        let mut lines = Lines::new(reader);
        while let Some(piece) = lines.next_piece()? {
            match piece {
                Piece::Lines(block) => {
                    if let Some(progress) = &mut progress {
                        progress.add(block.bytes.len());
                    }
                    for (number, line) in block.lines() {
                        if let Err(how) = self.line(source, line) {
                            self.tell(file, number, &how);
                        }
                    }
                }
                Piece::Part {
                    number, last: true, ..
                } => {
                    self.tell(file, number, "longer than 1 MiB");
                }
                Piece::Part { .. } => {}
            }
        }
        Ok(())
    }

    fn line(&mut self, source: usize, line: &[u8]) -> Result<(), String> {
        let line = line.trim_ascii();
        let kind = match peek(line) {
            Peek::Type(kind) => kind,
            Peek::Untyped => return Ok(()),
            Peek::Broken(how) => return Err(how.to_owned()),
        };
        match kind.as_ref() {
            // There may be one for every call: read to the end, but not kept.
            "call" | "sample" => serde_json::from_slice::<serde::de::IgnoredAny>(line)
                .map(drop)
                .map_err(|e| broken(&e)),
            known if Body::TYPES.contains(&known) => {
                let record = Record::parse(line).map_err(|e| broken(&e))?;
                self.run.take(source, record);
                Ok(())
            }
            // A kind of the future.
            _ => Ok(()),
        }
    }

    fn tell(&mut self, file: &Path, number: u64, how: &str) {
        self.broken += 1;
        if self.broken <= MAX_TOLD {
            let of = if self.several {
                format!(" of {}", name(file))
            } else {
                String::new()
            };
            self.warn(
                format!("line {number}{of} is no record: {how}"),
                Some(number),
            );
        }
    }

    fn warn(&mut self, text: String, line: Option<u64>) {
        let warning = Warning {
            line,
            ..Warning::new("not_json", text)
        };
        self.run.warnings.take("mcp-report", warning);
    }
}

/// What serde says, without its position within the line that nobody counts.
fn broken(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    if error.is_eof() {
        "half a line of JSON".to_owned()
    } else {
        text.to_owned()
    }
}
