//! Opening connections: when, where to, and what happens when that fails.

use super::client::{Client, Presence, Session};
use super::conn::{Conn, Job, Phase};
use super::ends::End;
use super::framing::Framing;
use super::worker::Worker;
use crate::home::Home;
use crate::pacer::Pacer;
use crate::tally::{Key, count};
use protocol::outcome::Outcome;
use protocol::revision::Era;
use protocol::transport::Transport;
use protocol::wire::Wire;
use rustix::process::{Resource, getrlimit};
use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;

/// A client takes at least this long to connect, so that a flood of them does not fill the listen queue.
const PACE_NS: u64 = 1_000_000;
/// Clients whose time has come connect together so often, instead of waking the worker for each.
pub(super) const RETRY_NS: u64 = 500_000;
/// So many connect in one go at most; then what has come and what is due has its turn.
const RETRY_LOT: usize = 32;
/// So many connections leave one address of this machine towards a server on it. The kernel looks for a free port by
/// trying one after the other, and beyond half of its 28,000 that takes milliseconds.
const PER_LOOPBACK_ADDRESS: usize = 8_000;

impl Worker {
    /// Spreads the first connections over the connect stage.
    pub(super) fn plan_connecting(&mut self) {
        let now = record::clock::mono_ns().max(self.stages.all()[0].start_ns);
        let begin = self.stages.load_start_ns();
        let left = begin.saturating_sub(now);
        // Half of the time for beginning, half for a slow server to answer.
        let pace = (left / 2 / u64::from(self.plan.everybody()).max(1)).min(PACE_NS);
        for c in 0..self.clients.len() {
            let client = &self.clients[c];
            if self.rides(c) {
                continue;
            }
            if client.storms_at(begin) {
                self.note_retry(c, begin);
                continue;
            }
            if client.is_wanted_at(begin) && self.comes_for_calls(c) {
                self.clients[c].presence = Presence::Here;
                self.rest(c, begin);
                continue;
            }
            let at = if client.is_wanted_at(begin) {
                now + pace * u64::from(client.number)
            } else {
                self.sets_out_ns(c)
            };
            self.note_retry(c, at);
        }
    }

    pub(super) fn note_retry(&mut self, c: usize, at_ns: u64) {
        let is_sooner = at_ns < std::mem::replace(&mut self.clients[c].retry_ns, at_ns);
        // One who moves need not sit out the pause that was for the server it has left.
        if is_sooner || !self.clients[c].retry_noted {
            self.clients[c].retry_noted = true;
            self.retries.push(Reverse((at_ns, c)));
        }
    }

    /// Connects the clients whose time has come.
    pub(super) fn retry(&mut self, now: u64) {
        if now < self.retried_ns + RETRY_NS {
            return;
        }
        for n in 0.. {
            let Some(&Reverse((at, c))) = self.retries.peek() else {
                return;
            };
            if at > now {
                return;
            }
            if n == RETRY_LOT {
                // More at once when the others have had their turn.
                return self.retried_ns = now - RETRY_NS;
            }
            self.retried_ns = now;
            self.retries.pop();
            self.clients[c].retry_noted = false;
            if !self.sets_out(c, at) {
                continue;
            }
            // What waits behind a server that is down must not wait for the end of the drain: one more try tells.
            let wanted = now < self.load_end_ns || self.is_waited_for(c);
            let is_away = self.clients[c].session == Session::Down && !self.clients[c].rests;
            if is_away && self.clients[c].goes_home {
                self.arrive_home(c, now);
                continue;
            }
            if is_away && wanted {
                match self.clients[c].idle.pop() {
                    // Its session is gone, and a connection is left over from that.
                    Some(conn) => self.initialize_http(conn, now),
                    None => self.connect(c, now),
                }
            }
        }
    }

