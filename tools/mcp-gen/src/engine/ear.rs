//! What a client wants to hear without asking each time: what it asks for at the begin of each session, and how that stands.

use super::conn::Errand;
use super::resuming::Mark;
use super::worker::Worker;
use crate::heard::Heard;
use crate::tally::Key;
use protocol::message::{self, ClientInfo};
use protocol::outcome::Outcome;
use protocol::revision::Era;
use protocol::transport::Transport;
use std::collections::VecDeque;

/// A client's subscriptions, and what it remembers of notifications.
#[derive(Debug, Default)]
pub struct Ear {
    /// What is still to be asked for, in turn.
    wishes: VecDeque<Wish>,
    /// What was asked for and not answered: ids, when, and what.
    asked: Vec<(u64, u64, Wish)>,
    /// Subscriptions that stand.
    standing: u64,
    /// The `subscriptions/listen` that they are of, in the modern era.
    pub(super) listen: Option<u64>,
    /// Where they are told.
    pub(super) stream: Stream,
    /// When a stream that is missing may be opened, or asked for, again.
    pub(super) again_ns: u64,
    /// Where the legacy stream over HTTP ended, for the next one to go on from.
    pub(super) mark: Option<Mark>,
    /// When the last update was read.
    pub(super) updated_ns: u64,
    /// Calls that progress was told of: their indices, and when last.
    pub(super) progress: VecDeque<(u64, u64)>,
    /// Calls that were cancelled, by their ids.
    pub(super) cancelled: VecDeque<u64>,
}

/// Where a client hears what it subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// Nowhere.
    #[default]
    None,
    /// On an HTTP connection of its own that is still to be opened: the next one that stands.
    Wanted,
    /// On the connection with this number.
    On(usize),
}

/// What is asked for once a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// Log messages from a level on.
    Level,
    /// The n-th of the client's resources.
    Subscribe(usize),
    /// All of them, so many, in the modern era.
    Listen(u64),
}

/// So long a client waits before it asks again for what has ended, or could not be had.
const AGAIN_NS: u64 = 500_000_000;

impl Ear {
    /// HTTP connections besides those for calls: its stream has one of its own.
    pub fn extra_connections(&self) -> usize {
        usize::from(self.stream != Stream::None)
    }
}

impl Worker {
    /// What clients hear besides answers, in the row of a client's connections.
    pub(super) fn heard_by(&mut self, c: usize, now: u64) -> &mut Heard {
        let key = self.row_of_connections(c, now);
        self.book.cell(key).heard()
    }

    /// The row of a client's connections.
    pub(super) fn row_of_connections(&self, c: usize, now: u64) -> Key {
        Key {
            stage: self.stages.at(now) as u16,
            home: self.homes[usize::from(self.place_of(c))].row,
            label: self.clients[c].group,
        }
    }

    /// A session has begun: the client asks for what it wants to hear. What it had before has ended with the last one.
    pub(super) fn tune_in(&mut self, c: usize, now: u64) {
        if self.group_of(c).is_idle {
            // It has no place on the menu, and asks for nothing.
            return;
        }
        let home = self.server_of(c);
        let client = &mut self.clients[c];
        let hearing = home.menu.hearing(client.group);
        if hearing.is_silent() {
            return;
        }
        let uris = hearing.uris_of(self.plan.seed, client.number).count();
        let era = home.dialect.era;
        let had_stream = client.ear.as_ref().map_or(Stream::None, |ear| ear.stream);
        let is_http = home.transport == Transport::Http;
        if let (Era::Modern, true, Stream::On(_)) = (era, is_http, had_stream) {
            // It stands by itself: there are no sessions.
            return;
        }
        self.lose_subscriptions(c, now);
        if let (Stream::On(conn), Transport::Http) = (had_stream, home.transport) {
            self.remove(conn);
        }
        let client = &mut self.clients[c];
        let ear = client.ear.get_or_insert_default();
        ear.asked.clear();
        ear.wishes.clear();
        ear.mark = None;
        ear.stream = match home.transport {
            _ if uris == 0 => Stream::None,
            Transport::Http => Stream::Wanted,
            _ => client
                .conns
                .first()
                .map_or(Stream::None, |&conn| Stream::On(conn)),
        };
        ear.wishes.extend(hearing.level.map(|_| Wish::Level));
        match era {
            Era::Legacy => ear.wishes.extend((0..uris).map(Wish::Subscribe)),
            Era::Modern if uris > 0 => ear.wishes.push_back(Wish::Listen(uris as u64)),
            Era::Modern => {}
        }
        self.ask_on(c, now);
        self.open_ear(c, now);
    }

