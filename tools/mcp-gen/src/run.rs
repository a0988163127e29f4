//! A run: targets come, servers are asked, workers make the load, the collector writes it down.

use crate::children::Children;
use crate::cli::Cli;
use crate::discover::{self, Asking, Found};
use crate::engine::{Command, Report};
use crate::intake::{self, Arrival};
use crate::load::Load;
use crate::metrics::{Metrics, Snapshot};
use crate::prepare::{self, Prepared, Wish};
use crate::start;
use crate::targets::{Allowed, Change, Targets};
use record::kind::{Event, Generator, Ready, Summary, Warning};
use record::{Ending, Pen, Say, clock, filter, signal};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// What the main thread is told.
enum Happening {
    Arrival(Arrival),
    ReaderLeft,
    Signal(i32),
    Stop,
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

/// A `ready` older than this belongs to a stream that is replayed.
const STALE_US: u64 = 60_000_000;

/// Workers are started this long before t0, so that they are there when it comes.
const START_EARLY_NS: u64 = 20_000_000;

/// So many warnings wait for a reader that does not read; more are dropped, and counted.
const MAX_UNWRITTEN: usize = 1_000;

/// What is said when a tool upstream has ended without a goodbye.
fn killed(tool: &str) -> String {
    format!(
        "{tool} upstream ended without its last word, as one does that was killed: its servers are gone with it, so the load was ended too; look for what killed it (memory? a signal 9?) and run again"
    )
}

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
        let start = cli.start_at.map(start::at).transpose()?;
        let reads_stdin = intake::reads_stdin(cli).map_err(|e| e.to_string())?;
        let stop = tell.clone();
        let serve = |at| Metrics::serve(at, move || drop(stop.send(Happening::Stop)));
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
        let tls = discover::tls_config(self.cli, self.targets.all()).map_err(Halt::Fatal)?;
        let children = self.open_children();
        let found = self.discover(tls.clone(), &children)?;
        let ready = match self.ready.clone() {
            Some(ready) => ready,
            // A slow server takes its time to say what it offers, and none of the load's.
            None => self.write_ready(start::now()),
        };
        let with = prepare::With { tls, children };
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

