//! The collector: adds up what the workers report, writes intervals as they end, and keeps the totals.

use crate::home::Homes;
use crate::lateness::Lateness;
use crate::metrics::Publisher;
use crate::plan::Plan;
use crate::rows;
use crate::stages::{Change, Stages};
use crate::tally::{Cell, Key};
use record::kind::{Stage, Summary};
use record::{Histogram, Pen};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What the workers have done so far.
pub struct Collector {
    plan: Arc<Plan>,
    stages: Arc<Stages>,
    /// Names of the rows of targets.
    names: Vec<String>,
    /// How far each worker has reported.
    reported_ns: Vec<u64>,
    /// Intervals that not all workers have reported: by the edge at which they end, with begin, end and rows.
    gathering: BTreeMap<u64, (u64, u64, BTreeMap<Key, Cell>)>,
    /// Rows that the pen had no room for; they grow until it has.
    unwritten: BTreeMap<Key, (u64, u64, Cell)>,
    /// By stage and label, over all targets.
    totals: BTreeMap<(u16, u16), Cell>,
    /// The stage that was last said to have begun.
    stage: usize,
    /// What is to be said of stages, and the pen had no room for.
    unsaid: VecDeque<Stage>,
    /// By stage: calls in flight and waiting when it began.
    standing: BTreeMap<usize, u64>,
    /// What the progress bar shows.
    pub latest: Latest,
    /// Whether the workers keep up.
    pub lateness: Lateness,
    /// Who tells others of it while it goes on.
    publisher: Option<Publisher>,
}

/// The last interval, over all rows.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    /// Calls answered well, per second.
    pub ok_per_s: f64,
    /// Calls with any other outcome.
    pub errors: u64,
    /// Connections that stand.
    pub connections: u64,
    /// Calls that were asked for, per second; `None` where no clock paces them.
    pub asked_per_s: Option<f64>,
    /// For so long no client has been connected, though they tried.
    pub cut_off_ns: u64,
    /// Due to done.
    pub response: Histogram,
}

impl Collector {
    /// A collector for the plan's workers.
    #[must_use]
    pub fn new(plan: Arc<Plan>, homes: &Homes, publisher: Option<Publisher>) -> Self {
        let workers = plan.threads as usize;
        let mut collector = Self {
            stages: Arc::clone(&plan.stages),
            plan,
            names: Vec::new(),
            reported_ns: vec![0; workers],
            gathering: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            totals: BTreeMap::new(),
            stage: 0,
            unsaid: VecDeque::new(),
            standing: BTreeMap::new(),
            latest: Latest::default(),
            lateness: Lateness::default(),
            publisher,
        };
        collector.name(homes);
        collector
    }

    /// Takes over the names of the targets.
    pub fn name(&mut self, homes: &Homes) {
        let rows = self.plan.target_rows;
        self.names = (0..=rows as u16)
            .map(|row| {
                homes
                    .iter()
                    .find(|h| h.row == row)
                    .map_or_else(String::new, |h| h.name.clone())
            })
            .collect();
        self.names[rows] = "other".to_owned();
    }

    /// Says that the first stage has begun.
    pub fn begin(&self, pen: &Pen) {
        pen.write(self.stage_record(0, "began"));
    }

    /// Takes in a worker's interval, and writes all that are complete.
    pub fn interval(
        &mut self,
        worker: usize,
        start_ns: u64,
        end_ns: u64,
        rows: Vec<(Key, Cell)>,
        pen: &Pen,
    ) {
        // A worker's last interval ends where the worker does. It belongs to its fellows' of that time all the same:
        // apart, neither would show what is in flight at both.
        let edge_ns = self.stages.next_edge_ns(start_ns, self.plan.interval_ns);
        let (start, end, cells) = self
            .gathering
            .entry(edge_ns)
            .or_insert_with(|| (start_ns, end_ns, BTreeMap::new()));
        (*start, *end) = (start_ns.min(*start), end_ns.max(*end));
        for (key, cell) in rows {
            cells.entry(key).or_default().add(&cell, true);
        }
        self.reported_ns[worker] = end_ns;
        self.write_complete(pen);
    }

    /// A worker will report no more.
    pub fn done(&mut self, worker: usize, pen: &Pen) {
        self.reported_ns[worker] = u64::MAX;
        self.write_complete(pen);
    }

