//! A connection through the proxy: the client's end, the server's, and the two directions between them.

use super::end::{End, Got};
use super::lane::{Flow, Lane, Round};
use super::pipes::Pipes;
use super::poller::Event;
use super::talk::Talk;
use crate::message::{Pass, Side};
use crate::network::chunk::{Chunk, Item};
use crate::network::effect::How;
use rustix::io::Errno;

/// So often each side is listened to before it is the turn of others.
const READS: usize = 16;

/// A connection.
pub struct Link {
    /// The number of its proxy.
    pub gate: usize,
    /// The how-manieth connection of its proxy it is, from 1.
    pub nth: u64,
    /// When it is to be looked at by the clock (CLOCK_MONOTONIC, µs).
    pub armed_us: Option<u64>,
    /// It is among those whose turn comes.
    pub is_queued: bool,
    client: End,
    server: Server,
    up: Lane,
    down: Lane,
    talk: Option<Talk>,
}

/// The server's end.
enum Server {
    /// Nobody was asked yet.
    Unasked,
    /// It was asked.
    Asked(End),
    /// It is there.
    There(End),
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing until something happens, or this instant (CLOCK_MONOTONIC, µs) has come.
    Until(Option<u64>),
    /// Again, after the others.
    Again,
    /// The server is to be asked.
    Ask,
    /// It is over.
    Over(How),
    /// The server would not have it.
    Refused(Errno),
}

impl Link {
    /// A client that has connected.
    pub fn new(gate: usize, nth: u64, client: End, talk: Option<Talk>) -> Self {
        let lane = || talk.as_ref().map_or_else(Lane::default, |_| Lane::fed());
        Self {
            gate,
            nth,
            armed_us: None,
            is_queued: false,
            client,
            server: Server::Unasked,
            up: lane(),
            down: lane(),
            talk,
        }
    }

    /// The server was asked; `there` where it has answered already, which on loopback it has.
    pub fn asked(&mut self, server: End, there: bool) {
        self.server = if there {
            Server::There(server)
        } else {
            Server::Asked(server)
        };
    }

    /// Takes in what epoll said.
    pub fn learn(&mut self, is_server: bool, event: &Event) {
        match &mut self.server {
            _ if !is_server => self.client.learn(event),
            Server::Asked(end) | Server::There(end) => end.learn(event),
            // It was closed, and somebody else had its place.
            Server::Unasked => {}
        }
    }

    /// A direction.
    pub fn lane(&mut self, down: bool) -> &mut Lane {
        if down { &mut self.down } else { &mut self.up }
    }

    /// A toxic goes. How the connection must end, where it must.
    pub fn cure(&mut self, toxic: u64, now_us: u64) -> Option<How> {
        let up = self.up.remove(toxic, now_us);
        self.down.remove(toxic, now_us).or(up)
    }

    /// Its ends that are open.
    pub fn ends(&self) -> impl Iterator<Item = &End> {
        let server = match &self.server {
            Server::Asked(end) | Server::There(end) => Some(end),
            Server::Unasked => None,
        };
        std::iter::once(&self.client).chain(server)
    }

    /// Closes it.
    pub fn close(mut self, how: How, scratch: &mut [u8], pipes: &mut Pipes) {
        self.up.free(pipes);
        self.down.free(pipes);
        let server = match self.server {
            Server::Asked(end) | Server::There(end) => Some(end),
            Server::Unasked => None,
        };
        for end in server.into_iter().chain([self.client]) {
            match how {
                How::Close => end.close(scratch),
                How::Reset => end.reset(),
            }
        }
    }

    /// Does what can be done now. `has_spoken` tells whether the client has said something.
    pub fn turn(&mut self, round: &mut Round, has_spoken: &mut bool) -> Turn {
        let server = match &mut self.server {
            Server::There(server) => server,
            Server::Unasked => return self.wait_for_leave(),
            Server::Asked(server) => {
                if !server.has_hung_up && !server.is_writable {
                    return Turn::Until(None);
                }
                if let Err(e) = server.connected() {
                    return Turn::Refused(e);
                }
                return self.arrived(round, has_spoken);
            }
        };
        let mut flows = [Flow::Until(None); 3];
        if let Some(talk) = &mut self.talk {
            flows[0] = listen(
                talk,
                (&mut self.client, &mut self.up),
                (server, &mut self.down),
                round,
            );
            *has_spoken |= round.has_read;
        }
        round.has_read = false;
        flows[1] = self.up.turn(&mut self.client, server, round);
        *has_spoken |= round.has_read;
        flows[2] = self.down.turn(server, &mut self.client, round);
        let Self {
            client, up, down, ..
        } = self;
        let broken = [
            notice_reset(server, down, up, round),
            notice_reset(client, up, down, round),
        ];
        if up.is_done() && down.is_done() {
            return Turn::Over(How::Close);
        }
        // What went on has made room, and what waits there to be read is not told of again.
        let has_room = |lane: &Lane, end: &End, to| {
            let beside = self.talk.as_ref().map(|talk| talk.held(to));
            beside.is_some_and(|beside| lane.wants(end, round.may_hold, beside) > 0)
        };
        if has_room(up, client, Side::Server) || has_room(down, server, Side::Client) {
            flows[0] = either(flows[0], Flow::Again);
        }
        match flows
            .into_iter()
            .chain(broken)
            .fold(Flow::Until(None), either)
        {
            Flow::Until(us) => Turn::Until(us),
            Flow::Again => Turn::Again,
            Flow::Over(how) => Turn::Over(how),
        }
    }

