//! A client: its schedule, its backlog as two indices, its session.

use super::conn::Errand;
use super::ear::Ear;
use super::resuming::Suspended;
use super::rounds::Rounds;
use super::sharing::Riders;
use crate::crowd::Visit;
use crate::schedule::Schedule;
use protocol::cookies::Jar;
use protocol::endpoint::Endpoint;
use protocol::http::PostHead;

/// A client of the load.
pub struct Client {
    /// Its number over all workers.
    pub number: u32,
    /// Its group, which says its profile.
    pub group: u16,
    /// What it remembers of its sequences, where it makes any.
    pub rounds: Option<Box<Rounds>>,
    /// What it hears besides answers, once there is anything to remember of that.
    pub ear: Option<Box<Ear>>,
    /// Whose connection it calls over, by its place in the worker: its own, or that of a carrier.
    pub owner: usize,
    /// Whether it waits for its turn on a connection that is shared.
    pub is_queued: bool,
    /// Who calls over its connection, where it is a carrier.
    pub riders: Option<Box<Riders>>,
    /// Its schedule; in the closed model there is none.
    pub schedule: Option<Schedule>,
    /// Closed model: of its users, those who could call now.
    pub free: u32,
    /// Closed model: those who think; each has an instant at which it is due to stop.
    pub thinking: u32,
    /// When it is there; of those that are over, only the last is left. Empty where it always is.
    pub visits: Vec<Visit>,
    /// Whether it is there.
    pub presence: Presence,
    /// The next call to come due. In the closed model the next one to be made.
    pub next_due: u64,
    /// The next call to be sent: those from here up to `next_due` wait.
    pub next_sent: u64,
    /// Where it lives, for all calls from this index on: by the call it is not looked for in a list.
    home: (u64, u16),
    /// Where it lived before, as long as calls of those times wait: from which index on, and where.
    earlier: Vec<(u64, u16)>,
    /// The server that it is connected to, or connects to: its home as a rule. Who calls over another's connection is
    /// where that goes.
    pub place: u16,
    /// Troubles with `place` since a call was last answered there.
    pub troubles: u32,
    /// When it has come there.
    pub placed_ns: u64,
    /// When a call was last answered there; only where that matters.
    pub answered_ns: u64,
    /// Away from home, which is back: when it goes there.
    pub homeward_ns: u64,
    /// Whether it goes home as soon as the session that it has is over.
    pub goes_home: bool,
    /// Connections, by their numbers in the worker.
    pub conns: Vec<usize>,
    /// Of these, HTTP ones that are free.
    pub idle: Vec<usize>,
    /// Of these, the HTTP one on which calls gather for a batch.
    pub gathering: Option<usize>,
    /// HTTP/2: of these, the one that carries the others.
    pub carrier: Option<usize>,
    /// Whether calls can be sent.
    pub session: Session,
    /// The head of its HTTP requests, while the session is open.
    pub head: Option<PostHead>,
    /// `Mcp-Session-Id`, in the legacy era where the server gives one.
    pub session_id: Option<String>,
    /// Where its messages go, where not to the home's endpoint: HTTP+SSE.
    pub post_to: Option<Endpoint>,
    /// Its cookies, where its home gives any.
    pub jar: Option<Jar>,
    /// The user's headers and the cookies, where there are any.
    pub headers: Option<Vec<(String, String)>>,
    /// Calls with lower ids belong to an earlier session.
    pub session_first_id: u64,
    /// Replies to requests of the server, and other messages besides the load, that wait for a free HTTP connection.
    pub replies: Vec<(Vec<u8>, Errand)>,
    /// Calls whose stream is to be asked for again.
    pub suspended: Vec<Suspended>,
    /// The next JSON-RPC id; unique in the session, over all of its connections.
    pub next_id: u64,
    /// Attempts to connect that failed in a row.
    pub failures: u32,
    /// When it may connect again.
    pub retry_ns: u64,
    /// Whether an attempt for `retry_ns` is noted already.
    pub retry_noted: bool,
    /// Whether it has a session that has not ended, for the counts.
    pub has_session: bool,
    /// Whether it stays away until a call is due.
    pub rests: bool,
    /// How many sessions it has had.
    pub sessions: u64,
    /// When the one it has is to end.
    pub lives_until_ns: u64,
    /// How many calls are left until then, too.
    pub calls_left: u64,
    /// Whether that has come: it takes up no more calls, and those under way may finish.
    pub is_parting: bool,
    /// Whether its schedule runs: from its first connection, its first failure to connect, or the begin of the load.
    pub joined: bool,
    /// When the set-up under way began.
    pub opening_since_ns: u64,
}

/// Whether a client takes part, in stages with more or fewer clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has no connection and makes none before its next visit.
    Away,
    /// It is there, or about to be.
    Here,
    /// It has left, and its last calls may still finish.
    Leaving,
}

/// Whether a client can call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// It has no connection and makes none now.
    Down,
    /// A connection or a session is being set up.
    Opening,
    /// It can call.
    Open,
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(
        number: u32,
        group: u16,
        schedule: Option<Schedule>,
        visits: Vec<Visit>,
        home: u16,
    ) -> Self {
        Self {
            number,
            group,
            rounds: None,
            ear: None,
            owner: 0,
            is_queued: false,
            riders: None,
            schedule,
            free: 0,
            thinking: 0,
            presence: if visits.is_empty() {
                Presence::Here
            } else {
                Presence::Away
            },
            visits,
            next_due: 0,
            next_sent: 0,
            home: (0, home),
            earlier: Vec::new(),
            place: home,
            troubles: 0,
            placed_ns: 0,
            answered_ns: 0,
            homeward_ns: 0,
            goes_home: false,
            conns: Vec::new(),
            idle: Vec::new(),
            gathering: None,
            carrier: None,
            session: Session::Down,
            head: None,
            session_id: None,
            post_to: None,
            jar: None,
            headers: None,
            session_first_id: 0,
            replies: Vec::new(),
            suspended: Vec::new(),
            next_id: 1,
            failures: 0,
            retry_ns: 0,
            retry_noted: false,
            has_session: false,
            rests: false,
            sessions: 0,
            lives_until_ns: u64::MAX,
            calls_left: u64::MAX,
            is_parting: false,
            joined: false,
            opening_since_ns: 0,
        }
    }

    /// Where it lives now: the home of the next call that comes due.
    pub fn home(&self) -> u16 {
        self.home.1
    }

    /// The home of a call, which was fixed when it came due.
    pub fn home_of(&self, index: u64) -> u16 {
        let (from, home) = self.home;
        if index >= from {
            return home;
        }
        self.earlier
            .iter()
            .rev()
            .find(|(from, _)| *from <= index)
            .map_or(0, |(_, home)| *home)
    }

    /// From the next call on it lives at `home`.
    pub fn move_to(&mut self, home: u16) {
        self.earlier.push(self.home);
        // Homes that no waiting call belongs to any more are forgotten.
        let waiting_from = self
            .earlier
            .iter()
            .rposition(|(from, _)| *from <= self.next_sent)
            .unwrap_or(0);
        self.earlier.drain(..waiting_from);
        self.home = (self.next_due, home);
        self.place = home;
        (self.troubles, self.homeward_ns, self.goes_home) = (0, 0, false);
    }

    /// Whether calls wait to be sent.
    pub fn has_backlog(&self) -> bool {
        self.next_sent < self.next_due
    }
}