    /// Begins one more connection of a client to its server.
    pub(super) fn connect(&mut self, c: usize, now: u64) {
        let home = self.server_of(c);
        if home.http2 && self.is_connecting(c) {
            // All that it wants goes over one connection.
            return;
        }
        let client = &mut self.clients[c];
        if client.session == Session::Down {
            client.session = Session::Opening;
            client.opening_since_ns = now;
        }
        if let Some(carrier) = client.carrier {
            if let Some(lane) = self.lane(c, carrier) {
                self.exchange_wired(lane, c, &home, now);
            }
            return;
        }
        let wire = self.dial(c, &home);
        let wire = match wire {
            Ok(wire) => wire,
            Err(why) => return self.could_not_connect(c, home.row, &why, now),
        };
        let framing = match Framing::of(home.transport, self.plan.append_newline) {
            Framing::Events if !self.clients[c].conns.is_empty() => Framing::Exchange,
            framing => framing,
        };
        let conn = self.free.pop().unwrap_or_else(|| {
            self.conns.push(None);
            self.conns.len() - 1
        });
        self.narrow(c, &wire);
        let added = self.poller.add(wire.as_fd(), conn, true);
        self.conns[conn] = Some(Conn::new(wire, c, home.row, framing, now));
        self.clients[c].conns.push(conn);
        if let Err(e) = added {
            self.connect_failed(conn, &format!("epoll refused the socket: {e}"), now);
        }
    }

    /// Begins a connection, to one address after the other, or to a child.
    fn dial(&mut self, c: usize, home: &Home) -> Result<Wire, String> {
        let started = if home.transport == Transport::Stdio {
            let children = &self.plan.children;
            children
                .start(&home.name, &home.endpoint.path)
                .and_then(|(socket, _)| Wire::over(socket))
        } else {
            let turn = self.clients[c].failures as usize % home.addresses.len().max(1);
            let address = home.addresses.get(turn);
            let address = *address.ok_or("its name has no address")?;
            let name = home.tls_name.as_deref().unwrap_or(&home.endpoint.host);
            let tls = if home.transport == Transport::Http {
                self.plan.tls_http.as_ref()
            } else {
                self.plan.tls.as_ref()
            };
            let tls = tls.filter(|_| home.endpoint.scheme.is_tls());
            let tls = tls.map(|config| (config, name));
            Wire::start_from(self.source(c, address), address, tls)
        };
        if let Err(e) = &started {
            self.tell_exhausted(e);
        }
        started.map_err(|e| e.to_string())
    }

    /// Whether a connection of a client is being made, over which nothing can be said yet.
    fn is_connecting(&self, c: usize) -> bool {
        let conns = self.clients[c].conns.iter();
        conns
            .filter_map(|&conn| self.conns[conn].as_ref())
            .any(|state| state.phase != Phase::Open)
    }

