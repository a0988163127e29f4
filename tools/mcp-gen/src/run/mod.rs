//! A run: targets come, servers are asked, workers make the load, the collector writes it down.

mod auditing;
mod farewell;
mod gathering;
mod steering;

use crate::authorization;
use crate::children::Children;
use crate::cli::Cli;
use crate::discover::{self, Asking, Found};
use crate::engine::Report;
use crate::env;
use crate::intake::{self, Arrival};
use crate::metrics::{Demand, Metrics};
use crate::prepare;
use crate::source;
use crate::start;
use crate::targets::{Allowed, Targets};
use crate::wish::Wish;
use protocol::client::TokenError;
use record::kind::{Event, Ready, Warning};
use record::{Ending, Pen, Say, clock, signal};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// What the main thread is told.
enum Happening {
    Arrival(Arrival),
    ReaderLeft,
    Signal(i32),
    /// A token was fetched, or could not be.
    Token(Result<String, TokenError>),
    /// Somebody wants something over HTTP.
    Demand(Demand),
    Found(Vec<Found>),
    Report(Report),
    /// A child has ended unasked.
    Event(Event),
    /// The undoing has something to say to people.
    Note(String),
}

/// Why a run ends before its time.
enum Halt {
    /// With this sentence, and status 2.
    Fatal(String),
    /// The user has sent a signal.
    Signal(i32),
    /// Who was allowed to has asked for it over HTTP.
    Stopped,
    /// Nobody reads any more.
    ReaderLeft,
}

/// Workers are started this long before t0, so that they are there when it comes.
const START_EARLY_NS: u64 = 20_000_000;

/// So many warnings wait for a reader that does not read; more are dropped, and counted.
const MAX_UNWRITTEN: usize = 1_000;

/// Lateness below this is no news: with `--connect-for 0s` the load begins with `ready`, and a plan takes its moment.
const MOMENT_NS: u64 = 100_000_000;

/// Runs mcp-gen to its end.
pub fn run(cli: &Cli, say: &Say) -> Ending {
    let (tell, told) = mpsc::channel();
    let on_signal = tell.clone();
    if let Err(e) = signal::watch_first(move |s| drop(on_signal.send(Happening::Signal(s)))) {
        say.error(&format!("cannot watch signals: {e}"));
        return Ending::Exit(2);
    }
    let mut run = match Run::open(cli, say, tell, told) {
        Ok(run) => run,
        Err(text) => {
            say.error(&text);
            return Ending::Exit(2);
        }
    };
    let halt = run.live().err();
    run.end(halt)
}

struct Run<'a> {
    cli: &'a Cli,
    say: &'a Say,
    wish: Wish,
    tell: Sender<Happening>,
    told: Receiver<Happening>,
    pen: Option<Pen>,
    /// Servers that are our own children, from when the run has its name.
    children: Option<Arc<Children>>,
    targets: Targets,
    /// What --start-at says.
    start: Option<Ready>,
    ready: Option<Ready>,
    upstream_ended: bool,
    /// Where tokens come from, as long as none was asked for.
    tokens: Option<authorization::Source>,
    /// Where what the run comes to can be seen meanwhile.
    metrics: Option<Metrics>,
    /// Warnings that the pen had no room for.
    unwritten: Vec<Warning>,
    /// Whether the final summary stands in the stream.
    is_summed_up: bool,
}

impl<'a> Run<'a> {
    fn open(
        cli: &'a Cli,
        say: &'a Say,
        tell: Sender<Happening>,
        told: Receiver<Happening>,
    ) -> Result<Self, String> {
        let wish = Wish::of(cli)?;
        source::check(&cli.source_address.concat())?;
        let tokens = authorization::Source::of(cli)?;
        let start = cli.start_at.map(start::at).transpose()?;
        let reads_stdin = intake::reads_stdin(cli).map_err(|e| e.to_string())?;
        let asked = tell.clone();
        let token = env::metrics_token(cli)?;
        let serve = |at| Metrics::serve(at, token, move |d| drop(asked.send(Happening::Demand(d))));
        let metrics = cli.metrics_addr.map(serve).transpose()?;
        let gone = tell.clone();
        let on_gone = move || drop(gone.send(Happening::ReaderLeft));
        let mut pen = None;
        if reads_stdin {
            let arrived = tell.clone();
            intake::read(wish.seed, on_gone, move |a| {
                drop(arrived.send(Happening::Arrival(a)))
            });
        } else {
            pen = Some(intake::open_pen(None, wish.seed, on_gone));
        }
        let targets = Targets::from_urls(&cli.url);
        Ok(Self {
            cli,
            say,
            wish,
            tell,
            told,
            pen,
            children: None,
            targets,
            start,
            ready: None,
            upstream_ended: !reads_stdin,
            tokens,
            metrics,
            unwritten: Vec::new(),
            is_summed_up: false,
        })
    }

