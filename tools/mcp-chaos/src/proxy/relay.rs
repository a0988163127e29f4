//! The relay's thread: sleeps, and gives each connection at which something happened its turn.

use super::active::Active;
use super::end::End;
use super::gate::Gate;
use super::lane::Round;
use super::link::{Link, Turn};
use super::links::Links;
use super::listener::socket;
use super::order::Order;
use super::pipes::Pipes;
use super::poller::{Event, Poller, Sleep, Watched};
use super::{Applied, Open, Said, What};
use crate::network::effect::How;
use crate::network::refuse::Existing;
use crate::network::tally::Counts;
use record::clock::mono_us;
use rustix::io::Errno;
use rustix::net::{connect, sockopt};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, TryRecvError};

/// What one read takes at most.
const READ_BYTES: usize = 64 * 1024;
/// What all directions together may hold in memory, in bytes; each has its share, but at most and at least this much.
const HELD: usize = 256 << 20;
const HELD_EACH: (usize, usize) = (16 << 10, 4 << 20);
/// So many clients are let in before it is the turn of those who are there.
const ACCEPTS: usize = 64;
/// Without files or memory nobody is let in for so long.
const PAUSE_US: u64 = 100_000;

/// The relay.
pub struct Relay {
    poller: Poller,
    orders: Receiver<Order>,
    tell: Box<dyn Fn(Said) + Send>,
    has_told_first: bool,
    /// Trouble that was told of, by proxy and kind.
    told: BTreeSet<(usize, &'static str)>,
    gates: Vec<Option<Gate>>,
    links: Links,
    /// Whose turn comes.
    queue: Vec<usize>,
    /// Who is to be looked at by the clock; of those who were looked at since, the entry is old.
    dues: BinaryHeap<Reverse<(u64, usize)>>,
    /// When clients are let in again.
    resumes_us: Option<u64>,
    toxics: u64,
    pipes: Pipes,
    scratch: Vec<u8>,
}

impl Relay {
    /// A relay without proxies.
    pub fn new(poller: Poller, orders: Receiver<Order>, tell: Box<dyn Fn(Said) + Send>) -> Self {
        Self {
            poller,
            orders,
            tell,
            has_told_first: false,
            told: BTreeSet::new(),
            gates: Vec::new(),
            links: Links::default(),
            queue: Vec::new(),
            dues: BinaryHeap::new(),
            resumes_us: None,
            toxics: 0,
            pipes: Pipes::default(),
            scratch: vec![0; READ_BYTES],
        }
    }

    /// Relays until the end is ordered.
    pub fn run(mut self) {
        let mut events = Vec::new();
        loop {
            let sleep = self.sleep();
            let has_orders = match self.poller.wait(sleep, &mut events) {
                Ok(has_orders) => has_orders,
                Err(e) => {
                    let text = format!("the relay cannot wait for its connections and ends: {e}");
                    return (self.tell)(Said::Trouble(text));
                }
            };
            for event in &events {
                self.happened(event);
            }
            if has_orders && !self.obey() {
                return self.close_all();
            }
            self.look_at_clock();
            for slot in std::mem::take(&mut self.queue) {
                self.serve(slot);
            }
            self.links.settle();
        }
    }

    fn sleep(&self) -> Sleep {
        if !self.queue.is_empty() {
            return Sleep::No;
        }
        let due_us = self.dues.peek().map(|Reverse((us, _))| *us);
        match (due_us, self.resumes_us) {
            (Some(a), Some(b)) => Sleep::Until(a.min(b)),
            (a, b) => a.or(b).map_or(Sleep::Long, Sleep::Until),
        }
    }

    fn happened(&mut self, event: &Event) {
        match event.of {
            Watched::Gate(gate) => self.accept(gate),
            Watched::Link { slot, is_server } => {
                if let Some(link) = self.links.get(slot) {
                    link.learn(is_server, event);
                    self.enqueue(slot);
                }
            }
        }
    }

    fn enqueue(&mut self, slot: usize) {
        if let Some(link) = self.links.get(slot)
            && !link.is_queued
        {
            link.is_queued = true;
            self.queue.push(slot);
        }
    }