    /// Asks for what comes next: on a connection of many calls for all of it, elsewhere one after the other.
    fn ask_on(&mut self, c: usize, now: u64) {
        let home = self.server_of(c);
        let transport = home.transport;
        let posts = matches!(transport, Transport::Http | Transport::Sse);
        loop {
            let client = &mut self.clients[c];
            let Some(ear) = &mut client.ear else { return };
            if posts && !ear.asked.is_empty() {
                return;
            }
            let listens = matches!(ear.wishes.front(), Some(Wish::Listen(_)));
            // Over HTTP the stream is this request's own; elsewhere it has its time, where one has ended before.
            if listens && (transport == Transport::Http || now < ear.again_ns) {
                return;
            }
            let Some(wish) = ear.wishes.pop_front() else {
                return;
            };
            let id = client.next_id;
            client.next_id += 1;
            ear.asked.push((id, now, wish));
            let body = self.wish_message(c, id, wish);
            match (transport, self.clients[c].conns.first()) {
                (Transport::Http, _) => self.queue_reply(c, body, Errand::Aside(id)),
                (Transport::Sse, _) => self.post_soon(c, body, Errand::Reply, now),
                (_, Some(&conn)) => self.write_message(conn, &body),
                (_, None) => {}
            }
        }
    }

    fn wish_message(&self, c: usize, id: u64, wish: Wish) -> Vec<u8> {
        let home = self.server_of(c);
        let client = &self.clients[c];
        let hearing = home.menu.hearing(client.group);
        let mut uris = hearing.uris_of(self.plan.seed, client.number);
        match wish {
            Wish::Level => message::set_level(id, hearing.level.unwrap_or("info")),
            Wish::Subscribe(n) => message::subscribe(id, uris.nth(n).unwrap_or_default()),
            Wish::Listen(_) => {
                let uris: Vec<&str> = uris.collect();
                message::listen(id, &uris, home.dialect.revision, &ClientInfo::default())
            }
        }
    }

    /// The request that opens the stream of a modern client over HTTP.
    pub(super) fn listen_message(&mut self, c: usize, now: u64) -> Option<Vec<u8>> {
        let client = &mut self.clients[c];
        let ear = client.ear.as_mut()?;
        let at = ear
            .wishes
            .iter()
            .position(|w| matches!(w, Wish::Listen(_)))?;
        let wish = ear.wishes.remove(at)?;
        let id = client.next_id;
        client.next_id += 1;
        ear.asked.push((id, now, wish));
        Some(self.wish_message(c, id, wish))
    }

    /// An answer came that belongs to no call. Gives whether it is one to what the client had asked for besides, or to a
    /// call that it has cancelled.
    pub(super) fn answered_aside(&mut self, c: usize, id: u64, outcome: Outcome, now: u64) -> bool {
        let Some(ear) = &mut self.clients[c].ear else {
            return false;
        };
        if let Some(at) = ear.cancelled.iter().position(|&of| of == id) {
            ear.cancelled.remove(at);
            self.heard_by(c, now).late_answers += 1;
            return true;
        }
        if ear.listen == Some(id) {
            // A graceful end.
            self.lose_subscriptions(c, now);
            self.listen_again(c, now);
            return true;
        }
        let Some(at) = ear.asked.iter().position(|(of, ..)| *of == id) else {
            return false;
        };
        let (_, _, wish) = ear.asked.remove(at);
        match (wish, outcome) {
            (Wish::Level, Outcome::Ok) => {}
            (Wish::Level, _) => self.tell(
                "level_refused",
                format!("a server did not take the log level: {}", said(outcome)),
                None,
            ),
            (Wish::Subscribe(_), Outcome::Ok) => {
                ear.standing += 1;
                self.heard_by(c, now).subscribed += 1;
            }
            (Wish::Subscribe(_), _) => self.refused(c, 1, outcome, now),
            // It ended before it said what it had accepted.
            (Wish::Listen(_), Outcome::Ok) => self.listen_again(c, now),
            (Wish::Listen(n), _) => self.refused(c, n, outcome, now),
        }
        self.ask_on(c, now);
        true
    }

    /// What was asked for by the request of a stream that was refused.
    pub(super) fn refuse_asked(&mut self, c: usize, outcome: Outcome, now: u64) {
        let Some(ear) = &mut self.clients[c].ear else {
            return;
        };
        let is_listen = |(_, _, wish): &&(u64, u64, Wish)| matches!(wish, Wish::Listen(_));
        if let Some((id, ..)) = ear.asked.iter().find(is_listen).copied() {
            self.answered_aside(c, id, outcome, now);
        }
        if let Some(ear) = &mut self.clients[c].ear {
            // Whoever refuses it once would do so again.
            ear.wishes.retain(|wish| !matches!(wish, Wish::Listen(_)));
        }
    }