    /// While nobody may connect, a client that gives up is let go.
    fn wait_for_leave(&self) -> Turn {
        if self.client.has_ended {
            return Turn::Over(How::Close);
        }
        if self.up.is_stopped() || self.down.is_stopped() {
            return Turn::Until(None);
        }
        Turn::Ask
    }

    fn arrived(&mut self, round: &mut Round, has_spoken: &mut bool) -> Turn {
        if let Server::Asked(end) = std::mem::replace(&mut self.server, Server::Unasked) {
            self.server = Server::There(end);
        }
        self.turn(round, has_spoken)
    }
}

/// Where one end was reset: `from` is what is read there, and `to` what is written.
fn notice_reset(end: &mut End, from: &mut Lane, to: &mut Lane, round: &mut Round) -> Flow {
    // It said its last before, and was not told ours: that both directions are over can only be a reset.
    if end.has_hung_up && from.has_ended() && !to.is_done() {
        end.is_broken = true;
        to.lose_sink(round.pipes);
    }
    if end.is_broken {
        from.source_broke(end, round.now_us)
    } else {
        Flow::Until(None)
    }
}

/// Gives what both sides say to the talk, and what is due from there into the directions.
fn listen(
    talk: &mut Talk,
    client: (&mut End, &mut Lane),
    server: (&mut End, &mut Lane),
    round: &mut Round,
) -> Flow {
    let (client_end, up) = client;
    let (server_end, down) = server;
    let mut flow = Flow::Until(None);
    // The server first, so that what is read last and told of, is the client's.
    for (from, end, lane) in [
        (Side::Server, &mut *server_end, &mut *down),
        (Side::Client, &mut *client_end, &mut *up),
    ] {
        round.has_read = false;
        let mut reads = 0;
        loop {
            let wanted = lane.wants(end, round.may_hold, talk.held(from.other()));
            let wanted = wanted.min(round.scratch.len());
            if wanted == 0 {
                break;
            }
            if reads == READS {
                flow = Flow::Again;
                break;
            }
            reads += 1;
            match end.read(&mut round.scratch[..wanted]) {
                Got::Bytes(n) => {
                    round.has_read = true;
                    talk.read(from, &round.scratch[..n], round.now_us);
                }
                Got::Nothing => {}
                Got::End => {
                    lane.stop();
                    talk.ended(from, round.now_us);
                }
                Got::Broken => {
                    lane.stop();
                    talk.broke(round.now_us);
                }
            }
        }
    }
    while let Some(pass) = talk.due(round.now_us) {
        pass_on(pass, up, down);
    }
    match flow {
        Flow::Until(_) => Flow::Until(talk.next_us()),
        again => again,
    }
}

fn pass_on(pass: Pass, up: &mut Lane, down: &mut Lane) {
    match pass {
        Pass::Bytes { to, at_us, bytes } if !bytes.is_empty() => {
            let chunk = Chunk::bytes(at_us, bytes);
            match to {
                Side::Server => up.enter(chunk),
                Side::Client => down.enter(chunk),
            }
        }
        Pass::Bytes { .. } => {}
        Pass::End { to, at_us } => match to {
            Side::Server => up.enter_end(at_us, Item::End),
            Side::Client => down.enter_end(at_us, Item::End),
        },
        // Behind what the client was sent before, since that is what it is about.
        Pass::Close { at_us, reset: true } => {
            up.stop();
            down.enter_end(at_us, Item::Reset);
        }
        Pass::Close {
            at_us,
            reset: false,
        } => {
            up.enter_end(at_us, Item::End);
            down.enter_end(at_us, Item::End);
        }
    }
}

/// What two directions need together.
fn either(a: Flow, b: Flow) -> Flow {
    match (a, b) {
        (Flow::Over(how), _) | (_, Flow::Over(how)) => Flow::Over(how),
        (Flow::Again, _) | (_, Flow::Again) => Flow::Again,
        (Flow::Until(a), Flow::Until(b)) => Flow::Until(match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }),
    }
}