    fn look_at_clock(&mut self) {
        if self.dues.is_empty() && self.resumes_us.is_none() {
            return;
        }
        let now_us = mono_us();
        while let Some(&Reverse((us, slot))) = self.dues.peek()
            && us <= now_us
        {
            self.dues.pop();
            if let Some(link) = self.links.get(slot)
                && link.armed_us == Some(us)
            {
                link.armed_us = None;
                self.enqueue(slot);
            }
        }
        if self.resumes_us.is_some_and(|us| us <= now_us) {
            self.resumes_us = None;
            for gate in self.gates.iter_mut().flatten() {
                gate.listener.pause(false, &self.poller);
            }
        }
    }

    /// Gives a connection its turn.
    fn serve(&mut self, slot: usize) {
        let count = self.links.count();
        let Some(link) = self.links.get(slot) else {
            return;
        };
        link.is_queued = false;
        let (least, most) = HELD_EACH;
        let mut round = Round {
            now_us: mono_us(),
            scratch: &mut self.scratch,
            pipes: &mut self.pipes,
            may_hold: (HELD / (2 * count.max(1))).clamp(least, most),
            has_read: false,
        };
        let mut has_spoken = false;
        let turn = link.turn(&mut round, &mut has_spoken);
        let now_us = round.now_us;
        if has_spoken && !self.has_told_first {
            self.has_told_first = true;
            (self.tell)(Said::FirstByte { mono_us: now_us });
        }
        match turn {
            Turn::Until(None) => {}
            Turn::Until(Some(us)) => {
                if link.armed_us.is_none_or(|armed_us| us < armed_us) {
                    link.armed_us = Some(us);
                    self.dues.push(Reverse((us, slot)));
                }
            }
            Turn::Again => self.enqueue(slot),
            Turn::Ask => self.ask_server(slot),
            Turn::Over(how) => self.close(slot, how),
            Turn::Refused(e) => self.refuse(slot, e),
        }
    }

    /// Lets clients in.
    fn accept(&mut self, number: usize) {
        for _ in 0..ACCEPTS {
            let Some(gate) = self.gates.get_mut(number).and_then(Option::as_mut) else {
                return;
            };
            match gate.listener.accept() {
                Ok(Some(fd)) => {
                    gate.accepted += 1;
                    self.welcome(number, fd);
                }
                Ok(None) => return,
                Err(e) => return self.pause(number, e),
            }
        }
    }

    fn welcome(&mut self, number: usize, fd: OwnedFd) {
        let Some(gate) = self.gates.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        let _ = sockopt::set_tcp_nodelay(&fd, true);
        let slot = self.links.next_slot();
        let end = End::new(fd);
        if self.poller.add(&end, slot, false).is_err() {
            return end.reset();
        }
        let mut link = Link::new(number, gate.accepted, end, gate.talk());
        gate.links += 1;
        for toxic in &gate.toxics {
            poison(toxic, &mut link, mono_us());
        }
        self.links.put(link);
        self.enqueue(slot);
    }

    /// Takes a client and its server for a connection of a proxy.
    fn join(&mut self, name: &str, client: OwnedFd, server: OwnedFd) -> Result<(), String> {
        let slot = self.links.next_slot();
        let number = self.find(name)?.0;
        let (client, server) = (End::new(client), End::new(server));
        let watched = self.poller.add(&client, slot, false);
        watched
            .and_then(|()| self.poller.add(&server, slot, true))
            .map_err(|e| format!("no connection of {name} can be watched: {e}"))?;
        let Some(gate) = self.gates.get_mut(number).and_then(Option::as_mut) else {
            return Ok(());
        };
        gate.accepted += 1;
        gate.links += 1;
        let mut link = Link::new(number, gate.accepted, client, gate.talk());
        link.asked(server, true);
        for toxic in &gate.toxics {
            poison(toxic, &mut link, mono_us());
        }
        self.links.put(link);
        self.enqueue(slot);
        Ok(())
    }

    /// Connects to the address behind.
    fn ask_server(&mut self, slot: usize) {
        let Some(link) = self.links.get(slot) else {
            return;
        };
        let Some(gate) = self.gates.get(link.gate).and_then(Option::as_ref) else {
            return;
        };
        let asked = socket(gate.upstream).and_then(|fd| {
            sockopt::set_tcp_nodelay(&fd, true)?;
            let is_there = match connect(&fd, &gate.upstream) {
                Ok(()) => true,
                Err(Errno::INPROGRESS) => false,
                Err(e) => return Err(e),
            };
            let mut end = End::new(fd);
            end.is_writable = is_there;
            self.poller.add(&end, slot, true)?;
            Ok((end, is_there))
        });
        match asked {
            Ok((end, is_there)) => {
                link.asked(end, is_there);
                if is_there {
                    self.enqueue(slot);
                }
            }
            Err(e @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                let gate = link.gate;
                self.close(slot, How::Reset);
                self.pause(gate, e);
            }
            Err(e) => self.refuse(slot, e),
        }
    }