    /// HTTP connections of a client besides those for calls.
    pub(super) fn besides(&self, c: usize) -> usize {
        let ear = self.clients[c].ear.as_ref();
        ear.map_or(0, |ear| ear.extra_connections())
    }

    fn refused(&mut self, c: usize, n: u64, outcome: Outcome, now: u64) {
        self.heard_by(c, now).subscriptions_refused += n;
        self.tell(
            "subscription_refused",
            format!("a server did not take a subscription: {}", said(outcome)),
            Some("subscribe to other resources (--subscribe, [subscribe] in the profile), or to none"),
        );
    }

    /// A `subscriptions/listen` was acknowledged, with so many resources.
    pub(super) fn acknowledged(&mut self, c: usize, id: u64, accepted: u64, now: u64) {
        let Some(ear) = &mut self.clients[c].ear else {
            return;
        };
        let Some(at) = ear.asked.iter().position(|(of, ..)| *of == id) else {
            return;
        };
        let (_, _, wish) = ear.asked.remove(at);
        let Wish::Listen(wanted) = wish else { return };
        let accepted = accepted.min(wanted);
        (ear.listen, ear.standing) = (Some(id), accepted);
        let heard = self.heard_by(c, now);
        heard.subscribed += accepted;
        heard.subscriptions_refused += wanted - accepted;
    }

    /// What a client had subscribed to has ended, unless that is the end of the load.
    pub(super) fn lose_subscriptions(&mut self, c: usize, now: u64) {
        let is_over = now >= self.load_end_ns;
        let Some(ear) = &mut self.clients[c].ear else {
            return;
        };
        let lost = std::mem::take(&mut ear.standing);
        ear.listen = None;
        ear.updated_ns = 0;
        if lost > 0 && !is_over {
            self.heard_by(c, now).subscriptions_lost += lost;
        }
    }

    /// A modern client asks once more for the stream that has ended.
    pub(super) fn listen_again(&mut self, c: usize, now: u64) {
        let home = self.server_of(c);
        let client = &mut self.clients[c];
        let hearing = home.menu.hearing(client.group);
        let uris = hearing.uris_of(self.plan.seed, client.number).count() as u64;
        let Some(ear) = &mut client.ear else { return };
        let has_wish = ear.wishes.iter().any(|w| matches!(w, Wish::Listen(_)));
        if home.dialect.era == Era::Modern && uris > 0 && !has_wish {
            ear.wishes.push_back(Wish::Listen(uris));
        }
        ear.again_ns = now + AGAIN_NS;
    }

    /// The client says goodbye by itself: nothing is lost that it wanted.
    pub(super) fn tune_out(&mut self, c: usize) {
        if let Some(ear) = &mut self.clients[c].ear {
            (ear.standing, ear.listen, ear.stream) = (0, None, Stream::None);
            ear.asked.clear();
            ear.wishes.clear();
        }
    }

    /// Looks at what a client waits for besides its calls.
    pub(super) fn tend(&mut self, c: usize, now: u64) {
        let timeout = self.group_of(c).timeout_ns;
        let Some(ear) = &self.clients[c].ear else {
            return;
        };
        if let Some(&(id, asked_ns, _)) = ear.asked.first()
            && now >= asked_ns + timeout
        {
            self.answered_aside(c, id, Outcome::Timeout, now);
        }
        let is_time = self.clients[c]
            .ear
            .as_ref()
            .is_some_and(|ear| now >= ear.again_ns);
        if is_time && self.clients[c].session == super::client::Session::Open {
            self.ask_on(c, now);
            self.open_ear(c, now);
        }
    }

    /// Opens the connection that a client's stream is to have.
    fn open_ear(&mut self, c: usize, now: u64) {
        let client = &mut self.clients[c];
        if let Some(ear) = &mut client.ear
            && ear.stream == Stream::Wanted
            && now >= ear.again_ns
            && now < self.load_end_ns
        {
            ear.again_ns = now + AGAIN_NS;
            self.connect(c, now);
        }
    }
}

/// An outcome for people.
fn said(outcome: Outcome) -> String {
    match outcome.code() {
        Some(code) => format!("{} {code}", outcome.class()),
        None => outcome.class().to_owned(),
    }
}
