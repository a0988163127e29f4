//! The end of a run: what is undone, summed up and said last, and how the process leaves.

use super::{Halt, Run};
use record::kind::{Generator, Summary, Warning};
use record::{Ending, clock, filter, signal};

impl Run<'_> {
    /// Says the last word and how the process is to end.
    pub(super) fn end(mut self, halt: Option<Halt>) -> Ending {
        if let Some(Err(text)) = self.children.take().map(|children| children.end()) {
            self.warn(Warning::new("undoing", text));
        }
        self.write_waiting();
        if let Some(Halt::Signal(_) | Halt::Stopped) = &halt {
            self.sum_up_nothing();
        }
        let (why, ending) = match &halt {
            None => ("done", Ending::Exit(0)),
            Some(Halt::ReaderLeft) => ("reader_left", filter::after_the_reader()),
            Some(Halt::Stopped) => ("stopped", Ending::Exit(0)),
            Some(Halt::Signal(signal)) => ("interrupted", Ending::Signal(*signal)),
            Some(Halt::Fatal(text)) => {
                self.say.error(text);
                if let Some(pen) = &self.pen {
                    pen.write(Warning::new("fatal", text.clone()));
                }
                ("failed", Ending::Exit(2))
            }
        };
        let status = match ending {
            Ending::Exit(status) => status,
            Ending::Signal(signal) => signal::exit_status(signal),
        };
        match self.pen.map(|pen| pen.close(why, status)) {
            Some(Err(e)) => {
                self.say.error(&format!("cannot write stdout: {e}"));
                Ending::Exit(2)
            }
            _ => ending,
        }
    }

    /// Sums up a load that was called off before it began: a stream without a final summary would count as torn.
    fn sum_up_nothing(&self) {
        if let Some(pen) = self.pen.as_ref().filter(|_| !self.is_summed_up) {
            pen.write(Summary {
                is_final: true,
                start_us: clock::unix_us(),
                generator: Some(Generator {
                    model: self.wish.pacer.model().to_owned(),
                    arrivals: self.wish.pacer.arrivals().map(|a| a.name().to_owned()),
                    clients: u64::from(self.wish.clients),
                    threads: self.wish.threads,
                    ..Generator::default()
                }),
                ..Summary::default()
            });
        }
    }
}
