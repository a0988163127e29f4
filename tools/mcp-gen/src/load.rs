//! The load while it is being made: workers report, the collector writes, the main thread gives orders.

use crate::abuse::{Crew, Ledger};
use crate::audit::{Auditor, Noted};
use crate::authorization::Headers;
use crate::collect::Collector;
use crate::engine::{Command, Health, Report, Waker, Worker, memory};
use crate::generator::Reading;
use crate::home::{Homes, live};
use crate::knee::Hunt;
use crate::metrics::{Board, Publisher};
use crate::prepare::Prepared;
use crate::progress::Progress;
use crate::rows;
use crate::seats::Seats;
use crate::slow;
use crate::stages::Stages;
use crate::steer::{self, Order, Refusal, Steering, Turn};
use crate::tally::Cell;
use record::kind::{Audit, Event, Generator, Summary, Warning};
use record::{Pen, Say, clock};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

/// A load that is being made.
pub struct Load<'a> {
    prepared: &'a Prepared,
    homes: Homes,
    seats: Seats,
    pen: Pen,
    workers: Vec<Handle>,
    running: usize,
    /// Who behaves badly beside the load, as long as that goes on.
    crew: Option<Crew>,
    ledger: Ledger,
    collector: Collector,
    progress: Progress,
    health: Health,
    late: u64,
    begin: Reading,
    /// When the user has ended it before its time.
    until_ns: u64,
    /// The search for a knee.
    hunt: Option<Hunt>,
    /// What was ordered over HTTP.
    steering: Steering,
    happened: Vec<Event>,
    /// What people are to be told.
    notes: Vec<String>,
    /// How each call ended, where the run is audited.
    noted: Vec<Noted>,
}

/// New stages begin this long after workers were told of them: by then all of them have heard.
const NOTICE_NS: u64 = 250_000_000;

/// The main thread's end of a worker.
struct Handle {
    orders: Sender<Command>,
    waker: Waker,
}

