//! A worker: one thread, its clients and connections, and the loop that keeps the schedule.

use super::client::{Client, Session};
use super::conn::Conn;
use super::failover::Outage;
use super::health::Health;
use super::opening::RETRY_NS;
use super::poller::{Poller, Ready, Waker};
use super::priority;
use super::slack::Slack;
use crate::audit::{Ledger, Noted};
use crate::course::Course;
use crate::dice::Nonces;
use crate::groups::Group;
use crate::home::{Homes, live};
use crate::menu::Filled;
use crate::plan::Plan;
use crate::stages::Stages;
use crate::tally::{Book, Cell, Key};
use record::clock::mono_ns;
use record::kind;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// What one read(2) takes at most.
const READ_BYTES: usize = 256 * 1024;

/// What the main thread orders.
pub enum Command {
    /// The table of servers has changed, and who lives where.
    Homes(Homes, Arc<Vec<u16>>),
    /// Other stages come than was planned; the course is that of all of them.
    Stages(Arc<Stages>, Arc<Course>),
    /// The user's headers are others: a token was renewed.
    Headers(Arc<Vec<(String, String)>>),
    /// Start no more calls; those in flight have the plan's grace to finish. The drain of these stages has begun.
    Drain(Arc<Stages>),
    /// Give everything up now.
    Stop(Arc<Stages>),
}

/// What a worker reports.
pub enum Report {
    /// An interval is over: what happened in it, and what stands at its end.
    Interval {
        /// Which worker.
        worker: usize,
        /// Its begin.
        start_ns: u64,
        /// Its end.
        end_ns: u64,
        /// The rows.
        rows: Vec<(Key, Cell)>,
    },
    /// Something a person should know.
    Warning(kind::Warning),
    /// Calls that get a record of their own.
    Calls(Vec<kind::Call>),
    /// What bad behaviour came to in an interval.
    Abuse(Vec<kind::Abuse>),
    /// There is no more of it.
    AbuseOver {
        /// It broke down: a defect of ours.
        died: bool,
    },
    /// So many clients were not connected when the load began.
    Late(u64),
    /// How each call ended, where the run is audited.
    Noted(Noted),
    /// It broke down: a defect of ours.
    Died {
        /// Which worker.
        worker: usize,
    },
    /// It is over.
    Done {
        /// Which worker.
        worker: usize,
        /// How it was doing.
        health: Health,
    },
}

/// A worker, ready to run on a thread of its own.
pub struct Worker {
    pub(super) number: usize,
    pub(super) plan: Arc<Plan>,
    pub(super) stages: Arc<Stages>,
    pub(super) homes: Homes,
    pub(super) poller: Poller,
    pub(super) clients: Vec<Client>,
    pub(super) conns: Vec<Option<Conn>>,
    pub(super) free: Vec<usize>,
    /// Numbers that become free only after this round: events for them may still be on the list.
    pub(super) freed: Vec<usize>,
    pub(super) due: BinaryHeap<Reverse<(u64, usize)>>,
    /// Connections of slow clients that nobody reads, and until when.
    pub(super) pauses: BinaryHeap<Reverse<(u64, usize)>>,
    pub(super) retries: BinaryHeap<Reverse<(u64, usize)>>,
    /// Clients that have a stream to ask for again, and when.
    pub(super) resumes: BinaryHeap<Reverse<(u64, usize)>>,
    /// Whether any calls are cancelled.
    pub(super) cancels_some: bool,
    /// When which call of which client is.
    pub(super) cancels: BinaryHeap<Reverse<(u64, usize, u64)>>,
    pub(super) dirty: Vec<usize>,
    pub(super) book: Book,
    /// Calls due and not over.
    pub(super) outstanding: u64,
    /// Connections that stand, by row and group.
    pub(super) standing: Vec<u64>,
    pub(super) buf: Vec<u8>,
    /// The last call that differs from others of its kind.
    pub(super) filled: Filled,
    pub(super) interval_start_ns: u64,
    pub(super) edge_ns: u64,
    pub(super) sweep_ns: u64,
    /// Up to which connection and client the sweep has come.
    pub(super) swept: usize,
    pub(super) slack: Slack,
    /// When clients were last connected.
    pub(super) retried_ns: u64,
    /// When the clock was last looked at.
    pub(super) latest_ns: u64,
    /// From here on no call is due.
    pub(super) load_end_ns: u64,
    /// What the user adds to each request.
    pub(super) headers: Arc<Vec<(String, String)>>,
    /// Clients before this one have these headers in their heads.
    pub(super) renewed: usize,
    /// Up to here what is due was taken up.
    pub(super) taken_until_ns: u64,
    /// Meanwhile no user of the closed model calls.
    pub(super) pause_ns: Range<u64>,
    /// When calls that are still not over are given up.
    pub(super) give_up_ns: u64,
    pub(super) interrupted: bool,
    pub(super) calls: Vec<kind::Call>,
    pub(super) late_told: bool,
    pub(super) told: Vec<String>,
    pub(super) health: Health,
    /// How each call ended, where the run is audited.
    pub(super) ledger: Option<Ledger>,
    pub(super) nonces: Nonces,
    /// Servers that clients have left, by their places in the table.
    pub(super) outages: Vec<Option<Outage>>,
    orders: Receiver<Command>,
    pub(super) report: Box<dyn Fn(Report) + Send>,
}