    /// Names the targets where nobody upstream has said `ready`, and takes t0 from whoever has put it anywhere.
    fn settle_start(&mut self) {
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

    /// Says so where upstream put t0, and the servers were still being asked when the load was to begin.
    fn tell_lateness(&mut self, load_start_ns: u64) {
        let late_ns = clock::mono_ns().saturating_sub(load_start_ns);
        if late_ns > 0 {
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

    /// Says where metrics are served, once there is a pen.
    fn announce(&self) {
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
    fn gather(&mut self) -> Result<(), Halt> {
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
    fn handle(&mut self, happening: Happening) -> Result<(), Halt> {
        match happening {
            Happening::Arrival(Arrival::Opened(pen)) => {
                self.pen = Some(pen);
                self.announce();
            }
            Happening::Arrival(Arrival::Target(target)) => {
                self.targets.put(*target);
            }
            Happening::Arrival(Arrival::Ready(ready)) => self.take_ready(*ready),
            Happening::Arrival(Arrival::Ended { read: Ok(()), .. }) => self.upstream_ended = true,
            Happening::Arrival(Arrival::Ended { read: Err(e), .. }) => {
                return Err(Halt::Fatal(format!("cannot read stdin: {e}")));
            }
            Happening::ReaderLeft => return Err(Halt::ReaderLeft),
            Happening::Signal(s) => return Err(Halt::Signal(s)),
            Happening::Event(event) => self.happened(event),
            Happening::Note(text) => self.say.note(&text),
            Happening::Stop => return Err(Halt::Stopped),
            Happening::Found(_) | Happening::Report(_) => {}
        }
        Ok(())
    }

    fn take_ready(&mut self, ready: Ready) {
        let (unix_us, mono_us) = (clock::unix_us(), clock::mono_us());
        let mut ahead_us = ready.t0_us.saturating_sub(unix_us);
        let age_us = if ready.boot_id == clock::boot_id() {
            ahead_us = ahead_us.max(ready.t0_mono_us.saturating_sub(mono_us));
            mono_us.saturating_sub(ready.t0_mono_us)
        } else {
            unix_us.saturating_sub(ready.t0_us)
        };
        if self.ready.is_some() {
            self.warn(Warning::new(
                "second_ready",
                "a second ready record came; t0 stays where the first one put it",
            ));
        } else if age_us > STALE_US {
            self.warn(Warning::new(
                "old_ready",
                format!(
                    "a ready record is {} s old, as in a file that is replayed; it does not count",
                    age_us / 1_000_000
                ),
            ));
        } else if ahead_us > STALE_US {
            self.warn(Warning::new(
                "future_ready",
                format!(
                    "a ready record lies {} s in the future, and ready means now; it does not count",
                    ahead_us / 1_000_000
                ),
            ));
        } else {
            self.ready = Some(ready);
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
    fn write_ready(&self, ready: Ready) -> Ready {
        if let Some(pen) = &self.pen {
            pen.write(ready.clone());
        }
        ready
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

    /// Makes the load, and tells at the end what became of it.
    fn load(&mut self, prepared: &Prepared) -> Result<(), Halt> {
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
        let mut halt = None;
        while load.is_running() {
            match self.told.recv_timeout(Duration::from_millis(100)) {
                Err(RecvTimeoutError::Timeout) => load.show(),
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(Happening::Report(Report::Warning(warning))) => self.warn(warning),
                Ok(Happening::Report(report)) => {
                    if let Report::Died { .. } = report {
                        halt.get_or_insert(Halt::Fatal("a worker thread broke down, which is a defect of mcp-gen: please report what stands above on stderr".to_owned()));
                        load.order_end(|| Command::Stop);
                    }
                    load.take(report);
                    for note in load.notes() {
                        self.say.note(&note);
                    }
                }
                Ok(Happening::Arrival(Arrival::Target(target))) => {
                    if let Err(text) = prepared.usable(&target) {
                        self.warn(Warning::new(
                            "bad_target",
                            format!("{text}; it is not called"),
                        ));
                    }
                    if self.targets.put(*target) == Change::Changed {
                        load.rehome(prepared.rehome(&self.targets));
                    }
                }
                // Upstream may break while the load goes on: its targets are known. What was killed there has taken its
                // servers with it, and to call those until the end would keep the whole pipe for nothing.
                Ok(Happening::Arrival(Arrival::Ended { silent, .. })) => {
                    self.upstream_ended = true;
                    if let (Some(tool), None) = (silent, &halt) {
                        load.order_end(|| Command::Drain);
                        halt = Some(Halt::Fatal(killed(&tool)));
                    }
                }
                Ok(other) => {
                    let Err(early) = self.handle(other) else {
                        continue;
                    };
                    match &early {
                        Halt::Signal(_) | Halt::Stopped => {
                            self.say.note("no more calls are started; those in flight may finish (again to end at once)");
                            load.order_end(|| Command::Drain);
                        }
                        Halt::ReaderLeft | Halt::Fatal(_) => load.order_end(|| Command::Stop),
                    }
                    match halt {
                        // A signal is to reach the shell, whoever asked before.
                        Some(Halt::Stopped) | None => halt = Some(early),
                        Some(_) => {}
                    }
                }
            }
        }
        let late = load.late(self.wish.clients);
        for warning in late.into_iter().chain(load.slow_tools(&self.cli.tool)) {
            self.warn(warning);
        }
        if let Some(hunt) = load.hunt() {
            if hunt.is_generators_limit() {
                self.warn(
                    Warning::new("generator_limit", "the search for the knee ended since the generator itself was late twice: the server may do more")
                        .remedy("raise --threads, or give the generator cores of its own"),
                );
            }
            self.say.note(&hunt.sentence());
        }
        self.write_waiting();
        load.summarize();
        self.is_summed_up = true;
        halt.map_or(Ok(()), Err)
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

    /// A signal that comes within a moment.
    fn signal_soon(&self) -> Option<i32> {
        let until = std::time::Instant::now() + filter::SIGNAL_GRACE;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match self.told.recv_timeout(left) {
                Ok(Happening::Signal(signal)) => return Some(signal),
                Ok(_) => {}
                Err(_) => return None,
            }
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

    /// Says the last word and how the process is to end.
    fn end(mut self, halt: Option<Halt>) -> Ending {
        if let Some(Err(text)) = self.children.take().map(|children| children.end()) {
            self.warn(Warning::new("undoing", text));
        }
        self.write_waiting();
        if let Some(Halt::Signal(_) | Halt::Stopped) = &halt {
            self.sum_up_nothing();
        }
        let (why, ending) = match &halt {
            None => ("done", Ending::Exit(0)),
            Some(Halt::ReaderLeft) => (
                "reader_left",
                filter::after_the_reader(None, || self.signal_soon()),
            ),
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
}