impl<'a> Load<'a> {
    /// Starts the workers. What they report is to be given to [`Self::take`]; what it comes to is put up on the board.
    ///
    /// # Errors
    /// The kernel refused a thread, epoll or a timer.
    pub fn start(
        prepared: &'a Prepared,
        pen: &Pen,
        say: &Say,
        board: Option<Arc<Board>>,
        report: impl Fn(Report) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let plan = &prepared.plan;
        let workers = (0..plan.threads as usize)
            .map(|number| {
                let (orders, ordered) = mpsc::channel();
                let homes = Arc::clone(&prepared.homes);
                let worker = Worker::new(number, Arc::clone(plan), homes, ordered, report.clone())?;
                let waker = worker.waker();
                let thread = std::thread::Builder::new().name(format!("worker-{number}"));
                let died = report.clone();
                thread.spawn(move || {
                    // Who waits for its word would wait for ever.
                    if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
                        died(Report::Died { worker: number });
                    }
                })?;
                Ok(Handle { orders, waker })
            })
            .collect::<io::Result<Vec<_>>>()?;
        let crew = Crew::start(plan, &prepared.homes, report)?;
        let publisher = board.map(|board| Publisher::new(board, plan));
        let collector = Collector::new(Arc::clone(plan), &prepared.homes, publisher);
        collector.begin(pen);
        let t0_ns = plan.stages.all()[0].start_ns;
        Ok(Self {
            prepared,
            homes: Arc::clone(&prepared.homes),
            seats: Seats::new(
                plan.carriers.unwrap_or_else(|| plan.everybody()) as usize,
                &live(&prepared.homes),
                plan.seed,
            ),
            pen: pen.clone(),
            running: workers.len(),
            crew,
            ledger: Ledger::default(),
            workers,
            collector,
            progress: Progress::new(say, t0_ns, plan.stages.load_end_ns()),
            health: Health::default(),
            late: 0,
            begin: Reading::now(),
            until_ns: u64::MAX,
            hunt: plan.knee.clone().map(Hunt::new),
            steering: Steering::new(plan),
            happened: Vec::new(),
            notes: Vec::new(),
            noted: Vec::new(),
        })
    }

    /// Whether workers are still at it.
    pub fn is_running(&self) -> bool {
        self.running > 0 || self.crew.is_some()
    }

    /// Shows how far it is.
    pub fn show(&self) {
        let stages = self.collector.stages();
        let now = clock::mono_ns();
        self.progress
            .show(&stages.all()[stages.at(now)].name, &self.collector.latest);
    }

    /// Takes in what a worker reports.
    pub fn take(&mut self, report: Report) {
        match report {
            Report::Interval {
                worker,
                start_ns,
                end_ns,
                rows,
            } => {
                self.collector
                    .interval(worker, start_ns, end_ns, rows, &self.pen);
                memory::give_back();
                self.search();
                self.show();
            }
            Report::Calls(calls) => {
                for call in calls {
                    if self.pen.offer(call).is_err() {
                        self.pen.count_dropped(1);
                    }
                }
            }
            Report::Abuse(rows) => self.ledger.take(rows, &self.pen),
            Report::AbuseOver { .. } => self.crew = None,
            Report::Late(n) => self.late += n,
            Report::Noted(noted) => self.noted.push(noted),
            Report::Warning(warning) => self.pen.write(warning),
            Report::Died { worker } => {
                self.collector.done(worker, &self.pen);
                self.running -= 1;
            }
            Report::Done { worker, health } => {
                self.collector.done(worker, &self.pen);
                self.health.add(&health);
                self.running -= 1;
            }
        }
    }

    /// Goes on with the search for a knee, where a step of it is over.
    fn search(&mut self) {
        if self.until_ns != u64::MAX {
            return;
        }
        let Some((next, note)) = self.hunt.as_mut().and_then(|h| h.look(&self.collector)) else {
            return;
        };
        self.notes.push(note);
        let at_ns = clock::mono_ns() + NOTICE_NS;
        self.go_on(self.collector.stages().extended(at_ns, next));
    }

    /// Goes on with other stages from a moment on that workers have notice of.
    fn go_on(&mut self, stages: Stages) {
        let stages = Arc::new(stages);
        let course = Arc::new(stages.course());
        self.collector.set_stages(Arc::clone(&stages));
        self.progress.lengthen(stages.load_end_ns());
        self.order(|| Command::Stages(Arc::clone(&stages), Arc::clone(&course)));
    }

    /// Pauses the load, resumes it or gives it another rate, and tells what it turns to.
    ///
    /// # Errors
    /// That makes no sense for this load, or at this time.
    pub fn steer(&mut self, order: Order) -> Result<Turn, Refusal> {
        let at_ns = if self.until_ns == u64::MAX {
            clock::mono_ns() + NOTICE_NS
        } else {
            u64::MAX
        };
        let changed = self.steering.take(order, self.collector.stages(), at_ns)?;
        if let Some(stages) = changed {
            self.go_on(stages);
            let (event, text) = order.told();
            let event = Event {
                event: event.to_owned(),
                text: Some(text),
                ..Event::default()
            };
            self.happened.push(event);
        }
        let stages = self.collector.stages();
        let stage = &stages.all()[stages.at(at_ns.max(stages.load_start_ns()))];
        Ok(Turn {
            stage: stage.name.clone(),
            begins_us: self.prepared.plan.unix_us(stage.start_ns),
            asked_per_s: stage.ask.per_s.map(|r| r.from),
            paused: steer::is_pause(stage),
        })
    }

    /// What has happened to the load by now.
    pub fn happened(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.happened)
    }

    /// What people are to be told by now.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// What is to be said by now of a generator that does not keep up.
    pub fn lateness(&mut self) -> Option<Warning> {
        self.collector.lateness.tell()
    }

    /// The same of the whole load. A search says itself at which step it was late.
    pub fn lateness_of_all(&mut self) -> Option<Warning> {
        if self.hunt.is_none() {
            let mut sum = Cell::default();
            for (label, cell) in self.collector.by_label() {
                if !self.prepared.plan.labels.is_connect(label) {
                    sum.add(&cell, false);
                }
            }
            self.collector.lateness.look_at_all(&sum);
        }
        self.lateness()
    }

    /// The search for a knee, where there is one.
    pub fn hunt(&self) -> Option<&Hunt> {
        self.hunt.as_ref()
    }

    /// What is added to each request has changed.
    pub fn take_headers(&self, headers: &Headers) {
        let headers = Arc::new(headers.clone());
        self.order(|| Command::Headers(Arc::clone(&headers)));
    }

    /// The servers have changed.
    pub fn rehome(&mut self, homes: Homes) {
        self.collector.name(&homes);
        self.homes = homes;
        self.seats.rearrange(&live(&self.homes));
        self.order(|| Command::Homes(Arc::clone(&self.homes), self.seats.now()));
    }

    /// Ends it before its time: the drain begins now.
    pub fn order_end(&mut self, command: impl Fn(Arc<Stages>) -> Command) {
        let stages = self.collector.stages();
        let now = clock::mono_ns();
        if self.until_ns == u64::MAX
            && (stages.load_start_ns()..stages.load_end_ns()).contains(&now)
        {
            let stages = stages.extended(now, Vec::new());
            self.collector.set_stages(Arc::new(stages));
        }
        self.until_ns = self.until_ns.min(now);
        let stages = self.collector.stages();
        self.order(|| command(Arc::clone(stages)));
    }

    fn order(&self, command: impl Fn() -> Command) {
        for worker in &self.workers {
            let _ = worker.orders.send(command());
            worker.waker.wake();
        }
        if let Some(crew) = &self.crew {
            crew.order(command());
        }
    }

    /// What is to be said when some of the clients were not connected in time.
    pub fn late(&self, clients: u32) -> Option<Warning> {
        let text = format!(
            "{} of {clients} clients were not connected when the load began; their calls wait until they are, or fail",
            self.late
        );
        (self.late > 0).then(|| {
            Warning::new("late_client", text)
                .remedy("if the server only needs longer, give them more time with --connect-for")
        })
    }

    /// What is to be said of tools that nobody named and that hold everything up.
    pub fn slow_tools(&self, named: &[String]) -> Vec<Warning> {
        slow::warnings(
            &self.collector.by_label(),
            &self.prepared.plan.labels,
            named,
        )
    }

    /// Who finds out which calls were executed, where that was asked for; once all workers are done.
    pub fn auditor(&mut self) -> Option<Auditor> {
        let order = self.prepared.plan.audit.clone()?;
        let noted = std::mem::take(&mut self.noted);
        Some(Auditor::new(
            order,
            noted,
            self.prepared.plan.threads as usize,
        ))
    }

    /// Writes the summaries, and how the generator was doing.
    pub fn summarize(mut self, audit: Option<Audit>) {
        self.progress.clear();
        let plan = &self.prepared.plan;
        let all = self.collector.finish(&self.pen, &self.homes, self.until_ns);
        let abuse = self.ledger.finish(&self.pen);
        let now = Reading::now();
        let t0_ns = plan.stages.all()[0].start_ns;
        let end_ns = self.collector.stages().load_end_ns().min(self.until_ns);
        self.pen.write(Summary {
            is_final: true,
            generator: Some(Generator {
                model: plan.pacer.model().to_owned(),
                arrivals: plan.pacer.arrivals().map(|a| a.name().to_owned()),
                clients: u64::from(plan.clients),
                idle: Some(u64::from(plan.idle)).filter(|n| *n > 0),
                threads: plan.threads,
                cpu_us: now.cpu_us.saturating_sub(self.begin.cpu_us),
                wall_us: now.at_us.saturating_sub(t0_ns / 1_000),
                max_gap_us: self.health.max_gap_ns / 1_000,
                steal_percent: now.steal_percent_since(&self.begin),
                scheduling: self.health.scheduling.map(|s| s.name().to_owned()),
                stray_answers: self.health.stray_answers,
                stray_lines: Some(self.health.stray_lines).filter(|n| *n > 0),
                connects: self.health.connects,
                batches: Some(self.health.batches).filter(|n| *n > 0),
            }),
            knee: self
                .hunt
                .as_ref()
                .map(|h| h.record(self.collector.stages())),
            audit,
            abuse,
            dialects: Some(self.prepared.dialects.clone()),
            ..rows::summary(plan, plan.stages.load_start_ns(), end_ns, &all)
        });
    }
}
