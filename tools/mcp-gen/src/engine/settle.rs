//! Settling: each call gets its outcome here, once, and its row gets its latencies.

use super::call::Call;
use super::conn::{Conn, Job};
use super::due::Drawn;
use super::worker::Worker;
use crate::cli::Calls;
use crate::dice;
use crate::tally::{Key, count};
use protocol::outcome::Outcome;
use record::kind;

/// How often time limits are looked at, of up to [`SWEPT`] connections and clients; of more less often, but at least
/// [`SWEEPS`] times in the shortest timeout. Each look costs some 2 µs of cache misses.
const SWEEP_NS: u64 = 50_000_000;
const SWEPT: usize = 1_024;
const SWEEPS: u64 = 20;
/// So many are looked at in one go: all of 20,000 would hold the schedule up for milliseconds.
const SWEEP_LOT: usize = 128;

/// Records of calls are handed over in lots of this many.
const CALLS_LOT: usize = 256;

impl Worker {
    /// The row of a call.
    pub(super) fn key_of(&self, call: &Call) -> Key {
        let home = &self.homes[usize::from(call.home)];
        Key {
            stage: call.stage,
            home: home.row,
            label: home.menu.dish(call.dish as usize).label,
        }
    }

    /// A call's last byte was written at `now`.
    pub(super) fn note_sent(&mut self, call: &Call, now: u64) {
        let key = self.key_of(call);
        let (cell, stands) = self.book.row(key);
        cell.sent += 1;
        cell.sent_bytes += u64::from(call.sent_bytes);
        stands.waiting -= 1;
        stands.in_flight += 1;
        count(&mut cell.wait, now.saturating_sub(call.taken_ns));
    }

    /// A call is over.
    pub(super) fn settle(
        &mut self,
        c: usize,
        call: &Call,
        outcome: Outcome,
        now: u64,
        received_bytes: u64,
    ) {
        // The edge of an interval may have passed since the loop looked.
        if now >= self.edge_ns {
            self.advance(now);
        }
        let mut call = *call;
        if call.sent_ns == 0 && outcome == Outcome::Ok {
            // The server needed no more of the request than it had: for the figures it was sent when that was known.
            call.sent_ns = if call.first_ns > 0 {
                call.first_ns
            } else {
                now
            };
            self.note_sent(&call, call.sent_ns);
        }
        let call = &call;
        let key = self.key_of(call);
        let stage_end = self.stages.all()[usize::from(call.stage)].end_ns;
        let (cell, stands) = self.book.row(key);
        cell.outcome(outcome);
        cell.received_bytes += received_bytes;
        cell.moved += u64::from(call.place != call.home);
        let response = now.saturating_sub(call.due_ns);
        if call.sent_ns == 0 {
            stands.waiting -= 1;
        } else {
            stands.in_flight -= 1;
            if outcome == Outcome::Ok {
                count(&mut cell.response, response);
                count(&mut cell.service, now.saturating_sub(call.sent_ns));
                cell.ok_in_stage += u64::from(now <= stage_end);
            } else {
                count(&mut cell.failed, response);
            }
        }
        self.judge(c, call.place, call.sent_ns, outcome, now);
        if let Some(ledger) = &mut self.ledger {
            ledger.note(c, call.index, outcome);
        }
        self.end_step(c, call.index, call.home, call.dish, outcome);
        self.outstanding -= 1;
        self.over(c, call.index, now);
        if self.clients[c].owner != c {
            self.queue_up(c);
        }
        if self.wants_record(c, call.index, outcome) {
            self.record_call(c, call, outcome, now, received_bytes);
        }
    }