    /// What is this machine's limit and not the server's failure is told apart, with the way out.
    fn tell_exhausted(&mut self, e: &std::io::Error) {
        match e.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => {
                let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
                self.tell(
                    "too_many_files",
                    format!("all of the {limit} open files that this process may have are in use, so clients cannot connect: that is no failure of the server"),
                    Some("raise the hard limit (ulimit -Hn as root, LimitNOFILE= of systemd, --ulimit nofile= of docker), use fewer --clients or --max-connections, or run several generators"),
                );
            }
            Some(libc::EADDRNOTAVAIL) => self.tell(
                "no_port_left",
                "no local port is left towards a server, or --source-address names an address that this machine does not have: that is no failure of the server".to_owned(),
                Some("give more addresses with --source-address, or widen net.ipv4.ip_local_port_range"),
            ),
            _ => {}
        }
    }

    /// The address that the next connection of a client comes from; `None` leaves it to the kernel.
    fn source(&self, c: usize, to: SocketAddr) -> Option<IpAddr> {
        let plan = &self.plan;
        let number = self.clients[c].number as usize;
        let given = plan.sources.iter().filter(|s| s.is_ipv4() == to.is_ipv4());
        let count = given.clone().count();
        if count > 0 {
            return given.copied().nth(number % count);
        }
        match to.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => {
                let standing = self.clients[c].conns.len() * plan.everybody() as usize + number;
                let nth = u8::try_from(standing / PER_LOOPBACK_ADDRESS).unwrap_or(u8::MAX);
                (nth > 0).then(|| Ipv4Addr::new(127, 0, nth, 1).into())
            }
            _ => None,
        }
    }

    /// The server that a client is connected to, or connects to.
    pub(super) fn server_of(&self, c: usize) -> Arc<Home> {
        Arc::clone(&self.homes[usize::from(self.place_of(c))])
    }

    /// Takes the set-up of a connection as far as it goes now.
    pub(super) fn open_further(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let was = state.phase;
        let Some(wire) = &mut state.wire else {
            return;
        };
        let mut step = || -> std::io::Result<bool> {
            if state.phase == Phase::Tcp {
                if !wire.finish_connect()? {
                    return Ok(false);
                }
                state.phase = Phase::Tls;
                // A child has no address.
                state.port = wire.local_address().map_or(0, |a| a.port());
            }
            wire.handshake()
        };
        let stepped = step();
        let (phase, has_tls, port) = (state.phase, wire.has_tls(), state.port);
        if was == Phase::Tcp && phase != was && port > 0 {
            self.end_part(conn, |anatomy| &mut anatomy.tcp, now);
        }
        if has_tls && matches!(stepped, Ok(true)) {
            self.end_part(conn, |anatomy| &mut anatomy.tls, now);
        }
        match stepped {
            Ok(true) => self.wired(conn, now),
            Ok(false) => self.watch_write(conn),
            Err(e) => self.connect_failed(conn, &e.to_string(), now),
        }
    }

    /// TCP and TLS stand.
    fn wired(&mut self, conn: usize, now: u64) {
        let Some(c) = self.conns[conn].as_ref().map(|s| s.client) else {
            return;
        };
        let home = self.server_of(c);
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        match state.framing {
            Framing::Frames { .. } => {
                state.phase = Phase::Upgrade;
                match self.ask_for_upgrade(conn, &home) {
                    Ok(()) => self.soil(conn),
                    Err(e) => self.connect_failed(conn, &e, now),
                }
            }
            Framing::Lines => self.stream_wired(conn, now),
            Framing::Events => self.ask_for_stream(conn, c, &home, now),
            Framing::Exchange if home.transport == Transport::Http => {
                let alpn = state.wire.as_ref().and_then(Wire::alpn);
                let is_tls = home.endpoint.scheme.is_tls();
                match self.plan.http2.settle(is_tls, alpn) {
                    Ok(true) => self.carrier_wired(conn, &home),
                    Ok(false) => self.exchange_wired(conn, c, &home, now),
                    Err(e) => self.connect_failed(conn, &e.to_string(), now),
                }
            }
            Framing::Exchange => self.exchange_wired(conn, c, &home, now),
        }
    }

    /// An HTTP connection stands: the first of a client opens its session.
    pub(super) fn exchange_wired(&mut self, conn: usize, c: usize, home: &Home, now: u64) {
        if let Some(state) = self.conns[conn].as_mut() {
            state.phase = Phase::Open;
        }
        if home.transport == Transport::Sse {
            return self.poster_wired(conn, c, now);
        }
        if self.clients[c].session == Session::Open {
            if !self.takes_for_ear(conn, c, home, now) {
                self.count_connection(conn, now);
                self.set_free(conn, true, now);
            }
            return;
        }
        match home.dialect.era {
            Era::Modern => match self.open_http_session(c, home, None) {
                Ok(()) => {
                    self.session_opened(c, now);
                    self.add_idle(conn, now);
                }
                Err(e) => self.connect_failed(conn, &e, now),
            },
            Era::Legacy => self.initialize_http(conn, now),
        }
        self.watch_write(conn);
    }

    /// The client can call: its schedule runs from now on.
    pub(super) fn session_opened(&mut self, c: usize, now: u64) {
        self.clients[c].session = Session::Open;
        self.clients[c].failures = 0;
        self.note_begin(c);
        self.begin_life(c, now);
        self.join(c, now);
        self.tune_in(c, now);
    }

    /// From its first connection, its first failure to connect, or the begin of the load, a client's calls are due.
    pub(super) fn join(&mut self, c: usize, now: u64) {
        if self.for_riders(c, |worker, rider| worker.join(rider, now)) {
            return;
        }
        if std::mem::replace(&mut self.clients[c].joined, true) {
            return;
        }
        let start = match &mut self.clients[c] {
            Client {
                schedule: Some(schedule),
                next_due,
                next_sent,
                ..
            } => {
                let first = schedule.first_from(now);
                (*next_due, *next_sent) = (first, first);
                schedule.due_ns(first)
            }
            _ => return self.seat_users(c, now),
        };
        if start < self.load_end_ns {
            self.due.push(Reverse((start, c)));
        }
    }

    /// An HTTP connection is free for the first time.
    pub(super) fn add_idle(&mut self, conn: usize, now: u64) {
        self.count_connection(conn, now);
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let c = state.client;
        state.job = Job::Idle;
        self.clients[c].idle.push(conn);
        self.watch_write(conn);
        self.serve(c, now);
    }

    pub(super) fn count_connection(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if let Some(lane) = state.lane {
            return self.count_connection(lane.carrier, now);
        }
        if std::mem::replace(&mut state.counted, true) {
            return;
        }
        let key = Key {
            stage: self.stages.at(now) as u16,
            home: state.row,
            label: self.clients[state.client].group,
        };
        count(&mut self.book.cell(key).connect, now - state.since_ns);
        self.end_handshake(conn, now);
        let place = self.standing_place(key.home, key.label);
        self.standing[place] += 1;
        self.health.connects += 1;
    }

    /// A connection could not be set up.
    pub(super) fn connect_failed(&mut self, conn: usize, why: &str, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let (c, row) = (state.client, state.row);
        self.remove(conn);
        self.could_not_connect(c, row, why, now);
    }

    fn could_not_connect(&mut self, c: usize, row: u16, why: &str, now: u64) {
        let key = Key {
            stage: self.stages.at(now) as u16,
            home: row,
            label: self.clients[c].group,
        };
        self.book.cell(key).connect_failures += 1;
        let home = self.server_of(c);
        self.tell(
            "connect_failed",
            format!("{}: {why}", home.name),
            Some("is the server up, and is its URL right?"),
        );
        self.clients[c].failures += 1;
        let backoff = self.backoff_ns(c);
        let client = &mut self.clients[c];
        client.troubles += 1;
        if (client.conns.is_empty() || client.session != Session::Open) && self.flee(c, now) {
            // What waits goes along.
            return self.join(c, now);
        }
        let client = &mut self.clients[c];
        if client.conns.is_empty() || client.session != Session::Open {
            if home.transport == Transport::Sse {
                self.drop_posters(c);
            }
            let client = &mut self.clients[c];
            // Nothing is left that could carry what waits.
            client.session = Session::Down;
            self.note_end(c, End::Lost);
            self.join(c, now);
            self.fail_waiting(c, now);
            self.note_retry(c, now + backoff);
        } else {
            self.clients[c].retry_ns = now + backoff;
        }
    }

    /// What waits for a connection that could not be made has failed. In the closed model, the attempt itself was the
    /// client's call.
    fn fail_waiting(&mut self, c: usize, now: u64) {
        if self.for_riders(c, |worker, rider| worker.fail_waiting(rider, now)) {
            return;
        }
        while let Some(drawn) = self.first_waiting(c) {
            self.clients[c].next_sent += 1;
            self.settle_unsent(c, &drawn, Outcome::ConnectFailed, now);
        }
        let closed = self.plan.pacer == Pacer::Answers;
        if closed && self.may_call(c, now) && self.clients[c].free > 0 {
            self.clients[c].free -= 1;
            let drawn = self.schedule_call(c, now, now);
            self.clients[c].next_sent += 1;
            self.settle_unsent(c, &drawn, Outcome::ConnectFailed, now);
        }
    }
}
