//! HTTP/2: a connection that carries streams, each of which is to the rest of the engine an HTTP connection of its own.
//!
//! A stream's [`Conn`] has no wire but a [`Lane`]. Requests are put into it as on any HTTP connection; when it is soiled,
//! they leave as frames on the connection that carries it, and of the frames that come back it is given what an answer
//! over HTTP/1.1 would have been. So sessions, calls, errands and time limits need not know which of the two they use.

use super::client::Session;
use super::conn::{Codec, Conn, Job, Phase};
use super::due::MAX_UNWRITTEN;
use super::receive::Fate;
use super::worker::Worker;
use crate::home::Home;
use protocol::h2::{Answer, Broken, Fields, Frame, Reader, Settings, Streams, go_away};
use protocol::http::Event;
use protocol::outcome::Outcome;

/// What a connection holds that carries streams.
pub struct Carrier {
    /// The streams under way.
    pub streams: Streams,
    /// The connections that are streams of it, by their numbers in the worker, whether a request is on them or not.
    pub lanes: Vec<usize>,
}

/// Which stream a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The connection that carries it, by its number in the worker.
    pub carrier: usize,
    /// The stream under way; 0 where there is none.
    pub stream: u32,
}

impl Worker {
    /// A connection stands that is to carry streams. The server's settings say how many, so they are waited for.
    pub(super) fn carrier_wired(&mut self, conn: usize, home: &Home) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let c = state.client;
        if self.clients[c].carrier.is_some() {
            // Nobody knew that all would go over one.
            return self.remove(conn);
        }
        let streams = Streams::new(home.endpoint.scheme.is_tls());
        streams.begin(&mut state.out);
        state.carrier = Some(Box::new(Carrier {
            streams,
            lanes: Vec::new(),
        }));
        state.codec = Some(Box::new(Codec::Streams(Reader::default())));
        state.job = Job::Carrier;
        state.phase = Phase::Upgrade;
        self.clients[c].carrier = Some(conn);
        self.soil(conn);
    }

    /// The settings came: the client opens its session on a first stream, or goes on with the one it has.
    fn carrier_opened(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        state.phase = Phase::Open;
        let c = state.client;
        let home = self.server_of(c);
        if let Some(lane) = self.add_lane(c, conn) {
            self.exchange_wired(lane, c, &home, now);
        }
    }

    /// A stream of a client's connection that can take a request now; `None` as long as the server or the window takes
    /// no more.
    pub(super) fn lane(&mut self, c: usize, carrier: usize) -> Option<usize> {
        if let Some(lane) = self.clients[c].gathering {
            return Some(lane);
        }
        let state = self.conns[carrier].as_ref()?;
        let streams = &state.carrier.as_ref()?.streams;
        let has_room = state.phase == Phase::Open
            // The stream on which a client hears is none of its calls.
            && streams.open_count() < self.plan.window + self.besides(c)
            && streams.has_room(MAX_UNWRITTEN)
            && state.out.len() < MAX_UNWRITTEN;
        if !has_room {
            if streams.is_over() && !state.retired {
                // Its stream ids are used up.
                let now = self.now();
                self.retire_carrier(carrier, now);
            }
            return None;
        }
        match self.clients[c].idle.pop() {
            Some(lane) => Some(lane),
            None => self.add_lane(c, carrier),
        }
    }

    /// A connection of a client, or a stream of its one, that no request is on.
    pub(super) fn free_conn(&mut self, c: usize) -> Option<usize> {
        match self.clients[c].carrier {
            Some(carrier) => {
                // What gathers on one is no business of who wants another.
                self.seal_of(c);
                self.lane(c, carrier)
            }
            None => self.clients[c].idle.pop(),
        }
    }

    fn add_lane(&mut self, c: usize, carrier: usize) -> Option<usize> {
        let lane = self.free.pop().unwrap_or_else(|| {
            self.conns.push(None);
            self.conns.len() - 1
        });
        let state = self.conns[carrier].as_mut()?;
        state.carrier.as_mut()?.lanes.push(lane);
        let conn = Conn::lane(carrier, state);
        self.conns[lane] = Some(conn);
        self.clients[c].conns.push(lane);
        Some(lane)
    }

    /// Sends the request that was put into a stream's output. There is nothing to do for other connections.
    pub(super) fn depart(&mut self, lane: usize) {
        let Some(state) = self.conns[lane].as_mut() else {
            return;
        };
        let Some(Lane { carrier, .. }) = state.lane else {
            return;
        };
        let request = state.take_request();
        if request.is_empty() {
            return;
        }
        let Some(below) = self.conns[carrier].as_mut() else {
            return;
        };
        let Some(held) = below.carrier.as_mut() else {
            return;
        };
        let before = below.out.len();
        let opened = held.streams.open(lane, &request, &mut below.out);
        let sent_bytes = below.out.len() - before;
        if let Ok(opened) = &opened
            && opened.rest_bytes == 0
        {
            below.mark_unsent(u64::from(opened.stream));
        }
        let Some(state) = self.conns[lane].as_mut() else {
            return;
        };
        state.keep_buffer(request);
        match opened {
            Ok(opened) => {
                state.lane = Some(Lane {
                    carrier,
                    stream: opened.stream,
                });
                if let Job::Call(call, None) = &mut state.job {
                    call.sent_bytes = (sent_bytes + opened.rest_bytes) as u32;
                }
                self.soil(carrier);
            }
            Err(e) => {
                let now = self.now();
                self.decide(lane, Fate::Broken(e.to_string()), now);
            }
        }
    }

    /// The last byte of a stream's request was written.
    pub(super) fn lane_sent(&mut self, carrier: usize, stream: u32, now: u64) {
        let held = self.conns[carrier]
            .as_ref()
            .and_then(|s| s.carrier.as_ref());
        let lane = held.and_then(|held| held.streams.owner(stream).ok().flatten());
        let Some(state) = lane.and_then(|lane| self.conns[lane].as_mut()) else {
            return;
        };
        if let Job::Call(call, None) = &mut state.job {
            call.sent_ns = now;
            let call = *call;
            return self.note_sent(&call, now);
        }
        let mut several = Vec::new();
        // Those of a stream that is asked for again were sent before.
        for call in state.calls.iter_mut().filter(|call| call.sent_ns == 0) {
            call.sent_ns = now;
            several.push(*call);
        }
        for call in several {
            self.note_sent(&call, now);
        }
    }

    pub(super) fn take_streams(
        &mut self,
        conn: usize,
        reader: &mut Reader,
        input: &[u8],
        at: &mut usize,
        now: u64,
    ) -> Fate {
        while self.conns[conn].is_some() {
            let fate = match reader.next(input, at) {
                Ok(None) => break,
                Ok(Some(frame)) => self.on_frame(conn, frame, now),
                Err(e) => Err(e),
            };
            match fate {
                Ok(Fate::Stays) => {}
                Ok(fate) => return fate,
                Err(broken) => {
                    if let Some(state) = self.conns[conn].as_mut() {
                        go_away(broken.code(), &mut state.out);
                        let _ = state.flush();
                    }
                    return Fate::Broken(broken.to_string());
                }
            }
        }
        Fate::Stays
    }

    fn on_frame(&mut self, conn: usize, frame: Frame<'_>, now: u64) -> Result<Fate, Broken> {
        match frame {
            Frame::Headers {
                stream,
                fields,
                bytes,
                end,
            } => self.on_headers((conn, stream), fields, bytes, end, now)?,
            Frame::Data {
                stream,
                data,
                window,
                end,
            } => {
                self.owed(conn, "data", |streams, out| {
                    streams.received(stream, window, out)
                })?;
                if let Some(lane) = self.lane_of(conn, stream, end)? {
                    self.note_bytes(lane, u64::from(window) + 9, now);
                    self.answer(lane, data, end, now);
                }
            }
            Frame::Settings(settings) => self.on_settings(conn, settings, now)?,
            Frame::Ping(payload) => self.owed(conn, "pings", |streams, out| {
                streams.pong(payload, out);
                Ok(())
            })?,
            Frame::Window { stream, by } => {
                if let Some(held) = self.conns[conn].as_mut().and_then(|s| s.carrier.as_mut()) {
                    held.streams.widen(stream, by)?;
                }
                self.send_on(conn);
            }
            Frame::Reset { stream, .. } => {
                if let Some(lane) = self.lane_of(conn, stream, true)? {
                    self.ended(lane, now);
                }
            }
            Frame::GoAway { last, .. } => return Ok(self.on_go_away(conn, last, now)),
        }
        Ok(Fate::Stays)
    }

    /// The connection that a stream is, where it is still under way; `end` says that it is not from now on.
    fn lane_of(&mut self, conn: usize, stream: u32, end: bool) -> Result<Option<usize>, Broken> {
        let Some(state) = self.conns[conn].as_mut() else {
            return Ok(None);
        };
        let Some(held) = state.carrier.as_mut() else {
            return Ok(None);
        };
        let lane = held.streams.owner(stream)?;
        if let (true, Some(lane)) = (end, lane) {
            held.streams.close(stream, &mut state.out);
            if let Some(state) = self.conns[lane].as_mut() {
                state.lane = Some(Lane {
                    carrier: conn,
                    stream: 0,
                });
            }
        }
        Ok(lane)
    }

    fn note_bytes(&mut self, lane: usize, bytes: u64, now: u64) {
        let Some(state) = self.conns[lane].as_mut() else {
            return;
        };
        state.received_bytes += bytes;
        self.note_first(lane, now);
    }

    fn on_headers(
        &mut self,
        (conn, stream): (usize, u32),
        fields: &Fields,
        bytes: usize,
        end: bool,
        now: u64,
    ) -> Result<(), Broken> {
        let Some(lane) = self.lane_of(conn, stream, end)? else {
            return Ok(());
        };
        self.note_bytes(lane, bytes as u64, now);
        let Some(mut codec) = self.conns[lane].as_mut().and_then(|s| s.codec.take()) else {
            return Ok(());
        };
        let fate = match &mut *codec {
            Codec::Answer(answer) => match answer.headers(fields) {
                Ok(None) => None,
                Ok(Some(head)) => self.on_event(lane, Event::Head(head), now),
                Err(e) => Some(Fate::Broken(e.to_string())),
            },
            _ => None,
        };
        if let Some(state) = self.conns[lane].as_mut() {
            state.codec = Some(codec);
        }
        match fate {
            Some(fate) => self.decide(lane, fate, now),
            None if end => self.answer(lane, &[], true, now),
            None => {}
        }
        Ok(())
    }

    /// A piece of an answer came on a stream.
    fn answer(&mut self, lane: usize, data: &[u8], end: bool, now: u64) {
        let Some(mut codec) = self.conns[lane].as_mut().and_then(|s| s.codec.take()) else {
            return;
        };
        let fate = match &mut *codec {
            Codec::Answer(answer) => self.take_answer(lane, answer, data, end, now),
            _ => Fate::Stays,
        };
        if let Some(state) = self.conns[lane].as_mut() {
            state.codec = Some(codec);
        }
        self.decide(lane, fate, now);
    }

    fn take_answer(
        &mut self,
        lane: usize,
        answer: &mut Answer,
        data: &[u8],
        end: bool,
        now: u64,
    ) -> Fate {
        let mut at = 0;
        while self.conns[lane].is_some() {
            match answer.next(data, &mut at, end) {
                Ok(None) => break,
                Ok(Some(Event::End { reusable })) => {
                    self.note_mark(lane, (answer.last_event_id(), answer.retry_ms()));
                    let below = self.conns[lane].as_ref().and_then(|s| s.lane);
                    let below = below.and_then(|of| self.conns[of.carrier].as_mut());
                    below.into_iter().for_each(|state| state.answers += 1);
                    // The next request may be on its way when this returns.
                    answer.reset();
                    let fate = self.on_event(lane, Event::End { reusable }, now);
                    return fate.unwrap_or(Fate::Stays);
                }
                Ok(Some(event)) => {
                    if let Some(fate) = self.on_event(lane, event, now) {
                        return fate;
                    }
                }
                Err(e) => return Fate::Broken(e.to_string()),
            }
        }
        self.leave_resumed(lane, now);
        Fate::Stays
    }

    /// Writes what a server is owed, unless it floods us and does not read what it asked for.
    fn owed(
        &mut self,
        conn: usize,
        what: &'static str,
        write: impl FnOnce(&mut Streams, &mut Vec<u8>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let Some(state) = self.conns[conn].as_mut() else {
            return Ok(());
        };
        if state.owes_too_much() {
            return Err(Broken::Flood(what));
        }
        let Some(mut held) = state.carrier.take() else {
            return Ok(());
        };
        let before = state.out.len();
        let mut result = Ok(());
        state.put_aside(|out| result = write(&mut held.streams, out));
        let has_more = state.out.len() > before;
        state.carrier = Some(held);
        if has_more {
            self.soil(conn);
        }
        result
    }

    fn on_settings(&mut self, conn: usize, settings: Settings, now: u64) -> Result<(), Broken> {
        self.owed(conn, "settings", |streams, out| {
            streams.apply(settings, out)
        })?;
        let is_first = self.conns[conn]
            .as_ref()
            .is_some_and(|s| s.phase == Phase::Upgrade);
        if is_first {
            self.carrier_opened(conn, now);
        } else {
            self.send_on(conn);
            if let Some(c) = self.conns[conn].as_ref().map(|s| s.client) {
                self.serve(c, now);
            }
        }
        Ok(())
    }

    /// The server takes more: sends what has waited for that.
    fn send_on(&mut self, conn: usize) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let Some(mut held) = state.carrier.take() else {
            return;
        };
        let before = state.out.len();
        while let Some(stream) = held.streams.go_on(&mut state.out) {
            state.mark_unsent(u64::from(stream));
        }
        let has_more = state.out.len() > before;
        state.carrier = Some(held);
        if has_more {
            self.soil(conn);
        }
    }

    /// The server takes no more streams, and has not looked at those beyond `last`.
    fn on_go_away(&mut self, conn: usize, last: u32, now: u64) -> Fate {
        let Some(state) = self.conns[conn].as_mut() else {
            return Fate::Stays;
        };
        let c = state.client;
        let Some(held) = state.carrier.as_mut() else {
            return Fate::Stays;
        };
        held.streams.end();
        let refused = held.streams.beyond(last);
        if self.clients[c].session != Session::Open && self.clients[c].carrier == Some(conn) {
            // A handshake is under way, and nothing else.
            return Fate::Ended;
        }
        self.retire_carrier(conn, now);
        for (stream, lane) in refused {
            if matches!(self.lane_of(conn, stream, true), Ok(Some(_))) {
                self.ended(lane, now);
            }
        }
        self.serve(c, now);
        Fate::Stays
    }

    /// A connection takes no more streams: it ends with the last of those under way, and the client connects anew when
    /// it has something to say.
    pub(super) fn retire_carrier(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let (c, answers) = (state.client, state.answers);
        let lanes = match &mut state.carrier {
            Some(held) => held.lanes.clone(),
            None => return,
        };
        if std::mem::replace(&mut state.retired, true) {
            return;
        }
        let client = &mut self.clients[c];
        if client.carrier == Some(conn) {
            client.carrier = None;
            client.idle.clear();
            client
                .conns
                .retain(|other| *other != conn && !lanes.contains(other));
            // A server that sends its clients away unserved must not be hammered.
            client.failures = if answers > 0 { 0 } else { client.failures + 1 };
            let wait = if answers > 0 { 0 } else { self.backoff_ns(c) };
            self.clients[c].retry_ns = now + wait;
        }
        for lane in lanes {
            match self.conns[lane].as_mut() {
                Some(state) if state.has_calls() => state.retired = true,
                _ => self.remove(lane),
            }
        }
        self.remove_unused(conn);
    }

    /// Removes a retired connection without streams.
    fn remove_unused(&mut self, conn: usize) {
        let is_unused = self.conns[conn].as_ref().is_some_and(|state| {
            state.retired && state.carrier.as_ref().is_some_and(|h| h.lanes.is_empty())
        });
        if is_unused {
            self.remove(conn);
        }
    }

    /// A stream's connection has been removed: the server is told, where it still works on it.
    pub(super) fn leave_lane(&mut self, lane: usize, of: Lane) {
        let Some(state) = self.conns[of.carrier].as_mut() else {
            return;
        };
        let Some(held) = state.carrier.as_mut() else {
            return;
        };
        held.lanes.retain(|&other| other != lane);
        if of.stream != 0 {
            held.streams
                .reset(of.stream, protocol::h2::code::CANCEL, &mut state.out);
            self.soil(of.carrier);
        }
        self.remove_unused(of.carrier);
    }

    /// A connection is gone: so are the calls on its streams.
    pub(super) fn lose_lanes(&mut self, conn: usize, now: u64, outcome: &dyn Fn(bool) -> Outcome) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let (c, reused) = (state.client, state.answers > 0);
        let lanes = match &state.carrier {
            Some(held) => held.lanes.clone(),
            None => return,
        };
        for lane in lanes {
            // The stream of a call may be asked for again over another connection.
            if matches!(outcome(reused), Outcome::ConnectionClosed { .. }) {
                self.note_mark_of(lane);
                if self.suspend(lane, now) {
                    continue;
                }
            }
            let Some(state) = self.conns[lane].as_mut() else {
                continue;
            };
            let (began, received) = (state.answer_began(), state.received_bytes);
            let outcome = match outcome(reused) {
                Outcome::ConnectionClosed { .. } if began => Outcome::StreamEnded,
                outcome => outcome,
            };
            for call in super::settle::calls_of(state) {
                self.settle(c, &call, outcome, now, received);
            }
        }
    }
}