    /// A call is over before it was handed to a connection.
    pub(super) fn settle_unsent(&mut self, c: usize, drawn: &Drawn, outcome: Outcome, now: u64) {
        let (cell, stands) = self.book.row(drawn.key);
        cell.outcome(outcome);
        stands.waiting -= 1;
        self.end_step(c, drawn.index, drawn.home, drawn.dish, outcome);
        self.outstanding -= 1;
        self.over(c, drawn.index, now);
        if self.wants_record(c, drawn.index, outcome) {
            let Drawn {
                index,
                due_ns,
                stage,
                home,
                dish,
                ..
            } = *drawn;
            let call = Call {
                index,
                id: 0,
                due_ns,
                taken_ns: 0,
                sent_ns: 0,
                first_ns: 0,
                stage,
                home,
                place: home,
                port: 0,
                dish,
                client: c as u32,
                sent_bytes: 0,
            };
            self.record_call(c, &call, outcome, now, 0);
        }
    }

    fn wants_record(&self, c: usize, index: u64, outcome: Outcome) -> bool {
        match self.plan.calls {
            Calls::None => false,
            Calls::Errors => outcome != Outcome::Ok,
            Calls::Share(share) => {
                share >= 1.0
                    || dice::fraction(!self.plan.seed, u64::from(self.clients[c].number), index)
                        < share
            }
        }
    }

    fn record_call(
        &mut self,
        c: usize,
        call: &Call,
        outcome: Outcome,
        now: u64,
        received_bytes: u64,
    ) {
        let plan = &self.plan;
        let home = &self.homes[usize::from(call.home)];
        let label = &plan.labels.all()[usize::from(home.menu.dish(call.dish as usize).label)];
        let instant = |ns: u64| (ns > 0).then(|| plan.unix_us(ns));
        self.calls.push(kind::Call {
            stage: self.stages.all()[usize::from(call.stage)].name.clone(),
            profile: plan.groups.all()[usize::from(label.group)].profile.clone(),
            target: home.name.clone(),
            method: label.method.clone(),
            tool: label.tool.clone(),
            client: u64::from(self.clients[c].number),
            moved_to: (call.place != call.home)
                .then(|| self.homes[usize::from(call.place)].name.clone()),
            index: call.index,
            id: (call.id > 0).then_some(call.id),
            local_port: (call.port > 0).then_some(call.port),
            due_us: plan.unix_us(call.due_ns),
            sent_us: instant(call.sent_ns),
            first_us: instant(call.first_ns),
            done_us: plan.unix_us(now),
            sent_bytes: u64::from(call.sent_bytes),
            received_bytes,
            outcome: outcome.class().to_owned(),
            code: outcome.code(),
        });
        if self.calls.len() >= CALLS_LOT {
            self.send_calls();
        }
    }

    /// Looks at the time limits of the next lot; see [`SWEEP_NS`].
    pub(super) fn sweep(&mut self, now: u64) {
        let all = self.conns.len().max(self.clients.len()).max(1);
        let lot = self.swept..self.swept + SWEEP_LOT;
        for conn in lot.start..lot.end.min(self.conns.len()) {
            self.sweep_conn(conn, now);
        }
        for c in lot.start..lot.end.min(self.clients.len()) {
            self.see_off(c, now);
            self.end_life(c, now);
            self.expire_cookies(c);
            self.expire_suspended(c, now);
            self.tend(c, now);
            self.look_around(c, now);
            // What waits may have grown too old, or a connection may be allowed again after a failure: nothing else
            // would wake a client that has no connection.
            self.serve(c, now);
        }
        self.swept = if lot.end < all { lot.end } else { 0 };
        let shortest = self.plan.groups.all().iter().map(|g| g.timeout_ns).min();
        let most = (shortest.unwrap_or(0) / SWEEPS).max(SWEEP_NS);
        let round = (SWEEP_NS * all.div_ceil(SWEPT) as u64).min(most);
        self.sweep_ns = now + round / all.div_ceil(SWEEP_LOT) as u64;
    }