    /// The address behind would not have a connection: a reset is what comes nearest to that for who is connected.
    fn refuse(&mut self, slot: usize, e: Errno) {
        let Some(link) = self.links.get(slot) else {
            return;
        };
        let number = link.gate;
        self.close(slot, How::Reset);
        if let Some(gate) = self.gates.get_mut(number).and_then(Option::as_mut) {
            gate.refused += 1;
            let text = format!(
                "{} at {} takes no connection ({e}): who connects to it through the proxy is reset",
                gate.name, gate.upstream
            );
            self.trouble(number, "refused", text);
        }
    }

    /// Lets nobody in for a moment: who is there may leave meanwhile.
    fn pause(&mut self, number: usize, e: Errno) {
        self.resumes_us = Some(mono_us() + PAUSE_US);
        for gate in self.gates.iter_mut().flatten() {
            gate.listener.pause(true, &self.poller);
        }
        let text = format!(
            "the proxy has no room for another of its {} connections ({e}), so they wait: raise ulimit -n, two files are needed for each",
            self.links.count()
        );
        self.trouble(number, "full", text);
    }

    fn trouble(&mut self, gate: usize, kind: &'static str, text: String) {
        if self.told.insert((gate, kind)) {
            (self.tell)(Said::Trouble(text));
        }
    }

    fn close(&mut self, slot: usize, how: How) {
        let Some(link) = self.links.take(slot) else {
            return;
        };
        if let Some(gate) = self.gates.get_mut(link.gate).and_then(Option::as_mut) {
            gate.links -= 1;
        }
        for end in link.ends() {
            self.poller.forget(end);
        }
        link.close(how, &mut self.scratch, &mut self.pipes);
    }

    fn close_links(&mut self, gate: usize, how: How) -> u64 {
        let slots = self.links.of(gate);
        for &slot in &slots {
            self.close(slot, how);
        }
        slots.len() as u64
    }

    fn close_all(mut self) {
        for gate in 0..self.gates.len() {
            self.close_links(gate, How::Close);
        }
    }

    /// Does what was ordered; false where that is the end.
    fn obey(&mut self) -> bool {
        loop {
            let order = match self.orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            };
            // Who has asked may have left since.
            match order {
                Order::Open(open, answer) => drop(answer.send(self.open(open))),
                Order::Aim(name, upstream) => self.aim(&name, upstream),
                Order::Shut(name, answer) => {
                    self.shut(&name);
                    let _ = answer.send(());
                }
                Order::Enable(name, enabled, answer) => {
                    drop(answer.send(self.enable(&name, enabled)));
                }
                Order::Join(name, client, server, answer) => {
                    drop(answer.send(self.join(&name, client, server)));
                }
                Order::Apply(name, applied, answer) => {
                    drop(answer.send(self.apply(&name, applied)));
                }
                Order::Lift(name, id, answer) => drop(answer.send(self.lift(&name, &id))),
                Order::List(answer) => {
                    let shown = self.gates.iter().flatten().map(Gate::shown).collect();
                    drop(answer.send(shown));
                }
                Order::End => return false,
            }
        }
    }

    fn open(&mut self, open: Open) -> Result<SocketAddr, String> {
        if self.find(&open.name).is_ok() {
            return Err(format!(
                "there is a proxy called {} already: shut it first",
                open.name
            ));
        }
        let listen = open.listen;
        let free = self.gates.iter().position(Option::is_none);
        let number = free.unwrap_or(self.gates.len());
        let gate = Gate::open(open, number, &self.poller).map_err(|e| {
            format!("no proxy can listen on {listen}: {e}; port 0 takes a free one")
        })?;
        let address = gate.listener.address();
        match free {
            Some(place) => self.gates[place] = Some(gate),
            None => self.gates.push(Some(gate)),
        }
        Ok(address)
    }

    fn find(&mut self, name: &str) -> Result<(usize, &mut Gate), String> {
        self.gates
            .iter_mut()
            .enumerate()
            .filter_map(|(number, gate)| Some((number, gate.as_mut()?)))
            .find(|(_, gate)| gate.name == name)
            .ok_or_else(|| format!("no proxy is called {name}: open it first"))
    }

