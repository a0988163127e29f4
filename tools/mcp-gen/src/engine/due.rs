//! Taking up what is due, and handing it to a connection as soon as one has room.

use super::call::Call;
use super::client::Session;
use super::conn::{Job, Phase};
use super::framing::Framing;
use super::rounds::Turn;
use super::worker::Worker;
use crate::menu::Occasion;
use crate::tally::{Key, count};
use protocol::outcome::Outcome;
use protocol::revision::Era;
use protocol::template::{IdDigits, Template};
use protocol::transport::Transport;
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

/// A call that is taken up more than this late was not made at its time, by our own fault: it is shed.
const SHED_NS: u64 = 1_000_000_000;
/// A connection with so much left to write takes no more calls: they wait where they can still be given up.
pub(super) const MAX_UNWRITTEN: usize = 256 * 1024;

/// What a client's call with a certain index is: all of it a function of the seed.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    pub index: u64,
    pub due_ns: u64,
    pub stage: u16,
    pub home: u16,
    pub dish: u32,
    pub key: Key,
}

impl Worker {
    /// Takes up all calls that are due at `limit` at the latest; the loop has reached them at `now`.
    pub(super) fn take_due(&mut self, limit: u64, now: u64) {
        loop {
            let Some(mut top) = self.due.peek_mut() else {
                return;
            };
            let Reverse((due, c)) = *top;
            if due > limit {
                return;
            }
            let client = &mut self.clients[c];
            let index = client.next_due + 1;
            let next = client.schedule.as_mut().map(|s| s.due_ns(index));
            match next.filter(|&next| next < self.load_end_ns) {
                Some(next) => {
                    *top = Reverse((next, c));
                    drop(top);
                }
                None => drop(PeekMut::pop(top)),
            }
            match next {
                Some(_) => self.take(c, due, now),
                None => self.thought(c, due, now),
            }
        }
    }

    fn take(&mut self, c: usize, due_ns: u64, now: u64) {
        self.slack.count();
        let had_backlog = self.clients[c].has_backlog();
        let drawn = self.schedule_call(c, due_ns, now);
        if had_backlog {
            return;
        }
        let turn = self.turn(c, &drawn);
        if now - due_ns > SHED_NS {
            self.clients[c].next_sent += 1;
            self.settle_unsent(c, &drawn, Outcome::Shed, now);
        } else if turn == Turn::Never {
            self.clients[c].next_sent += 1;
            self.settle_unsent(c, &drawn, Outcome::Cancelled, now);
        } else if turn == Turn::Now
            && let Some(conn) = self.slot(c, now)
        {
            self.clients[c].next_sent += 1;
            self.hand_over(conn, c, &drawn, now);
        }
    }

    /// Counts a client's next call as scheduled and taken up.
    pub(super) fn schedule_call(&mut self, c: usize, due_ns: u64, now: u64) -> Drawn {
        let index = self.clients[c].next_due;
        let drawn = self.draw(c, index, due_ns, false);
        self.clients[c].next_due += 1;
        self.outstanding += 1;
        let (cell, stands) = self.book.row(drawn.key);
        cell.scheduled += 1;
        stands.waiting += 1;
        count(&mut cell.lag, now.saturating_sub(due_ns));
        drawn
    }

    /// The call with an index, which comes due, or which has waited.
    pub(super) fn draw(&mut self, c: usize, index: u64, due_ns: u64, has_waited: bool) -> Drawn {
        let client = &mut self.clients[c];
        let home = client.home_of(index);
        let server = &self.homes[usize::from(home)];
        let (group, seed, number) = (client.group, self.plan.seed, client.number);
        let dish = match &mut client.rounds {
            None => server.menu.draw(group, seed, number, index),
            Some(rounds) => {
                let cursor = if has_waited {
                    &mut rounds.sent
                } else {
                    &mut rounds.due
                };
                server.menu.seek((cursor, home), group, seed, number, index)
            }
        };
        let stage = self.stages.at(due_ns) as u16;
        let key = Key {
            stage,
            home: server.row,
            label: server.menu.dish(dish).label,
        };
        Drawn {
            index,
            due_ns,
            stage,
            home,
            dish: dish as u32,
            key,
        }
    }

