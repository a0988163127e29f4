//! What mcp-deploy writes to the pipe: `start`, targets, `ready`, events, and its last word.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use record::kind::{Ready, Target, Warning};
use record::{Body, Ending, Identity, Pen, Say, clock, signal};

use crate::cli::TOOL;
use crate::hold::{Happening, Over};

/// The pen, and the way to speak to people beside it.
pub struct Stream {
    pen: Pen,
    say: Arc<Say>,
}

impl Stream {
    /// Begins a run: mcp-deploy stands at the beginning of the pipe and reads no stdin, so the run is a new one.
    pub fn begin(say: &Arc<Say>, tell: &Sender<Happening>) -> Self {
        let tell = tell.clone();
        let pen = Pen::open(Identity::join(TOOL, None), move || {
            drop(tell.send(Happening::ReaderLeft));
        });
        pen.write(record::start(TOOL, env!("CARGO_PKG_VERSION"), None));
        Self {
            pen,
            say: Arc::clone(say),
        }
    }

    /// The run and instance that the records carry.
    pub fn identity(&self) -> &Identity {
        self.pen.identity()
    }

    /// Writes a record.
    pub fn write(&self, body: impl Into<Body>) {
        self.pen.write(body);
    }

    /// Writes the first targets in their order, and `ready`: t0 is now.
    pub fn ready(&self, targets: impl IntoIterator<Item = Target>) {
        for target in targets {
            self.pen.write(target);
        }
        self.pen.write(Ready {
            t0_us: clock::unix_us(),
            t0_mono_us: clock::mono_us(),
            boot_id: clock::boot_id(),
            generators: None,
        });
    }

    /// Says a thing to people, unless they want quiet.
    pub fn note(&self, text: &str) {
        self.say.note(text);
    }

    /// Writes `end`, waits until all is written, and tells how to leave. A failure is told to people and to the pipe.
    pub fn end(&self, over: Over) -> Ending {
        let (why, ending) = match over {
            Over::ReaderLeft => ("reader_left", Ending::Exit(0)),
            Over::TimeUp => ("done", Ending::Exit(0)),
            Over::Signal(number) => ("interrupted", Ending::Signal(number)),
            Over::Failed(text) => {
                self.say.error(&text);
                self.pen.write(Warning::new("fatal", record::cut(text)));
                ("failed", Ending::Exit(2))
            }
        };
        let status = match ending {
            Ending::Exit(status) => status,
            Ending::Signal(number) => signal::exit_status(number),
        };
        if let Err(error) = self.pen.close(why, status) {
            self.say.error(&format!(
                "stdout can't be written: {error}: give it a disk with room or another reader"
            ));
            return Ending::Exit(2);
        }
        ending
    }
}
