//! What comes before the load: targets and t0, from upstream or the command line.

use super::steering::killed;
use super::{Halt, Happening, Run};
use crate::authorization;
use crate::intake::{self, Arrival};
use crate::metrics::{Demand, Snapshot};
use crate::steer::Refusal;
use record::kind::{Ready, Warning};

impl Run<'_> {
    /// Says where metrics are served, once there is a pen.
    pub(super) fn announce(&self) {
        let (Some(metrics), Some(pen)) = (&self.metrics, &self.pen) else {
            return;
        };
        metrics.board().put(Snapshot {
            run: Some(pen.identity().run.clone()),
            ..Snapshot::default()
        });
        let event = metrics.event();
        self.say.note(event.text.as_deref().unwrap_or_default());
        pen.write(event);
    }

    /// Waits until the targets are complete.
    pub(super) fn gather(&mut self) -> Result<(), Halt> {
        if intake::ignores_a_pipe(self.cli) {
            self.warn(
                Warning::new(
                    "stdin_ignored",
                    "a pipe stands at stdin, and with --url or TARGET_SERVERS it is not read",
                )
                .remedy("add - to read it too"),
            );
        }
        while self.ready.is_none() && !self.upstream_ended {
            let happening = self
                .told
                .recv()
                .map_err(|_| Halt::Fatal("the reader of stdin died".to_owned()))?;
            self.handle(happening)?;
        }
        if self.targets.has_live() {
            return Ok(());
        }
        Err(Halt::Fatal("no target came on stdin: what stands upstream must write target records, as mcp-deploy does unless it fails; or give --url".to_owned()))
    }

    /// Deals with what may come at any time.
    pub(super) fn handle(&mut self, happening: Happening) -> Result<(), Halt> {
        match happening {
            Happening::Arrival(Arrival::Opened(pen)) => {
                self.pen = Some(pen);
                self.announce();
            }
            Happening::Arrival(Arrival::Target(target)) => {
                self.targets.put(*target);
            }
            Happening::Arrival(Arrival::Ready(ready)) => self.take_ready(*ready),
            Happening::Arrival(Arrival::Ended {
                read: Ok(()),
                silent,
            }) => {
                self.upstream_ended = true;
                // Not where a recorded stream is played again: its `ready` is old, and does not count.
                if let (Some(tool), Some(_)) = (silent, &self.ready) {
                    return Err(Halt::Fatal(killed(&tool)));
                }
            }
            Happening::Arrival(Arrival::Ended { read: Err(e), .. }) => {
                return Err(Halt::Fatal(format!("cannot read stdin: {e}")));
            }
            Happening::ReaderLeft => return Err(Halt::ReaderLeft),
            Happening::Signal(s) => return Err(Halt::Signal(s)),
            Happening::Event(event) => self.happened(event),
            Happening::Note(text) => self.say.note(&text),
            Happening::Demand(Demand::Stop) => return Err(Halt::Stopped),
            Happening::Demand(Demand::Steer(_, answer)) => {
                // Who asked may have gone meanwhile.
                let _ = answer.try_send(Err(Refusal::not_yet()));
            }
            Happening::Token(Ok(token)) => authorization::put(&mut self.wish.headers, &token),
            Happening::Token(Err(e)) => self.warn(
                Warning::new(
                    "token_not_renewed",
                    format!("{e}; the one that there is goes on being sent"),
                )
                .remedy("it is tried again every few seconds"),
            ),
            Happening::Found(_) | Happening::Report(_) => {}
        }
        Ok(())
    }

    /// Waits for the first token, where tokens are wanted; those that follow come by themselves.
    pub(super) fn authorize(&mut self) -> Result<(), Halt> {
        let Some(tokens) = self.tokens.take() else {
            return Ok(());
        };
        let tell = self.tell.clone();
        tokens.keep(move |token| tell.send(Happening::Token(token)).is_ok());
        loop {
            match self.told.recv() {
                Ok(Happening::Token(Err(e))) => return Err(Halt::Fatal(e.to_string())),
                Ok(Happening::Token(Ok(token))) => {
                    authorization::put(&mut self.wish.headers, &token);
                    return Ok(());
                }
                Ok(other) => self.handle(other)?,
                Err(_) => return Err(Halt::Fatal("who fetches tokens died".to_owned())),
            }
        }
    }

    fn take_ready(&mut self, ready: Ready) {
        match ready.check(self.ready.is_some()) {
            Ok(()) => self.ready = Some(ready),
            Err(warning) => self.warn(*warning),
        }
    }

    /// Names the targets where nobody upstream has said `ready`, and takes t0 from whoever has put it anywhere.
    pub(super) fn settle_start(&mut self) {
        let start = self.start.clone();
        match (&self.ready, start) {
            (None, start) => {
                self.write_targets();
                self.ready = start.map(|start| self.write_ready(start));
            }
            (Some(ready), Some(start)) if start.t0_us != ready.t0_us => {
                self.warn(Warning::new("start_at", "a ready record came, and --start-at puts t0 elsewhere: what stands upstream counts from its own"));
                self.ready = Some(start);
            }
            (Some(_), _) => {}
        }
    }

    /// Names the targets of the command line.
    fn write_targets(&self) {
        let Some(pen) = &self.pen else {
            return;
        };
        for target in self.targets.typed() {
            pen.write(record::kind::Target {
                url: record::redact::url(&target.url),
                ..target.clone()
            });
        }
    }

    /// Nobody upstream has said `ready`: says it.
    pub(super) fn write_ready(&self, ready: Ready) -> Ready {
        if let Some(pen) = &self.pen {
            pen.write(ready.clone());
        }
        ready
    }
}