    /// The call that has waited longest at a client.
    pub(super) fn first_waiting(&mut self, c: usize) -> Option<Drawn> {
        let client = &mut self.clients[c];
        let index = client.next_sent;
        let has_backlog = client.has_backlog();
        let schedule = client.schedule.as_mut().filter(|_| has_backlog)?;
        let due_ns = schedule.waiting_ns(index);
        Some(self.draw(c, index, due_ns, true))
    }

    /// A client has room again: sends what waits, or, in the closed model, makes its next calls.
    pub(super) fn serve(&mut self, c: usize, now: u64) {
        if self.clients[c].is_parting {
            self.part_when_idle(c, now);
        }
        if !self.clients[c].suspended.is_empty() {
            self.take_up(c, now);
        }
        if self.clients[c].riders.is_some() {
            return self.serve_riders(c, now);
        }
        if self.clients[c].schedule.is_none() {
            return self.fill(c, now, now);
        }
        while let Some(drawn) = self.first_waiting(c) {
            if self.is_too_old(c, &drawn, now) {
                self.clients[c].next_sent += 1;
                self.settle_unsent(c, &drawn, Outcome::Abandoned, now);
                continue;
            }
            match self.turn(c, &drawn) {
                Turn::Now => {}
                Turn::Later => return,
                Turn::Never => {
                    self.clients[c].next_sent += 1;
                    self.settle_unsent(c, &drawn, Outcome::Cancelled, now);
                    continue;
                }
            }
            let Some(conn) = self.slot(c, now) else {
                return;
            };
            self.clients[c].next_sent += 1;
            // It found the window full: what it waited counts from due, and is the server's doing.
            self.hand_over(conn, c, &drawn, drawn.due_ns);
            if self.clients[c].owner != c {
                // The next one has its turn.
                return;
            }
        }
    }

    /// Whether a call has waited longer than it may.
    pub(super) fn is_too_old(&self, c: usize, drawn: &Drawn, now: u64) -> bool {
        now >= drawn.due_ns + self.group_of(c).timeout_ns.min(self.plan.max_backlog_ns)
    }

    /// A connection of the client that can take a call now. Where all are busy and one more is allowed, it is opened,
    /// and the call waits for it.
    pub(super) fn slot(&mut self, c: usize, now: u64) -> Option<usize> {
        let owner = self.clients[c].owner;
        let slot = self.slot_of(owner, now);
        if slot.is_none() && owner != c {
            self.queue_up(c);
        }
        slot
    }

    fn slot_of(&mut self, c: usize, now: u64) -> Option<usize> {
        let client = &mut self.clients[c];
        if client.session != Session::Open || client.is_parting {
            if client.rests {
                self.come_for_call(c, now);
            }
            return None;
        }
        if self.tries(c) {
            return None;
        }
        let client = &mut self.clients[c];
        if let Some(carrier) = client.carrier {
            return self.lane(c, carrier);
        }
        let mut home_is_sse = false;
        if let Some(&conn) = client.conns.first()
            && let Some(state) = self.conns[conn].as_ref()
            && state.framing.is_multiplexed()
        {
            let has_room = state.phase == Phase::Open
                && state.calls.len() < self.plan.window
                && state.out.len() < MAX_UNWRITTEN;
            if state.framing != Framing::Events || !has_room {
                return has_room.then_some(conn);
            }
            home_is_sse = true;
        }
        if let Some(conn) = client.gathering.or_else(|| client.idle.pop()) {
            return Some(conn);
        }
        let besides =
            usize::from(home_is_sse) + client.ear.as_ref().map_or(0, |ear| ear.extra_connections());
        if client.conns.len() < self.plan.max_connections + besides && now >= client.retry_ns {
            self.connect(c, now);
        }
        None
    }