    fn aim(&mut self, name: &str, upstream: SocketAddr) {
        if let Ok((number, gate)) = self.find(name) {
            gate.upstream = upstream;
            // What is wrong with the new address is news.
            self.told.remove(&(number, "refused"));
        }
    }

    fn shut(&mut self, name: &str) {
        let Ok((number, _)) = self.find(name) else {
            return;
        };
        self.close_links(number, How::Close);
        if let Some(gate) = self.gates[number].take() {
            gate.listener.close(&self.poller);
        }
        self.told.retain(|(gate, _)| *gate != number);
    }

    fn enable(&mut self, name: &str, enabled: bool) -> Result<(), String> {
        let (number, gate) = self.find(name)?;
        gate.is_enabled = enabled;
        self.settle(number)?;
        if !enabled {
            self.close_links(number, How::Close);
        }
        Ok(())
    }

    fn settle(&mut self, number: usize) -> Result<(), String> {
        match &mut self.gates[number] {
            Some(gate) => gate
                .settle(&self.poller)
                .map_err(|e| format!("the port of {} cannot be changed: {e}", gate.name)),
            None => Ok(()),
        }
    }

    fn apply(&mut self, name: &str, applied: Applied) -> Result<(), String> {
        let now_us = mono_us();
        self.toxics += 1;
        let number = self.toxics;
        let (gate_number, gate) = self.find(name)?;
        let toxic = match &applied.what {
            What::Toxic(toxic) => *toxic,
            What::Message(fault) => {
                let fault = fault.clone();
                return gate.begin(applied, fault);
            }
        };
        let place = gate.place(&applied.id);
        // One that replaces another has its number, and so its place on each connection.
        let number = place.map_or(number, |place| gate.toxics[place].number);
        let active = Active::new(applied, toxic, number, now_us);
        match place {
            Some(place) => gate.toxics[place] = active,
            None => gate.toxics.push(active),
        }
        self.settle(gate_number)?;
        let Some(gate) = &self.gates[gate_number] else {
            return Ok(());
        };
        let Some(active) = gate.toxics.iter().find(|t| t.number == number) else {
            return Ok(());
        };
        let (mut ends, mut rest) = (Vec::new(), Vec::new());
        for slot in self.links.of(gate_number) {
            let Some(link) = self.links.get(slot) else {
                continue;
            };
            let how = match active.refuses() {
                Some(Existing::Reset) => Some(How::Reset),
                _ => poison(active, link, now_us),
            };
            match how {
                Some(how) => ends.push((slot, how)),
                None => rest.push(slot),
            }
        }
        if !ends.is_empty() {
            active.count_closed(ends.len() as u64);
        }
        for (slot, how) in ends {
            self.close(slot, how);
        }
        // At once, so that one that is lifted right after has been there.
        for slot in rest {
            self.serve(slot);
        }
        Ok(())
    }

    fn lift(&mut self, name: &str, id: &str) -> Result<Counts, String> {
        let now_us = mono_us();
        let (number, gate) = self.find(name)?;
        if let Some(counts) = gate.end(id) {
            // What it held back may go on.
            for slot in self.links.of(number) {
                self.enqueue(slot);
            }
            return Ok(counts);
        }
        let place = gate
            .place(id)
            .ok_or_else(|| format!("{name} has no fault called {id}"))?;
        let active = gate.toxics.remove(place);
        self.settle(number)?;
        for slot in self.links.of(number) {
            let left = self
                .links
                .get(slot)
                .and_then(|link| link.cure(active.number, now_us));
            match left {
                Some(how) => {
                    active.count_closed(1);
                    self.close(slot, how);
                }
                None => self.enqueue(slot),
            }
        }
        Ok(active.counts())
    }
}

/// Puts a toxic on both directions of a connection, as far as it hits them. How the connection must end, where it must.
fn poison(toxic: &Active, link: &mut Link, now_us: u64) -> Option<How> {
    if !toxic.hits(link.nth) {
        return link.cure(toxic.number, now_us);
    }
    let mut how = None;
    for down in [false, true] {
        how = match toxic.stage(link.nth, down, now_us) {
            Some(stage) => link.lane(down).replace(stage).or(how),
            None => link.lane(down).remove(toxic.number, now_us).or(how),
        };
    }
    toxic.count_connection();
    how
}
