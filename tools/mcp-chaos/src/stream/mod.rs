//! What comes on stdin: copied byte for byte by a thread of its own, which tells the director what it means.

pub mod place;
pub mod seen;

use crate::cli::TOOL;
use crate::path::{Path, rewrite};
use place::{Place, Standing};
use record::kind::{Interval, Ready, Stage, Target, Warning};
use record::{Body, Identity, Pen, RawStdin, Record, Upstream};
use seen::Seen;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What comes in from upstream.
pub enum Arrival {
    /// The first line was read, `start` is written: from here on there is a pen.
    Opened(Pen),
    /// It is clear where we stand.
    Stands(Place),
    /// A tool of this pipeline on this machine, by its pid.
    Tool(i32),
    /// A server, and its process.
    Target(Box<Seen>),
    /// The targets are complete.
    Ready(Box<Ready>),
    /// A stage of the load.
    Stage(Box<Stage>),
    /// A second of the load.
    Interval(Box<Interval>),
    /// Something to be told.
    Warning(Warning),
    /// The plan cannot be carried out where we stand: a sentence.
    Refused(String),
    /// Upstream has ended.
    Ended {
        /// How reading it ended.
        read: io::Result<()>,
        /// Whether a tool there has said `start` and no `end`, as one does that was killed.
        is_silent: bool,
    },
}

/// What the reader does besides copying.
pub struct Wants {
    /// The seed, for `start`.
    pub seed: u64,
    /// Whether the plan can be carried out there.
    pub check: Box<dyn Fn(Place) -> Result<(), String> + Send>,
    /// Whether intervals are told at the moment: to parse them takes time.
    pub intervals: Arc<AtomicBool>,
    /// Where faults are in the path of the calls.
    pub path: Option<Path>,
    /// Whether stdin is read at all.
    pub stdin: bool,
}

/// Reads stdin on a thread of its own.
pub fn read(
    wants: Wants,
    on_gone: impl Fn() + Send + Sync + 'static,
    tell: impl Fn(Arrival) + Send + 'static,
) {
    std::thread::spawn(move || {
        let stdin: Box<dyn io::Read> = match wants.stdin {
            true => Box::new(RawStdin),
            false => Box::new(io::empty()),
        };
        let upstream = match Upstream::open(stdin) {
            Ok(upstream) => upstream,
            Err(e) => {
                return tell(Arrival::Ended {
                    read: Err(e),
                    is_silent: false,
                });
            }
        };
        let pen = Pen::open(Identity::join(TOOL, upstream.run().as_deref()), on_gone);
        pen.write(record::start(
            TOOL,
            env!("CARGO_PKG_VERSION"),
            Some(wants.seed),
        ));
        tell(Arrival::Opened(pen.clone()));
        let mut intake = Intake {
            via: pen.identity().from.clone(),
            wants,
            standing: Standing::default(),
            refused: None,
            tell,
        };
        let read = upstream.forward_edited(&pen, |kind, line, number| {
            match intake.take(kind, line) {
                Ok(line) => return Ok(line),
                Err(Halt::Unusable(wrong)) => {
                    let text = format!("line {number} is a {kind} that cannot be used: {wrong}");
                    let warning = Warning::new("bad_record", text);
                    (intake.tell)(Arrival::Warning(Warning {
                        line: Some(number),
                        ..warning
                    }));
                }
                Err(Halt::Refused(sentence)) => {
                    intake.refused = Some(sentence);
                    return Err(io::ErrorKind::Other.into());
                }
            }
            Ok(None)
        });
        let is_silent = intake.standing.is_silent();
        let ended = match intake.refused.take() {
            Some(sentence) => Arrival::Refused(sentence),
            None => Arrival::Ended { read, is_silent },
        };
        (intake.tell)(ended);
    });
}

/// Why a record says nothing to us.
enum Halt {
    /// It is none of ours.
    Unusable(serde_json::Error),
    /// The run ends with this sentence.
    Refused(String),
}

struct Intake<T> {
    /// Who we are.
    via: String,
    wants: Wants,
    standing: Standing,
    refused: Option<String>,
    tell: T,
}

impl<T: Fn(Arrival)> Intake<T> {
    /// Looks at a record; the line that goes on in its place, where it is another.
    fn take(&mut self, kind: &str, line: &[u8]) -> Result<Option<Vec<u8>>, Halt> {
        match kind {
            "start" | "end" | "target" | "ready" | "stage" => {}
            "interval" if self.wants.intervals.load(Relaxed) => {}
            _ => return Ok(None),
        }
        let record = match Record::parse(line) {
            Ok(record) => record,
            // Whoever reads on says so, too; only what counts for us is worth a word.
            Err(e) if kind == "target" || kind == "ready" => return Err(Halt::Unusable(e)),
            Err(_) => return Ok(None),
        };
        if let Some(place) = self.standing.note(&record) {
            (self.wants.check)(place).map_err(Halt::Refused)?;
            (self.tell)(Arrival::Stands(place));
        }
        let from = record.from;
        match record.body {
            Body::Start(start) => {
                if let Some(pid) = place::pid_here(&start) {
                    (self.tell)(Arrival::Tool(pid));
                }
            }
            Body::Target(target) => return Ok(self.target(*target, line, &from)),
            Body::Ready(ready) => (self.tell)(Arrival::Ready(ready)),
            Body::Stage(stage) => (self.tell)(Arrival::Stage(stage)),
            Body::Interval(interval) => (self.tell)(Arrival::Interval(interval)),
            _ => {}
        }
        Ok(None)
    }

    /// Gives a target its proxy, where faults are in the path.
    fn target(&self, target: Target, line: &[u8], from: &str) -> Option<Vec<u8>> {
        // Behind mcp-gen nobody calls it any more.
        let is_called = self.standing.place() != Some(Place::Behind);
        let path = self.wants.path.as_ref().filter(|_| is_called);
        let new = path.and_then(|path| {
            let new = rewrite::rewrite(path, &target, line, &self.via);
            new.unwrap_or_else(|why| {
                let name = target.key();
                let text = format!("{name} is called without a proxy: {why}");
                let warning = Warning::new("no_proxy", record::cut(text));
                (self.tell)(Arrival::Warning(warning.target(name)));
                None
            })
        });
        let is_here = self.standing.is_here(from);
        (self.tell)(Arrival::Target(Box::new(Seen::now(target, is_here))));
        new
    }
}
