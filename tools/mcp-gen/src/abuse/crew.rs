//! The crew: one thread on which all acts run, each a task, and which tells the main thread once an interval.

use super::act::act;
use super::kind::Kind;
use super::report::{Book, Ended, Key, NOWHERE};
use super::right::is_right;
use super::scene::Scene;
use super::talk::NotSetUp;
use super::timetable::{self, Timetable};
use crate::dice;
use crate::engine::{Command, Report};
use crate::home::{Home, Homes};
use crate::plan::Plan;
use crate::stages::Stages;
use record::clock::mono_ns;
use record::kind::Warning;
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// An act that could begin only so much too late is not tried: it would say nothing about its instant.
const TOO_LATE_NS: u64 = 1_000_000_000;
/// The dice that choose servers and texts.
const SALT: u64 = 0xab05_ed01;

/// The main thread's end of it.
pub struct Crew {
    orders: UnboundedSender<Command>,
}

impl Crew {
    /// Starts the thread; `None` where no profile wants abuse.
    ///
    /// # Errors
    /// The kernel refused a thread or epoll.
    pub fn start(
        plan: &Arc<Plan>,
        homes: &Homes,
        report: impl Fn(Report) + Clone + Send + 'static,
    ) -> io::Result<Option<Self>> {
        if !plan.groups.all().iter().any(|group| group.abuse.is_any()) {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (orders, ordered) = unbounded_channel();
        let (plan, homes) = (Arc::clone(plan), Arc::clone(homes));
        let thread = std::thread::Builder::new().name("abuse".to_owned());
        thread.spawn(move || {
            let shift = Shift::new(plan, homes, report.clone());
            // Who waits for its word would wait for ever.
            let worked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(shift.work(ordered))));
            report(Report::AbuseOver {
                died: worked.is_err(),
            });
        })?;
        Ok(Some(Self { orders }))
    }

    /// Tells it what workers are told.
    pub fn order(&self, command: Command) {
        // When it is over it needs to know nothing more.
        let _ = self.orders.send(command);
    }
}

/// The thread's own state.
struct Shift<R> {
    plan: Arc<Plan>,
    stages: Arc<Stages>,
    homes: Homes,
    /// The user's, as they are now.
    headers: Arc<Vec<(String, String)>>,
    tls: Option<Arc<ClientConfig>>,
    report: R,
    tables: Vec<Timetable>,
    book: Book,
    acts: JoinSet<(Key, Ended)>,
    interval_start_ns: u64,
    /// The run was ended: nothing more is begun.
    is_ended: bool,
}

impl<R: Fn(Report)> Shift<R> {
    fn new(plan: Arc<Plan>, homes: Homes, report: R) -> Self {
        // Were HTTP/2 agreed on, what is sent would be no HTTP.
        let tls = plan.tls.as_ref().map(|config| {
            let mut config = ClientConfig::clone(config);
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(config)
        });
        let skip = meaningless(&homes);
        Self {
            stages: Arc::clone(&plan.stages),
            tables: timetable::all(&plan, &plan.groups, &skip),
            interval_start_ns: plan.stages.all()[0].start_ns,
            headers: Arc::clone(&plan.headers),
            plan,
            homes,
            tls,
            report,
            book: Book::default(),
            acts: JoinSet::new(),
            is_ended: false,
        }
    }

