//! Failover: clients whose server lets them down call another one, and go home when theirs is back.
//!
//! A call's home stays what it was when the call came due: one that goes elsewhere counts on its home, and as moved. What
//! was sent is never sent again; only what still waits goes along. A client leaves after so many troubles in a row as
//! `--failover` says, and goes where calls are the same. Whether its home is back, one client of each worker tries at a
//! time, with growing pauses: it goes there, and when a call of it was answered, the others follow.

use super::client::{Client, Presence, Session};
use super::conn::{Conn, Job};
use super::ends::End;
use super::worker::Worker;
use crate::dice;
use protocol::outcome::Outcome;

/// Pauses between tries whether a home is back begin as those after so many attempts to connect that failed.
const FIRST_PAUSE: u32 = 2;
/// Clients go home within this time after the one who has tried.
const RETURN_NS: u64 = 500_000_000;

/// A server that clients of this worker have left, as long as no call was answered there.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// Who tries whether it is back, and until when nobody else does.
    scout: Option<(usize, u64)>,
    /// Tries in a row that failed.
    failures: u32,
    /// When the next one may begin.
    next_ns: u64,
}

impl Client {
    /// Whether it is to leave a server that has let it down so often.
    fn is_fed_up(&self, limit: u32) -> bool {
        self.troubles >= limit
    }
}

impl Worker {
    /// A client's call is over: what that says about the server it was sent to.
    pub(super) fn judge(&mut self, c: usize, place: u16, sent_ns: u64, outcome: Outcome, now: u64) {
        if self.plan.failover.is_none() {
            return;
        }
        let owner = self.clients[c].owner;
        let client = &mut self.clients[owner];
        match outcome {
            // These say nothing of the server, or are counted where the connection ended.
            Outcome::ProtocolError
            | Outcome::Cancelled
            | Outcome::Shed
            | Outcome::Abandoned
            | Outcome::ConnectFailed
            | Outcome::ConnectionClosed { .. }
            | Outcome::StreamEnded => {}
            Outcome::Timeout => {
                // One from an earlier stay there is no news.
                let is_new = client.place == place && sent_ns >= client.placed_ns;
                client.troubles += u32::from(is_new && sent_ns > client.answered_ns);
            }
            _ => {
                if client.place == place {
                    (client.troubles, client.answered_ns) = (0, now);
                }
                self.outages[usize::from(place)] = None;
            }
        }
    }

    /// A connection of a client has ended with calls in flight. Where none was answered since it was made, the server
    /// takes connections and serves nobody.
    pub(super) fn judge_loss(&mut self, c: usize, since_ns: u64) {
        let client = &mut self.clients[c];
        client.troubles += u32::from(client.answered_ns < since_ns);
    }

    /// A client has waited for a connection as long as for a call: that is enough to leave.
    pub(super) fn despair(&mut self, c: usize) {
        let limit = self.plan.failover.unwrap_or_default();
        let client = &mut self.clients[c];
        client.troubles = client.troubles.max(limit);
    }

    /// Lets a client leave a server that has let it down, where there is another; false where it stays.
    pub(super) fn flee(&mut self, c: usize, now: u64) -> bool {
        let Some(limit) = self.plan.failover else {
            return false;
        };
        let client = &self.clients[c];
        let place = client.place;
        if !(client.is_fed_up(limit) || self.is_scout(c)) || now >= self.load_end_ns {
            return false;
        }
        let scouted = self.is_scout(c);
        let refuge = self.refuge(c);
        let failures = self.outages[usize::from(place)].map_or(0, |o| o.failures);
        let failures = failures + u32::from(scouted);
        let pause = self.pause_ns_after(c, failures);
        let outage = self.outages[usize::from(place)].get_or_insert(Outage {
            scout: None,
            failures,
            next_ns: now + pause,
        });
        if scouted {
            *outage = Outage {
                scout: None,
                failures,
                next_ns: now + pause,
            };
        }
        let Some(to) = refuge else {
            return false;
        };
        let name = self.homes[usize::from(place)].name.clone();
        self.tell(
            "failed_over",
            format!("{name}: its clients call other targets until it answers again"),
            Some("leave --failover out to have them stay, and to see what an outage costs"),
        );
        self.uproot(c, End::Lost, now);
        self.settle_at(c, to, now);
        true
    }

    /// How long nobody tries whether a server is back, after so many tries that failed.
    fn pause_ns_after(&self, c: usize, failures: u32) -> u64 {
        let number = u64::from(self.clients[c].number) | 2 << 40;
        let throw = dice::fraction(self.plan.seed, number, u64::from(failures));
        let comings = self.group_of(c).comings;
        comings.backoff_ns(failures.saturating_add(FIRST_PAUSE), throw)
    }

    /// Whether a client is the one who tries whether its home is back.
    fn is_scout(&self, c: usize) -> bool {
        let client = &self.clients[c];
        let outage = self.outages[usize::from(client.home())];
        client.place == client.home()
            && outage
                .and_then(|o| o.scout)
                .is_some_and(|(scout, _)| scout == c)
    }