    fn write_complete(&mut self, pen: &Pen) {
        let safe = self.reported_ns.iter().copied().min().unwrap_or(u64::MAX);
        while let Some(entry) = self.gathering.first_entry().filter(|e| *e.key() <= safe) {
            let edge_ns = *entry.key();
            let (start_ns, mut end_ns, cells) = entry.remove();
            if safe < u64::MAX {
                // One who ended a moment past the edge must not reach into the next interval of those who go on.
                end_ns = end_ns.min(edge_ns);
            }
            self.complete(start_ns, end_ns, cells, pen);
        }
    }

    fn complete(&mut self, start_ns: u64, end_ns: u64, cells: BTreeMap<Key, Cell>, pen: &Pen) {
        if let Some(publisher) = &mut self.publisher {
            publisher.interval(end_ns.saturating_sub(start_ns), &self.stages, &cells);
        }
        let calls = cells.iter();
        let calls = calls.filter(|(key, _)| !self.plan.labels.is_connect(key.label));
        self.lateness.look(calls.map(|(_, cell)| cell));
        let mut latest = Latest::default();
        let (mut ok, mut standing, mut refused) = (0, 0, 0);
        for (key, cell) in cells {
            ok += cell.outcomes[0];
            standing += cell.now.in_flight + cell.now.waiting;
            latest.errors += cell.done() - cell.outcomes[0];
            latest.connections += cell.now.connections;
            refused += cell.connect_failures;
            if let Some(response) = &cell.response {
                latest.response.add(response);
            }
            self.totals
                .entry((key.stage, key.label))
                .or_default()
                .add(&cell, false);
            self.unwritten
                .entry(key)
                .and_modify(|(_, end, sum)| {
                    *end = end_ns;
                    sum.add(&cell, false);
                })
                .or_insert((start_ns, end_ns, cell));
        }
        let span_ns = (end_ns - start_ns).max(1);
        latest.ok_per_s = ok as f64 * 1e9 / span_ns as f64;
        latest.asked_per_s = self.stages.asked_per_s(start_ns + span_ns / 2);
        // Where connections last no longer than a call there are none in a pause, and nobody tries for one.
        let tries = refused > 0 || self.latest.cut_off_ns > 0;
        if ok == 0 && latest.connections == 0 && tries {
            latest.cut_off_ns = self.latest.cut_off_ns + span_ns;
        }
        self.latest = latest;
        let next = self.stages.at(end_ns);
        if self.stages.all()[next].start_ns == end_ns {
            self.standing.insert(next, standing);
        }
        self.write_intervals(pen, false);
        self.write_stages(end_ns, pen);
    }

    /// Writes rows as long as the pen has room, or, with `wait`, until all are written. What finds no room is added
    /// up with the next interval of its row: nothing is lost, and the load does not wait.
    fn write_intervals(&mut self, pen: &Pen, wait: bool) {
        while let Some(entry) = self.unwritten.first_entry() {
            let key = *entry.key();
            let (start_ns, end_ns, cell) = entry.get();
            let record = rows::interval(
                &self.plan,
                &self.stages,
                &self.names[usize::from(key.home)],
                key,
                *start_ns,
                *end_ns,
                cell,
            );
            if wait {
                pen.write(record);
            } else if pen.offer(record).is_err() {
                return;
            }
            entry.remove();
        }
    }

    /// Tells which stages ended and began up to `now_ns`.
    fn write_stages(&mut self, now_ns: u64, pen: &Pen) {
        while let Some(next) = self.stages.all().get(self.stage + 1)
            && next.start_ns <= now_ns
        {
            self.unsaid
                .push_back(self.stage_record(self.stage, "ended"));
            self.stage += 1;
            self.unsaid
                .push_back(self.stage_record(self.stage, "began"));
        }
        while let Some(stage) = self.unsaid.pop_front() {
            // Were we to wait, what the workers report would pile up behind us.
            if pen.offer(stage.clone()).is_err() {
                return self.unsaid.push_front(stage);
            }
        }
    }

    fn stage_record(&self, index: usize, state: &str) -> Stage {
        let stage = &self.stages.all()[index];
        let loaded = self.stages.loaded().contains(&index);
        let seconds = (stage.end_ns - stage.start_ns) as f64 / 1e9;
        let ok = self
            .totals
            .range((index as u16, self.plan.labels.first_call())..=(index as u16, u16::MAX))
            .map(|(_, c)| c.ok_in_stage)
            .sum::<u64>();
        let ended = state == "ended";
        let (clients, per_s) = (stage.ask.clients, stage.ask.per_s);
        let changing = per_s.filter(|r| r.is_any());
        Stage {
            stage: stage.name.clone(),
            state: state.to_owned(),
            start_us: self.plan.unix_us(stage.start_ns),
            planned_us: (stage.end_ns - stage.start_ns) / 1_000,
            clients: Some(clients.to.round() as u64),
            clients_from: clients.is_any().then_some(clients.from.round() as u64),
            asked_per_s: per_s.map(|r| rounded(r.mean())),
            from_per_s: changing.map(|r| rounded(r.from)),
            to_per_s: changing.map(|r| rounded(r.to)),
            connections: ended.then_some(self.latest.connections),
            reached_per_s: (ended && loaded).then(|| rounded(ok as f64 / seconds)),
        }
    }