    fn sweep_conn(&mut self, conn: usize, now: u64) {
        let Some(c) = self.conns[conn].as_ref().map(|s| s.client) else {
            return;
        };
        let timeout = self.group_of(c).timeout_ns;
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if !state.is_usable() {
            if now >= state.since_ns + timeout
                && let Some(errand) = state.last_errand()
            {
                return self.left_unanswered(c, errand, now);
            }
            if now >= state.since_ns + timeout {
                let seconds = timeout as f64 / 1e9;
                self.despair(c);
                self.connect_failed(
                    conn,
                    &format!("no answer to the set-up of the connection within {seconds} s"),
                    now,
                );
            }
            return;
        }
        while let Some((id, sent_ns)) = self.conns[conn]
            .as_ref()
            .and_then(|s| s.calls.oldest())
            .map(|call| (call.id, call.sent_ns))
        {
            let Some(state) = self.conns[conn].as_mut() else {
                return;
            };
            let Some(oldest) = state.calls.oldest() else {
                return;
            };
            // One that was never written through, since the server does not read, counts from due.
            let (from, outcome) = match sent_ns {
                0 => (oldest.due_ns, Outcome::Abandoned),
                sent if state.mark.is_some() => (sent, Outcome::StreamEnded),
                sent => (sent, Outcome::Timeout),
            };
            if now < from + timeout {
                break;
            }
            if let Some(call) = state.calls.take(id) {
                self.settle(call.client as usize, &call, outcome, now, 0);
                self.serve_or_retire(conn, now);
            }
        }
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let overdue = |call: &Call| {
            now >= if call.sent_ns == 0 {
                call.due_ns
            } else {
                call.sent_ns
            } + timeout
        };
        match &state.job {
            // A server that never says whether it took a message; the call itself is counted above.
            Job::Post(..) if now >= state.since_ns + timeout => {
                self.lost(conn, now, |_| Outcome::Timeout);
            }
            // Its calls were looked at above. The rest of the answer would be taken for the next one's.
            Job::Several(..) if state.calls.len() == 0 && now >= state.since_ns + timeout => {
                state.job = Job::Idle;
                self.close(conn, now);
                self.serve(c, now);
            }
            Job::Call(call, settled) if overdue(call) => {
                let (call, settled) = (*call, *settled);
                state.job = Job::Idle;
                if settled.is_none() {
                    let outcome = if call.sent_ns == 0 {
                        Outcome::Abandoned
                    } else {
                        Outcome::Timeout
                    };
                    self.settle(c, &call, outcome, now, 0);
                }
                // The answer may still come, and would be taken for the next call's.
                self.close(conn, now);
                self.serve(c, now);
            }
            _ => {}
        }
        if let Some(state) = self.conns[conn].as_mut() {
            state.rest();
        }
    }

    /// Calls that wait are given up, since the user wants to end.
    pub(super) fn give_up_waiting(&mut self, now: u64) {
        let outcome = if self.interrupted {
            Outcome::Cancelled
        } else {
            Outcome::Abandoned
        };
        for c in 0..self.clients.len() {
            while let Some(drawn) = self.first_waiting(c) {
                self.clients[c].next_sent += 1;
                self.settle_unsent(c, &drawn, outcome, now);
            }
        }
    }

    /// All calls that are not over are given up.
    pub(super) fn give_up_all(&mut self, now: u64) {
        self.give_up_waiting(now);
        let outcome = if self.interrupted {
            Outcome::Cancelled
        } else {
            Outcome::StreamEnded
        };
        for c in 0..self.clients.len() {
            self.give_up_suspended(c, outcome, now);
        }
        for conn in 0..self.conns.len() {
            let Some(state) = self.conns[conn].as_mut() else {
                continue;
            };
            if state.last_errand().is_some() {
                // It has no calls, and its client still waits for the answer to that.
                continue;
            }
            for call in calls_of(state) {
                let outcome = match (self.interrupted, call.sent_ns) {
                    (true, _) => Outcome::Cancelled,
                    (false, 0) => Outcome::Abandoned,
                    (false, _) => Outcome::Timeout,
                };
                self.settle(call.client as usize, &call, outcome, now, 0);
            }
        }
        self.send_calls();
    }
}

/// Takes all calls that are not over out of a connection.
pub(super) fn calls_of(conn: &mut Conn) -> Vec<Call> {
    let mut calls = conn.calls.drain();
    if let Job::Call(call, None) = std::mem::take(&mut conn.job) {
        calls.push(call);
    }
    calls
}