    /// Where a client can make the same calls in the same way. Those of one home spread over what there is.
    fn refuge(&self, c: usize) -> Option<u16> {
        let client = &self.clients[c];
        let here = &self.homes[usize::from(client.place)];
        if self.group_of(c).is_idle {
            return None;
        }
        let live = self.homes.iter().filter(|h| h.live).count().max(1);
        let fits: Vec<u16> = (0..self.homes.len() as u16)
            .filter(|&i| {
                let there = &self.homes[usize::from(i)];
                there.live && self.outages[usize::from(i)].is_none() && here.can_stand_in(there)
            })
            .collect();
        if fits.contains(&client.home()) {
            return Some(client.home());
        }
        fits.get(client.number as usize / live % fits.len().max(1))
            .copied()
    }

    /// From now on a client without connections connects to the server at `place`.
    pub(super) fn settle_at(&mut self, c: usize, place: u16, now: u64) {
        let client = &mut self.clients[c];
        client.place = place;
        client.placed_ns = now;
        (client.troubles, client.failures) = (0, 0);
        (client.homeward_ns, client.goes_home) = (0, false);
        if !client.rests {
            let jitter = self.backoff_ns(c) / 4;
            self.note_retry(c, now + jitter);
        }
    }

    /// Looks after a client where servers fail: whether it has had enough, and whether it can go home.
    pub(super) fn look_around(&mut self, c: usize, now: u64) {
        let Some(limit) = self.plan.failover else {
            return;
        };
        if self.rides(c) || now >= self.load_end_ns {
            return;
        }
        let is_scout = self.is_scout(c);
        let client = &self.clients[c];
        let is_failing = is_scout && (client.troubles > 0 || self.is_kept_waiting(c, now));
        if is_failing || client.is_fed_up(limit) {
            self.flee(c, now);
        }
        let client = &self.clients[c];
        let home = client.home();
        if client.place == home {
            return;
        }
        if client.goes_home {
            return self.go_home(c, now);
        }
        let patience = self.group_of(c).timeout_ns;
        match &mut self.outages[usize::from(home)] {
            None if client.homeward_ns == 0 => {
                let number = u64::from(client.number) | 3 << 40;
                let throw = dice::fraction(self.plan.seed, number, client.sessions);
                self.clients[c].homeward_ns = now + (RETURN_NS as f64 * throw) as u64;
            }
            None if now >= client.homeward_ns => self.go_home(c, now),
            None => {}
            Some(outage) => {
                let is_free = outage.scout.is_none_or(|(_, until)| now >= until);
                if is_free && now >= outage.next_ns && client.presence == Presence::Here {
                    outage.scout = Some((c, now.saturating_add(2 * patience)));
                    self.go_home(c, now);
                }
            }
        }
    }

    /// Whether the one who tries has waited for half of its timeout: then what waits behind can still go elsewhere.
    fn is_kept_waiting(&self, c: usize, now: u64) -> bool {
        let client = &self.clients[c];
        let since = match client.session {
            Session::Open => self.oldest_sent(client),
            Session::Opening => Some(client.opening_since_ns.max(client.placed_ns)),
            Session::Down => None,
        };
        since.is_some_and(|since| now >= since + self.group_of(c).timeout_ns / 2)
    }

    fn oldest_sent(&self, client: &Client) -> Option<u64> {
        let conns = client.conns.iter().filter_map(|&n| self.conns[n].as_ref());
        let sent = |conn: &Conn| match &conn.job {
            Job::Call(call, None) => Some(call.sent_ns),
            _ => conn.calls.oldest().map(|call| call.sent_ns),
        };
        conns.filter_map(sent).filter(|&ns| ns > 0).min()
    }

    /// A client goes home: it takes up no more calls here, says goodbye, and connects there.
    fn go_home(&mut self, c: usize, now: u64) {
        let client = &mut self.clients[c];
        client.goes_home = true;
        match client.session {
            Session::Open => {
                client.is_parting = true;
                self.part_when_idle(c, now);
            }
            // It will be one of the others in a moment.
            Session::Opening => {}
            Session::Down => self.arrive_home(c, now),
        }
    }

    /// A client without a session who was to go home does.
    pub(super) fn arrive_home(&mut self, c: usize, now: u64) {
        if std::mem::take(&mut self.clients[c].goes_home) {
            self.uproot(c, End::Lost, now);
            let home = self.clients[c].home();
            self.settle_at(c, home, now);
        }
    }

    /// Whether a client has a call under way that is to tell whether its home is back: others wait for that.
    pub(super) fn tries(&self, c: usize) -> bool {
        self.plan.failover.is_some()
            && self.is_scout(c)
            && self.clients[c]
                .conns
                .iter()
                .filter_map(|&n| self.conns[n].as_ref())
                .any(Conn::has_calls)
    }

    /// The servers have changed: outages of those that moved or went are over, and whoever is there goes home.
    pub(super) fn forget_outages(&mut self, changed: impl Fn(usize) -> bool, now: u64) {
        for (i, outage) in self.outages.iter_mut().enumerate() {
            if changed(i) {
                *outage = None;
            }
        }
        for c in 0..self.clients.len() {
            let client = &self.clients[c];
            let place = usize::from(client.place);
            if !self.rides(c)
                && client.place != client.home()
                && (changed(place) || !self.homes[place].live)
            {
                self.uproot(c, End::Abandoned, now);
                let home = self.clients[c].home();
                self.settle_at(c, home, now);
            }
        }
    }
}