    async fn work(mut self, mut orders: UnboundedReceiver<Command>) {
        self.tell_meaningless();
        loop {
            let now = mono_ns();
            self.begin_due(now);
            self.close_intervals(now);
            let is_over = self.is_ended || now >= self.stages.load_end_ns();
            if is_over && self.acts.is_empty() {
                break;
            }
            let next = Duration::from_nanos(self.next_wake().saturating_sub(mono_ns()));
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    // Nobody is there any more who could want anything.
                    None => self.end(),
                },
                Some(done) = self.acts.join_next() => self.over(done),
                () = tokio::time::sleep(next) => {}
            }
        }
        self.close(mono_ns());
    }

    fn next_wake(&self) -> u64 {
        let edge = self
            .stages
            .next_edge_ns(self.interval_start_ns, self.plan.interval_ns);
        let due = self.tables.iter().map(|table| table.next_ns).min();
        let end = match mono_ns() < self.stages.load_end_ns() {
            true => self.stages.load_end_ns(),
            false => u64::MAX,
        };
        edge.min(due.unwrap_or(u64::MAX)).min(end)
    }

    fn obey(&mut self, order: Command) {
        match order {
            Command::Homes(homes, _) => self.homes = homes,
            Command::Stages(stages, course) => {
                self.stages = stages;
                for table in &mut self.tables {
                    table.set_course(Arc::clone(&course));
                }
            }
            Command::Headers(headers) => self.headers = headers,
            Command::Drain(stages) | Command::Stop(stages) => {
                self.stages = stages;
                self.end();
            }
        }
    }

    /// Closes everything at once.
    fn end(&mut self) {
        self.is_ended = true;
        self.tables.clear();
        // What has ended already has ended by itself.
        while let Some(done) = self.acts.try_join_next() {
            self.over(done);
        }
        self.acts = JoinSet::new();
        self.book.cancel();
    }

    fn over(&mut self, done: Result<(Key, Ended), tokio::task::JoinError>) {
        match done {
            Ok((key, ended)) => self.book.over(key, ended, true),
            // A task is only ended by us, all at once, or by a defect of ours.
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    fn begin_due(&mut self, now: u64) {
        for at in 0..self.tables.len() {
            while self.tables[at].next_ns <= now {
                let table = &mut self.tables[at];
                let (group, kind, index, due) =
                    (table.group, table.kind, table.index, table.next_ns);
                table.advance();
                // An act belongs to the interval of its instant.
                self.close_intervals(due);
                self.begin(group, kind, index, due, now);
            }
        }
    }

    fn begin(&mut self, group: u16, kind: Kind, index: u64, due: u64, now: u64) {
        let place = u64::from(group) << 8 | kind as u64;
        let dice = dice::throw(self.plan.seed ^ SALT, place, index);
        let stage = self.stages.at(due) as u16;
        let usable = |home: &&Arc<Home>| home.live && kind.meaningless(home.transport).is_none();
        let homes: Vec<&Arc<Home>> = self.homes.iter().filter(usable).collect();
        let home = homes.get((dice % homes.len().max(1) as u64) as usize);
        let key = Key {
            stage,
            group,
            row: home.map_or(NOWHERE, |home| home.row),
            kind,
        };
        let room = home.is_some_and(|home| self.acts.len() < self.plan.abuse.most(home.transport));
        let Some(home) = home.filter(|_| room && now < due.saturating_add(TOO_LATE_NS)) else {
            let not_tried = Ended {
                class: Some("not_tried"),
                came: None,
            };
            self.book.due(key, false);
            return self.book.over(key, not_tried, false);
        };
        let timeout_ns = self.plan.groups.all()[usize::from(group)].timeout_ns;
        let scene = Scene {
            kind,
            plan: Arc::clone(&self.plan),
            home: Arc::clone(home),
            headers: Arc::clone(&self.headers),
            tls: self.tls.clone(),
            terms: self.plan.abuse,
            timeout: Duration::from_nanos(timeout_ns),
            dice: dice >> 8,
        };
        self.book.due(key, true);
        self.acts
            .spawn(async move { (key, carry_out(&scene).await) });
    }

    /// Reports the intervals that are over.
    fn close_intervals(&mut self, now: u64) {
        loop {
            let edge = self
                .stages
                .next_edge_ns(self.interval_start_ns, self.plan.interval_ns);
            if edge > now {
                return;
            }
            self.close(edge);
        }
    }

    fn close(&mut self, end_ns: u64) {
        let end_ns = end_ns.max(self.interval_start_ns);
        let span = (self.interval_start_ns, end_ns);
        let rows = self.book.close(&self.plan, &self.stages, &self.homes, span);
        self.interval_start_ns = end_ns;
        if !rows.is_empty() {
            (self.report)(Report::Abuse(rows));
        }
    }

    /// Says which kinds cannot be tried at some servers.
    fn tell_meaningless(&self) {
        let mut told: BTreeMap<(&str, &str), Vec<Kind>> = BTreeMap::new();
        let wanted = |kind: &Kind| {
            self.plan
                .groups
                .all()
                .iter()
                .any(|g| g.abuse.of(*kind) > 0.0)
        };
        for kind in Kind::ALL.into_iter().filter(wanted) {
            for home in self.homes.iter() {
                if let Some(why) = kind.meaningless(home.transport) {
                    let kinds = told.entry((home.transport.name(), why)).or_default();
                    if !kinds.contains(&kind) {
                        kinds.push(kind);
                    }
                }
            }
        }
        for ((transport, why), kinds) in told {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            let text = format!("no {} over {transport}: {why}", names.join(", "));
            (self.report)(Report::Warning(Warning::new("abuse_meaningless", text)));
        }
    }
}

/// The kinds that have no meaning at any of these servers.
fn meaningless(homes: &Homes) -> Vec<Kind> {
    let nowhere = |kind: &Kind| {
        homes
            .iter()
            .all(|h| kind.meaningless(h.transport).is_some())
    };
    Kind::ALL.into_iter().filter(nowhere).collect()
}

async fn carry_out(scene: &Scene) -> Ended {
    match act(scene).await {
        Err(NotSetUp) => Ended {
            class: Some("connect_failed"),
            came: None,
        },
        Ok(came) => {
            let home = &scene.home;
            let right = is_right(scene.kind, home.transport, home.dialect.era, came);
            Ended {
                class: (!right).then(|| came.class_of_wrong()),
                came: Some(came.name()),
            }
        }
    }
}