impl Worker {
    /// Worker `number` of the plan's threads, with its share of the clients.
    ///
    /// # Errors
    /// The kernel refused epoll or a timer.
    pub fn new(
        number: usize,
        plan: Arc<Plan>,
        homes: Homes,
        orders: Receiver<Command>,
        report: impl Fn(Report) + Send + 'static,
    ) -> io::Result<Self> {
        let live = live(&homes);
        let clients: Vec<Client> = (0..plan.everybody())
            .filter(|i| *i as usize % plan.threads as usize == number)
            .enumerate()
            .map(|(c, i)| {
                let visits = plan.visits(i);
                let group = plan.groups.of(i);
                let mut client = Client::new(
                    i,
                    group,
                    plan.schedule(i, &visits),
                    visits,
                    live.get(i as usize % live.len().max(1))
                        .copied()
                        .unwrap_or(0),
                );
                let is_idle = plan.groups.all()[usize::from(group)].is_idle;
                let in_rounds = !is_idle && homes.iter().any(|h| h.menu.has_sequences(group));
                client.rounds = in_rounds.then(Box::default);
                client.owner = c;
                client
            })
            .collect();
        let t0 = plan.stages.all()[0].start_ns;
        let mut worker = Self {
            number,
            poller: Poller::new()?,
            conns: Vec::new(),
            free: Vec::new(),
            freed: Vec::new(),
            due: BinaryHeap::with_capacity(clients.len()),
            pauses: BinaryHeap::new(),
            retries: BinaryHeap::new(),
            resumes: BinaryHeap::new(),
            cancels_some: plan.groups.all().iter().any(|g| g.cancel.is_some()),
            cancels: BinaryHeap::new(),
            dirty: Vec::new(),
            book: Book::new(plan.target_rows + 1, plan.labels.all().len()),
            outstanding: 0,
            standing: vec![0; (plan.target_rows + 1) * plan.groups.all().len()],
            buf: vec![0; READ_BYTES],
            filled: Filled::default(),
            interval_start_ns: t0,
            edge_ns: plan.stages.next_edge_ns(t0, plan.interval_ns),
            sweep_ns: 0,
            swept: 0,
            slack: Slack::default(),
            retried_ns: 0,
            latest_ns: 0,
            load_end_ns: plan.stages.load_end_ns(),
            headers: Arc::clone(&plan.headers),
            renewed: clients.len(),
            taken_until_ns: 0,
            pause_ns: 0..0,
            give_up_ns: plan.stages.load_end_ns() + plan.groups.longest_timeout_ns(),
            interrupted: false,
            calls: Vec::new(),
            late_told: false,
            told: Vec::new(),
            health: Health::default(),
            ledger: plan
                .audit
                .as_ref()
                .map(|order| order.ledger(clients.len(), plan.threads)),
            nonces: Nonces::new(),
            clients,
            stages: Arc::clone(&plan.stages),
            outages: vec![None; homes.len()],
            plan,
            homes,
            orders,
            report: Box::new(report),
        };
        worker.share_connections(&live);
        Ok(worker)
    }

