//! How a run ends: faults are lifted, all is taken back, and the last word is said.

use super::dues::Due;
use super::{Director, PATIENCE_US};
use crate::stream::place::Place;
use record::kind::Warning;
use record::{Ending, clock, filter, signal};
use std::time::Duration;

/// Nobody uses any more what is taken back at the end.
const GRACE: Duration = Duration::from_secs(2);

/// Why a run is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The stream has ended, or the reader had its time after a signal.
    Ended,
    /// The reader of stdout left.
    ReaderLeft,
    /// By this signal, at once.
    Signal(i32),
    /// For the reason in this sentence.
    Failed(String),
}

impl Director {
    /// The first signal: what is broken is mended, and the stream goes on.
    pub(super) fn interrupt(&mut self) -> Option<Over> {
        self.wind_down();
        if self.place == Some(Place::Behind) {
            return None; // mcp-gen still writes its summary, and then the stream ends
        }
        if !record::is_pipe(rustix::stdio::stdout()) {
            return Some(Over::Ended);
        }
        self.dues.push(clock::mono_us() + PATIENCE_US, Due::Leave);
        None
    }

    /// No fault begins any more, and those that run are ended.
    pub(super) fn wind_down(&mut self) {
        self.is_winding_down = true;
        self.dues.begin_nothing();
        let running: Vec<String> = self.running.keys().cloned().collect();
        for id in running {
            self.finish(&id, Some("the run ended before its time"));
        }
        if let Some(api) = &self.api {
            api.wind_down();
        }
    }

    pub(super) fn end(mut self, over: Over) -> Ending {
        let was_winding_down = self.is_winding_down;
        self.wind_down();
        self.hear_api_out();
        let is_over = matches!(over, Over::Ended | Over::ReaderLeft);
        if is_over && !was_winding_down && signal::arrived().is_none() {
            self.tell_what_never_came();
        }
        if let Some(undo) = self.undo.take()
            && let Err(error) = undo.close(GRACE)
        {
            self.fail_loudly(error.to_string());
        }
        if let Some(path) = self.path.take() {
            path.proxies().clone().end();
        }
        self.brake.undone();
        let (why, ending) = match (&over, signal::arrived()) {
            (Over::Signal(number), _) => ("interrupted", Ending::Signal(*number)),
            (Over::Ended, Some(number)) => ("interrupted", Ending::Signal(number)),
            (Over::Failed(sentence), _) => {
                self.say.error(sentence);
                self.write(Warning::new("fatal", record::cut(sentence.clone())));
                ("failed", Ending::Exit(2))
            }
            (Over::ReaderLeft, _) if self.has_failed => ("failed", Ending::Exit(2)),
            (Over::ReaderLeft, _) => ("reader_left", filter::after_the_reader()),
            (Over::Ended, None) if self.has_failed => ("failed", Ending::Exit(2)),
            (Over::Ended, None) => ("done", Ending::Exit(0)),
        };
        if matches!(over, Over::Signal(_)) {
            return ending; // a second one: whoever does not read is not waited for
        }
        let status = match ending {
            Ending::Exit(status) => status,
            Ending::Signal(number) => signal::exit_status(number),
        };
        if let Some(pen) = &self.pen {
            self.unwritten.drain(..).for_each(|body| pen.write(body));
            if let Err(e) = pen.close(why, status) {
                self.say.error(&format!("cannot write stdout: {e}"));
                return Ending::Exit(2);
            }
        }
        ending
    }

    /// Something is still applied, and nobody must miss that.
    pub(super) fn fail_loudly(&mut self, sentence: String) {
        self.say.error(&sentence);
        self.has_failed = true;
        self.write(
            Warning::new("not_taken_back", record::cut(sentence))
                .remedy("mcp-chaos heal tries again, once mcp-chaos has ended"),
        );
    }

    /// Faults of the plan that the run was too short for.
    fn tell_what_never_came(&mut self) {
        if let Some(sentence) = self.unsteady("when the run ended") {
            self.say.error(&sentence);
            self.write(Warning::new("fatal", record::cut(sentence)));
            self.has_failed = true;
            return;
        }
        let stages = self.instants.stages().join(", ");
        let never: Vec<String> = self
            .plan
            .faults
            .iter()
            .zip(1..)
            .zip(&self.begun)
            .filter(|(_, begun)| **begun == 0)
            .map(|((fault, n), _)| {
                let when = fault.timing.shown(fault.kind.lasts);
                format!("f{n} ({} {when})", fault.kind.name)
            })
            .collect();
        if never.is_empty() {
            return;
        }
        let stages = match stages.is_empty() {
            true => "no stage was seen".to_owned(),
            false => format!("its stages were {stages}"),
        };
        let text = format!("the run ended before {} came; {stages}", never.join(", "));
        self.warn(
            Warning::new("fault_never_came", record::cut(text))
                .remedy("let the load last longer, or the fault come earlier"),
        );
        self.has_failed |= self.is_strict;
    }
}