    /// All of it; an error ends it early.
    fn live(&mut self) -> Result<(), Halt> {
        self.announce();
        self.gather()?;
        self.settle_start();
        self.authorize()?;
        let tls = discover::tls_config(self.cli, self.targets.all()).map_err(Halt::Fatal)?;
        let children = self.open_children();
        let found = self.discover(tls.clone(), &children)?;
        let ready = match self.ready.clone() {
            Some(ready) => ready,
            // A slow server takes its time to say what it offers, and none of the load's.
            None => self.write_ready(Ready::now()),
        };
        let with = prepare::With {
            tls,
            children,
            audit: self.audit_order(),
        };
        let prepared = prepare::prepare(self.cli, &self.wish, &self.targets, &found, with, &ready)
            .map_err(Halt::Fatal)?;
        for warning in &prepared.warnings {
            self.warn(warning.clone());
        }
        if self.start.is_some() {
            self.wait_until(prepared.plan.stages.all()[0].start_ns)?;
        } else {
            self.tell_lateness(prepared.plan.stages.load_start_ns());
        }
        self.load(&prepared)
    }

    /// Says so where upstream put t0, and the servers were still being asked when the load was to begin.
    fn tell_lateness(&mut self, load_start_ns: u64) {
        let late_ns = clock::mono_ns().saturating_sub(load_start_ns);
        if late_ns > MOMENT_NS {
            self.warn(
                Warning::new(
                    "late_start",
                    format!(
                        "the servers had answered what they offer only {:.1} s after the load was to begin: what was due until then is late, or was not made and counts as shed",
                        late_ns as f64 / 1e9
                    ),
                )
                .remedy("begin it later, with a longer --connect-for"),
            );
        }
    }

    /// Waits for t0, which --start-at has put into the future.
    fn wait_until(&mut self, t0_ns: u64) -> Result<(), Halt> {
        match t0_ns.checked_sub(clock::mono_ns()) {
            Some(left) => self
                .say
                .note(&format!("starts in {:.1} s", left as f64 / 1e9)),
            None => self.warn(
                Warning::new(
                    "start_at",
                    "--start-at had come before the servers had answered what they offer: this generator starts late",
                )
                .remedy("put it further into the future"),
            ),
        }
        while let Some(left) = t0_ns.checked_sub(clock::mono_ns() + START_EARLY_NS) {
            match self.told.recv_timeout(Duration::from_nanos(left)) {
                Ok(happening) => self.handle(happening)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(())
    }

    /// Makes room for children: they carry the name of the run.
    fn open_children(&mut self) -> Arc<Children> {
        let (run, from) = match &self.pen {
            Some(pen) => (pen.identity().run.as_str(), pen.identity().from.as_str()),
            None => ("", "mcp-gen"),
        };
        let (tell, note) = (self.tell.clone(), self.tell.clone());
        let children = Children::new(
            run,
            from,
            move |event| drop(tell.send(Happening::Event(event))),
            move |text| drop(note.send(Happening::Note(text.to_owned()))),
        );
        Arc::clone(self.children.insert(children))
    }

    /// Asks all servers, while signals and targets still count.
    fn discover(
        &mut self,
        tls: Option<Arc<rustls::ClientConfig>>,
        children: &Arc<Children>,
    ) -> Result<Vec<Found>, Halt> {
        let asking = Asking {
            options: prepare::options(self.cli, &self.wish, tls),
            allowed: Allowed::by(self.cli),
            children: Arc::clone(children),
        };
        let (targets, tell) = (self.targets.all().to_vec(), self.tell.clone());
        std::thread::spawn(move || {
            drop(tell.send(Happening::Found(discover::all(&targets, &asking))))
        });
        loop {
            match self.told.recv() {
                Ok(Happening::Found(found)) => return Ok(found),
                Ok(other) => self.handle(other)?,
                Err(_) => return Err(Halt::Fatal("discovery died".to_owned())),
            }
        }
    }

    /// Something happened to a server of ours.
    fn happened(&self, event: Event) {
        self.say.note(event.text.as_deref().unwrap_or(&event.event));
        if let Some(pen) = &self.pen
            && pen.offer(event).is_err()
        {
            pen.count_dropped(1);
        }
    }

    fn warn(&mut self, warning: Warning) {
        let remedy = warning
            .remedy
            .as_ref()
            .map(|r| format!(" ({r})"))
            .unwrap_or_default();
        self.say.note(&format!("{}{remedy}", warning.text));
        if let Some(pen) = &self.pen
            && pen.offer(warning.clone()).is_err()
        {
            // Nobody reads at the moment. Were we to wait, what the workers report would pile up behind us.
            match self.unwritten.len() {
                0..MAX_UNWRITTEN => self.unwritten.push(warning),
                _ => pen.count_dropped(1),
            }
        }
    }

    /// Writes the warnings that had to wait; nothing is to be missed meanwhile any more.
    fn write_waiting(&mut self) {
        if let Some(pen) = &self.pen {
            self.unwritten.drain(..).for_each(|w| pen.write(w));
        }
    }
}