    /// The stages, as they stand now.
    #[must_use]
    pub fn stages(&self) -> &Arc<Stages> {
        &self.stages
    }

    /// The stages to come have changed; what was is as it was.
    pub fn set_stages(&mut self, stages: Arc<Stages>) {
        if let Some(publisher) = &mut self.publisher {
            publisher.stages(&stages);
        }
        self.stages = stages;
    }

    /// Whether all calls that were due before `ns` are over, as far as all workers have reported.
    #[must_use]
    pub fn is_settled(&self, ns: u64) -> bool {
        self.reported_ns.iter().all(|&reported| reported >= ns)
            && self.gathering.is_empty()
            && self.totals.values().all(|c| c.scheduled == c.done())
    }

    /// What is known so far of the calls of a stage.
    #[must_use]
    pub fn calls_of(&self, stage: usize) -> Cell {
        let mut sum = Cell::default();
        let own = (stage as u16, 0)..=(stage as u16, u16::MAX);
        for ((_, label), cell) in self.totals.range(own) {
            if !self.plan.labels.is_connect(*label) {
                sum.add(cell, false);
            }
        }
        sum
    }

    /// How many calls were in flight or waiting when a stage began.
    #[must_use]
    pub fn standing_at_begin(&self, stage: usize) -> u64 {
        self.standing.get(&stage).copied().unwrap_or(0)
    }

    /// What is known so far by label, over all stages and targets.
    #[must_use]
    pub fn by_label(&self) -> BTreeMap<u16, Cell> {
        let mut sums: BTreeMap<u16, Cell> = BTreeMap::new();
        for ((_, label), cell) in &self.totals {
            sums.entry(*label).or_default().add(cell, false);
        }
        sums
    }

    /// Writes what is left: rows, the end of the stage that was running, and the summaries. Gives the totals of all
    /// stages, for the final summary. `until_ns` cuts stages short that an interruption has ended.
    pub fn finish(&mut self, pen: &Pen, homes: &Homes, until_ns: u64) -> Cell {
        self.write_intervals(pen, true);
        for stage in std::mem::take(&mut self.unsaid) {
            pen.write(stage);
        }
        pen.write(self.stage_record(self.stage, "ended"));
        let mut all = Cell::default();
        for ((stage, label), cell) in &self.totals {
            let timing = &self.stages.all()[usize::from(*stage)];
            let name = self.plan.labels.all()[usize::from(*label)].clone();
            all.add(cell, false);
            pen.write(Summary {
                stage: Some(timing.name.clone()),
                profile: Some(
                    self.plan.groups.all()[usize::from(name.group)]
                        .profile
                        .clone(),
                ),
                method: Some(name.method),
                tool: name.tool,
                asked_per_s: self.asked_per_s(usize::from(*stage), *label, homes),
                ..rows::summary(
                    &self.plan,
                    timing.start_ns,
                    timing.end_ns.min(until_ns),
                    cell,
                )
            });
        }
        all
    }

    /// Calls per second asked for of one method and tool: the share that it has on the menus of the clients' homes.
    fn asked_per_s(&self, stage: usize, label: u16, homes: &Homes) -> Option<f64> {
        let total = self.stages.all()[stage].ask.per_s.map(Change::mean)?;
        if self.plan.labels.is_connect(label) {
            return None;
        }
        let live: Vec<_> = homes.iter().filter(|h| h.live).collect();
        let own = self.plan.labels.all()[usize::from(label)].group;
        let group = &self.plan.groups.all()[usize::from(own)];
        let numbers = group.first..group.first + group.clients;
        let share: f64 = numbers
            .filter_map(|i| live.get(i as usize % live.len().max(1)))
            .map(|h| h.menu.share(own, label))
            .sum();
        let of_group = total * group.share / f64::from(group.clients);
        Some(rounded(of_group * share))
    }
}

/// Rates in records have three decimals.
fn rounded(per_s: f64) -> f64 {
    (per_s * 1_000.0).round() / 1_000.0
}