    /// Puts a call's bytes into a connection's output. They are written when the round's due calls are all there.
    pub(super) fn hand_over(&mut self, conn: usize, c: usize, drawn: &Drawn, taken_ns: u64) {
        self.begin_round(c, drawn.index, drawn.home, drawn.dish as usize);
        // Where the client is now, which for a call that waited while it moved is not the call's home.
        let place = self.place_of(c);
        let home = &self.homes[usize::from(place)];
        let dish = if drawn.home == place
            || Arc::ptr_eq(&home.menu, &self.homes[usize::from(drawn.home)].menu)
        {
            drawn.dish as usize
        } else {
            home.menu.draw(
                self.clients[c].group,
                self.plan.seed,
                self.clients[c].number,
                drawn.index,
            )
        };
        let course = home.menu.dish(dish);
        let template = &course.template;
        let batch = self.plan.groups.all()[usize::from(self.clients[c].group)].batch;
        let client = &mut self.clients[c];
        let filled = course.fill.as_ref().map(|fill| {
            let taken = client.rounds.as_ref().map_or(&[][..], |r| &r.taken);
            let occasion = Occasion {
                seed: self.plan.seed,
                client: client.number,
                clients: self.plan.clients,
                index: drawn.index,
                taken,
            };
            fill.render(template, &occasion, &mut self.filled);
            &self.filled
        });
        let suffix = filled.map_or(template.suffix(), |f| f.suffix.as_slice());
        let owner = client.owner;
        let client = &mut self.clients[owner];
        let id = client.next_id;
        client.next_id += 1;
        client.calls_left -= 1;
        client.is_parting |= client.calls_left == 0;
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let mut digits = IdDigits::new();
        let parts = Template::parts_around(id, &mut digits, suffix);
        let sent_bytes = if batch > 1 {
            state.batch.push(id, parts)
        } else {
            let before = state.out.len();
            if let (Framing::Exchange, Some(head)) = (state.framing, &client.head) {
                let routing = (home.dialect.era == Era::Modern)
                    .then(|| filled.map_or_else(|| template.routing(), |f| f.routing(template)));
                head.write(routing, Template::len_around(id, suffix), &mut state.out);
            }
            let mask = (id as u32).wrapping_mul(0x9e37_79b9);
            state.framing.write(&mut state.out, mask, parts);
            state.out.len() - before
        };
        let call = Call {
            index: drawn.index,
            id,
            due_ns: drawn.due_ns,
            taken_ns,
            sent_ns: 0,
            first_ns: 0,
            stage: drawn.stage,
            home: drawn.home,
            place,
            port: state.port,
            dish: drawn.dish,
            client: c as u32,
            sent_bytes: sent_bytes as u32,
        };
        if batch > 1 {
            self.gather(conn, c, call, batch);
            return self.plan_cancel(c, drawn.index, id);
        }
        state.mark_unsent(id);
        if state.framing.is_multiplexed() {
            state.calls.push(call);
        } else if home.transport != Transport::Sse {
            state.job = Job::Call(call, None);
        } else if let Some(stream) = self.stream_of(c) {
            let now = self.now();
            if let Some(state) = self.conns[conn].as_mut() {
                state.job = Job::Post(id, stream);
                state.since_ns = now;
            }
            if let Some(state) = self.conns[stream].as_mut() {
                state.calls.push(call);
            }
        }
        self.soil(conn);
        self.plan_cancel(c, drawn.index, id);
    }

    /// Notes that a connection has something to write.
    pub(super) fn soil(&mut self, conn: usize) {
        if let Some(state) = self.conns[conn].as_mut()
            && !state.is_dirty
        {
            // A batch gathers until the end of the round.
            if state.lane.is_some() && state.batch.is_empty() {
                return self.depart(conn);
            }
            state.is_dirty = true;
            self.dirty.push(conn);
        }
    }
}