    /// What wakes this worker when an order is there.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.poller.waker()
    }

    /// Runs until all calls are over.
    pub fn run(mut self) {
        self.health.scheduling = Some(priority::raise(&self.plan));
        self.plan_connecting();
        self.begin_at_once();
        let mut ready: Vec<Ready> = Vec::new();
        let mut woke = self.now();
        loop {
            let now = self.now();
            // Before anything is taken up: it may have become another stage's.
            self.obey(now);
            if now >= self.slack.until_ns().min(self.edge_ns) {
                self.advance(now);
                self.slack.passed(now);
            }
            self.retry(now);
            self.resume_reading(now);
            self.resume(now);
            if self.renewed < self.clients.len() {
                self.renew_heads();
            }
            self.cancel_due(now);
            if now >= self.sweep_ns {
                self.sweep(now);
            }
            self.flush_dirty();
            if now >= self.load_end_ns && (self.outstanding == 0 || now >= self.give_up_ns) {
                break;
            }
            let until = self.next_wake();
            // Near enough: writing was the last thing of the round, and looks at the clock.
            let asleep = self.latest_ns;
            self.health.gap(asleep.saturating_sub(woke));
            let until = if until <= asleep { 0 } else { until };
            if let Err(e) = self.poller.wait(until, &mut ready) {
                self.tell("poll", format!("epoll_wait failed: {e}"), None);
                break;
            }
            woke = self.now();
            if until != 0 {
                self.health.gap(woke.saturating_sub(until));
            }
            self.free.append(&mut self.freed);
            for (i, event) in ready.iter().enumerate() {
                self.look_ahead(i, |i| ready.get(i).map(|event| event.conn));
                self.on_ready(*event);
            }
        }
        self.finish();
    }

    /// Looks at the clock.
    pub(super) fn now(&mut self) -> u64 {
        self.latest_ns = mono_ns();
        self.latest_ns
    }

    /// When there is something to do next.
    fn next_wake(&self) -> u64 {
        let next = |heap: &BinaryHeap<Reverse<(u64, usize)>>, not_before| {
            heap.peek()
                .map_or(u64::MAX, |Reverse((ns, _))| (*ns).max(not_before))
        };
        let due = next(&self.due, self.slack.until_ns());
        let retry = next(&self.retries, self.retried_ns + RETRY_NS);
        let cancel = self
            .cancels
            .peek()
            .map_or(u64::MAX, |Reverse((ns, ..))| *ns);
        due.min(retry)
            .min(cancel)
            .min(next(&self.pauses, 0))
            .min(next(&self.resumes, 0))
            .min(self.edge_ns)
            .min(self.sweep_ns)
    }

    /// Carries out what the main thread ordered.
    fn obey(&mut self, now: u64) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Command::Homes(homes, seats) => self.rehome(homes, &seats, now),
                Command::Stages(stages, course) => self.go_on(stages, &course),
                Command::Headers(headers) => self.take_headers(headers),
                Command::Drain(stages) => self.wind_down(stages, now, self.plan.grace_ns),
                Command::Stop(stages) => self.wind_down(stages, now, 0),
            }
        }
    }

    /// Starts no more calls; what waits is given up, and what is in flight has some time.
    fn wind_down(&mut self, stages: Arc<Stages>, now: u64, grace_ns: u64) {
        self.load_end_ns = self.load_end_ns.min(now);
        self.give_up_ns = now + grace_ns;
        self.interrupted = true;
        self.due.clear();
        // While it still can be told of which stage they are: some were due since the main thread has set the end.
        self.give_up_waiting(now);
        self.restage(stages);
    }

    pub(super) fn restage(&mut self, stages: Arc<Stages>) {
        self.stages = stages;
        self.edge_ns = self
            .stages
            .next_edge_ns(self.interval_start_ns, self.plan.interval_ns);
    }

    /// Takes up what is due and ends the intervals that are over, in the order of time.
    pub(super) fn advance(&mut self, now: u64) {
        loop {
            // Calls due before the edge belong to the interval that ends there.
            self.taken_until_ns = now.min(self.edge_ns - 1);
            self.take_due(self.taken_until_ns, now);
            if now < self.edge_ns {
                return;
            }
            let edge = self.edge_ns;
            self.close_interval(edge);
            if edge == self.pause_ns.end {
                self.wake_users(now);
            }
            if edge >= self.stages.load_start_ns() && !self.late_told {
                self.late_told = true;
                let late = self.begin_load(edge);
                (self.report)(Report::Late(late));
            }
        }
    }

    /// The load begins: who is to be there and is not yet connected has its calls due all the same. Gives how
    /// many that are.
    fn begin_load(&mut self, at: u64) -> u64 {
        let mut late = 0;
        for c in 0..self.clients.len() {
            let client = &self.clients[c];
            if client.riders.is_some() {
                continue;
            }
            let session = self.clients[client.owner].session;
            if session != Session::Open && client.is_wanted_at(at) {
                // One that was there, and is away since its connection's life is over, is as its profile has it.
                let was_there = client.sessions > 0 && client.failures == 0;
                late += u64::from(!client.rests && !was_there && !client.storms_at(at));
                if client.schedule.is_some() {
                    self.join(c, at);
                }
            }
        }
        late
    }

    /// Where no time is given to connect, calls are due from the first instant on, and nobody is late for it.
    fn begin_at_once(&mut self) {
        let begin = self.stages.load_start_ns();
        if begin <= self.stages.all()[0].start_ns {
            self.late_told = true;
            self.begin_load(begin);
        }
    }

    /// Ends the interval at `end`, and reports it.
    fn close_interval(&mut self, end: u64) {
        let stage = self.stages.at(self.interval_start_ns) as u16;
        let groups = self.plan.groups.all().len();
        for place in (0..self.standing.len()).filter(|&place| self.standing[place] > 0) {
            self.book.cell(Key {
                stage,
                home: (place / groups) as u16,
                label: (place % groups) as u16,
            });
        }
        let mut rows = self.book.close();
        for (key, cell) in &mut rows {
            if self.plan.labels.is_connect(key.label) {
                cell.now.connections = self.standing[self.standing_place(key.home, key.label)];
            }
        }
        (self.report)(Report::Interval {
            worker: self.number,
            start_ns: self.interval_start_ns,
            end_ns: end,
            rows,
        });
        self.send_calls();
        self.interval_start_ns = end;
        self.edge_ns = self.stages.next_edge_ns(end, self.plan.interval_ns);
    }

    /// Where connections to the row of a target are counted, for a group.
    pub(super) fn standing_place(&self, row: u16, group: u16) -> usize {
        usize::from(row) * self.plan.groups.all().len() + usize::from(group)
    }

    /// The group of a client, which says its profile.
    pub(super) fn group_of(&self, c: usize) -> &Group {
        &self.plan.groups.all()[usize::from(self.clients[c].group)]
    }

    /// Hands over the records of calls that have gathered.
    pub(super) fn send_calls(&mut self) {
        if !self.calls.is_empty() {
            (self.report)(Report::Calls(std::mem::take(&mut self.calls)));
        }
    }

    /// Tells a person something, each thing once.
    pub(super) fn tell(&mut self, code: &str, text: String, remedy: Option<&str>) {
        if self.told.len() < 100 && !self.told.contains(&text) {
            self.told.push(text.clone());
            let warning = kind::Warning {
                remedy: remedy.map(str::to_owned),
                ..kind::Warning::new(code, text)
            };
            (self.report)(Report::Warning(warning));
        }
    }

    /// Gives up what is not over, ends the last interval, says goodbye to the servers.
    fn finish(&mut self) {
        let now = mono_ns();
        self.give_up_all(now);
        self.take_leave();
        self.hang_up();
        let end = mono_ns().max(self.interval_start_ns + 1);
        self.close_interval(end);
        if let Some(ledger) = self.ledger.take() {
            let numbers = self.clients.iter().map(|client| client.number);
            (self.report)(Report::Noted(ledger.of_clients(numbers)));
        }
        (self.report)(Report::Done {
            worker: self.number,
            health: self.health,
        });
    }
}
