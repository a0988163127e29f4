//! While the load runs: what the main thread hears meanwhile, and what it makes of it.

use super::{Halt, Happening, Run};
use crate::authorization;
use crate::engine::{Command, Report};
use crate::intake::Arrival;
use crate::load::Load;
use crate::metrics::{Demand, Metrics};
use crate::prepare::Prepared;
use crate::targets::Change;
use record::kind::{Target, Warning};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// What is said when a tool upstream has ended without a goodbye.
pub(super) fn killed(tool: &str) -> String {
    format!(
        "{tool} upstream ended without its last word, as one does that was killed: its servers are gone with it, so the load was ended too; look for what killed it (memory? a signal 9?) and run again"
    )
}

/// What is said when a worker has panicked.
const BROKEN: &str = "a worker thread broke down, which is a defect of mcp-gen: please report what stands above on stderr";

impl Run<'_> {
    /// Makes the load, and tells at the end what became of it.
    pub(super) fn load(&mut self, prepared: &Prepared) -> Result<(), Halt> {
        let Some(pen) = self.pen.clone() else {
            return Ok(());
        };
        let tell = self.tell.clone();
        let board = self.metrics.as_ref().map(Metrics::board);
        let mut load = Load::start(prepared, &pen, self.say, board, move |report| {
            drop(tell.send(Happening::Report(report)));
        })
        .map_err(|e| Halt::Fatal(format!("cannot start the workers: {e}")))?;
        if self.targets.all().len() > prepared.homes.len() || self.start.is_some() {
            // These came, or changed, while the first ones were asked, or while we waited for t0.
            load.rehome(prepared.rehome(&self.targets));
        }
        if *prepared.plan.headers != self.wish.headers {
            // A token was renewed meanwhile.
            load.take_headers(&self.wish.headers);
        }
        let mut halt = None;
        while load.is_running() {
            match self.told.recv_timeout(Duration::from_millis(100)) {
                Err(RecvTimeoutError::Timeout) => load.show(),
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(happening) => self.steer(prepared, &mut load, &mut halt, happening),
            }
        }
        self.tell_of(&mut load);
        let audit = self.audit(&mut load, &mut halt);
        self.write_waiting();
        load.summarize(audit);
        self.is_summed_up = true;
        halt.map_or(Ok(()), Err)
    }

    /// One thing has happened while the load runs; `halt` is why the run ends before its time, once it does.
    fn steer(
        &mut self,
        prepared: &Prepared,
        load: &mut Load<'_>,
        halt: &mut Option<Halt>,
        happening: Happening,
    ) {
        match happening {
            Happening::Report(Report::Warning(warning)) => self.warn(warning),
            Happening::Report(report) => {
                if let Report::Died { .. } | Report::AbuseOver { died: true } = report {
                    halt.get_or_insert(Halt::Fatal(BROKEN.to_owned()));
                    load.order_end(Command::Stop);
                }
                load.take(report);
                load.notes().iter().for_each(|note| self.say.note(note));
                load.lateness().into_iter().for_each(|w| self.warn(w));
            }
            Happening::Token(Ok(token)) => {
                authorization::put(&mut self.wish.headers, &token);
                load.take_headers(&self.wish.headers);
            }
            Happening::Demand(Demand::Steer(order, answer)) => {
                // Who asked may have gone meanwhile.
                let _ = answer.try_send(load.steer(order));
                load.happened().into_iter().for_each(|e| self.happened(e));
            }
            Happening::Arrival(Arrival::Target(target)) => self.retarget(prepared, load, *target),
            // Upstream may break while the load goes on: its targets are known. What was killed there has taken its
            // servers with it, and to call those until the end would keep the whole pipe for nothing.
            Happening::Arrival(Arrival::Ended { silent, .. }) => {
                self.upstream_ended = true;
                if let (Some(tool), None) = (silent, &halt) {
                    load.order_end(Command::Drain);
                    *halt = Some(Halt::Fatal(killed(&tool)));
                }
            }
            other => {
                if let Err(early) = self.handle(other) {
                    self.call_off(load, halt, early);
                }
            }
        }
    }

    /// A target has come, changed or gone.
    fn retarget(&mut self, prepared: &Prepared, load: &mut Load<'_>, target: Target) {
        if let Err(text) = prepared.usable(&target) {
            let text = format!("{text}; it is not called");
            self.warn(Warning::new("bad_target", text));
        }
        if self.targets.put(target) == Change::Changed {
            load.rehome(prepared.rehome(&self.targets));
        }
    }

    /// Ends the load before its time.
    fn call_off(&self, load: &mut Load<'_>, halt: &mut Option<Halt>, early: Halt) {
        match &early {
            Halt::Signal(_) | Halt::Stopped => {
                self.say.note(
                    "no more calls are started; those in flight may finish (again to end at once)",
                );
                load.order_end(Command::Drain);
            }
            Halt::ReaderLeft | Halt::Fatal(_) => load.order_end(Command::Stop),
        }
        match halt {
            // A signal is to reach the shell, whoever asked before.
            Some(Halt::Stopped) | None => *halt = Some(early),
            Some(_) => {}
        }
    }

    /// What only the whole of a load shows.
    fn tell_of(&mut self, load: &mut Load<'_>) {
        let late = load.late(self.wish.clients + self.wish.idle.clients);
        let slow = load.slow_tools(&self.cli.tool);
        for warning in late.into_iter().chain(load.lateness_of_all()).chain(slow) {
            self.warn(warning);
        }
        let Some(hunt) = load.hunt() else {
            return;
        };
        if hunt.is_generators_limit() {
            self.warn(
                Warning::new("generator_limit", "the search for the knee ended since the generator itself was late twice: the server may do more")
                    .remedy("raise --threads, or give the generator cores of its own"),
            );
        }
        if hunt.is_cut_off() {
            self.warn(
                Warning::new("unreachable", "the search for the knee ended since no client could connect any more for 3 s: the server died, or the network to it")
                    .remedy("look for what ended the server, and search again"),
            );
        }
        self.say.note(&hunt.sentence());
    }
}
