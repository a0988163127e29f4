//! Reading: what comes on a connection goes through its codec, and answers to their calls.

use super::conn::{Codec, Errand, Job, Phase};
use super::framing::Framing;
use super::poller::Ready;
use super::resuming::stands;
use super::worker::Worker;
use protocol::answer::{self, BadMessage, Incoming};
use protocol::batch;
use protocol::lines::LineReader;
use protocol::message;
use protocol::outcome::Outcome;
use protocol::revision::Era;
use protocol::ws::{self, Frame, FrameReader};
use std::io;

/// How often a connection is read that cannot be written any more: what the server had said before it hung up.
const LAST_READS: u32 = 64;

/// What is to become of a connection after something was read.
pub(super) enum Fate {
    /// It goes on.
    Stays,
    /// The server ended it.
    Ended,
    /// The server broke the protocol, with a sentence on how.
    Broken(String),
}

impl Worker {
    /// epoll says that a connection is ready.
    pub(super) fn on_ready(&mut self, event: Ready) {
        let Some(state) = self.conns.get(event.conn).and_then(Option::as_ref) else {
            return;
        };
        if matches!(state.phase, Phase::Tcp | Phase::Tls) {
            let now = self.now();
            if now >= self.edge_ns {
                self.advance(now);
            }
            return self.open_further(event.conn, now);
        }
        if event.write {
            self.flush(event.conn);
        }
        if event.read {
            self.read(event.conn, 1);
        }
    }

    /// Writes what the round has put into connections: many calls with one write(2).
    pub(super) fn flush_dirty(&mut self) {
        // Flushing may pass the edge of an interval, take up more calls, and so soil more connections.
        while let Some(conn) = self.dirty.pop() {
            let left = self.dirty.len();
            self.look_ahead(0, |i| self.dirty.get(left.checked_sub(i)?).copied());
            self.flush(conn);
        }
    }

    fn flush(&mut self, conn: usize) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        state.is_dirty = false;
        if !state.batch.is_empty() {
            self.seal(conn);
        }
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if state.lane.is_some() {
            return self.depart(conn);
        }
        if let Err(e) = state.flush() {
            // What the server said before it hung up tells more than the broken pipe.
            self.read(conn, LAST_READS);
            if self.conns[conn].is_some() {
                let now = self.now();
                self.broken_off(conn, now, &e.to_string());
            }
            return;
        }
        let now = self.now();
        if now >= self.edge_ns {
            self.advance(now);
        }
        loop {
            let Some(state) = self.conns[conn].as_mut() else {
                return;
            };
            let Some(id) = state.next_sent() else { break };
            let call = match state.job {
                Job::Carrier => {
                    self.lane_sent(conn, id as u32, now);
                    continue;
                }
                Job::Post(_, stream) => {
                    let c = state.client;
                    self.posted_on(c, stream).and_then(|s| s.call_mut(id))
                }
                _ => state.call_mut(id),
            };
            if let Some(call) = call {
                call.sent_ns = now;
                let call = *call;
                self.note_sent(&call, now);
            }
        }
        if let Some(state) = self.conns[conn].as_mut() {
            state.recycle();
        }
        self.watch_write(conn);
    }

    /// Lets epoll watch for writing exactly while there is something to write.
    pub(super) fn watch_write(&mut self, conn: usize) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let wants = match state.phase {
            Phase::Tcp => true,
            // A dirty connection is flushed before the loop sleeps.
            _ => state.has_output() && !state.is_dirty,
        };
        if wants != state.watches_write
            && let Some(wire) = &state.wire
        {
            state.watches_write = wants;
            let _ = self.poller.change(wire, conn, !state.is_paused, wants);
        }
    }

    /// Reads at most so many times: who sends faster than we read must keep neither the schedule nor the others waiting.
    pub(super) fn read(&mut self, conn: usize, mut times: u32) {
        let mut buf = std::mem::take(&mut self.buf);
        let limit = self.read_limit(conn, times).min(buf.len());
        while let Some(state) = self.conns[conn].as_mut() {
            let Some(wire) = &mut state.wire else {
                break;
            };
            let n = match io::Read::read(wire, &mut buf[..limit]) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) => {
                    let now = self.now();
                    self.broken_off(conn, now, &e.to_string());
                    break;
                }
            };
            let now = self.now();
            if now >= self.edge_ns {
                self.advance(now);
            }
            if n == 0 {
                self.ended(conn, now);
                break;
            }
            let Some(state) = self.conns[conn].as_mut() else {
                break;
            };
            state.received_bytes += n as u64;
            self.take_in(conn, &buf[..n], now);
            if limit < buf.len() {
                self.pause_reading(conn, now);
                break;
            }
            let more = self.conns[conn]
                .as_ref()
                .and_then(|s| s.wire.as_ref())
                .is_some_and(|wire| wire.buffered_bytes() > 0);
            times = times.saturating_sub(1);
            // What TLS holds ready, epoll does not tell of.
            if (n < buf.len() || times == 0) && !more {
                break;
            }
        }
        self.buf = buf;
    }

    /// Puts bytes through the connection's codec.
    fn take_in(&mut self, conn: usize, input: &[u8], now: u64) {
        let mut at = 0;
        // The codec is taken out meanwhile: what it finds leads back into this worker.
        let Some(mut codec) = self.conns[conn].as_mut().and_then(|s| s.codec.take()) else {
            return;
        };
        let fate = loop {
            match &mut *codec {
                Codec::Upgrade(upgrade) => match upgrade.next(input, &mut at) {
                    Ok(None) => break Fate::Stays,
                    Ok(Some(upgraded)) => {
                        self.take_cookies(conn, &upgraded.set_cookies);
                        *codec = match self.conns[conn].as_ref() {
                            Some(state) => state.framing.codec(),
                            None => break Fate::Stays,
                        };
                        self.stream_wired(conn, now);
                    }
                    Err(e) => break Fate::Broken(e.to_string()),
                },
                Codec::Frames(frames) => break self.take_frames(conn, frames, input, &mut at, now),
                Codec::Lines(lines) => break self.take_lines(conn, lines, input, &mut at, now),
                Codec::Http(reply) => break self.take_replies(conn, reply, input, &mut at, now),
                Codec::Streams(reader) => {
                    break self.take_streams(conn, reader, input, &mut at, now);
                }
                // The connection below reads for it.
                Codec::Answer(_) => break Fate::Stays,
            }
        };
        if let Some(state) = self.conns[conn].as_mut() {
            state.codec = Some(codec);
        }
        self.decide(conn, fate, now);
    }

    pub(super) fn decide(&mut self, conn: usize, fate: Fate, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        match fate {
            Fate::Stays => {}
            Fate::Ended => self.ended(conn, now),
            Fate::Broken(how) if !state.counted => self.connect_failed(conn, &how, now),
            Fate::Broken(how) => {
                self.tell(
                    "protocol_error",
                    format!("a server broke the protocol: {how}"),
                    None,
                );
                self.lost(conn, now, |_| Outcome::ProtocolError);
            }
        }
    }

    fn take_frames(
        &mut self,
        conn: usize,
        frames: &mut FrameReader,
        input: &[u8],
        at: &mut usize,
        now: u64,
    ) -> Fate {
        while self.conns[conn].is_some() {
            match frames.next(input, at) {
                Ok(None) => break,
                Ok(Some(Frame::Message(message))) => self.on_message(conn, message, now),
                Ok(Some(Frame::Ping(payload))) => {
                    if let Some(state) = self.conns[conn].as_mut() {
                        state.put_aside(|out| ws::write_pong(out, [0; 4], payload));
                    }
                    self.soil(conn);
                }
                Ok(Some(Frame::Pong)) => {}
                Ok(Some(Frame::Close(..))) => return Fate::Ended,
                Err(e) => return Fate::Broken(e.to_string()),
            }
        }
        Fate::Stays
    }

    fn take_lines(
        &mut self,
        conn: usize,
        lines: &mut LineReader,
        input: &[u8],
        at: &mut usize,
        now: u64,
    ) -> Fate {
        while self.conns[conn].is_some() {
            match lines.next(input, at) {
                Ok(None) => break,
                Ok(Some(line)) => self.on_message(conn, line, now),
                Err(e) => return Fate::Broken(e.to_string()),
            }
        }
        Fate::Stays
    }

    /// A message came on a connection that carries many calls at a time.
    pub(super) fn on_message(&mut self, conn: usize, message: &[u8], now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let framing = state.framing;
        if batch::is_array(message) && self.takes_batches(state.client) {
            return self.on_batch(conn, framing, message, now);
        }
        let bytes = framing.received_bytes(message.len());
        if let Err(e) = self.on_single(conn, message, bytes, now) {
            self.no_message(conn, &e.to_string(), bytes, now);
            self.serve_or_retire(conn, now);
        }
    }

    /// A message that is no array; it counts with so many bytes.
    #[inline]
    pub(super) fn on_single(
        &mut self,
        conn: usize,
        message: &[u8],
        bytes: u64,
        now: u64,
    ) -> Result<(), BadMessage> {
        let Some(state) = self.conns[conn].as_mut() else {
            return Ok(());
        };
        let (c, framing) = (state.client, state.framing);
        match answer::read(message)? {
            Incoming::Answer {
                id: Some(id),
                outcome,
            } if state.phase == Phase::Initialize(id) => {
                if outcome == Outcome::Ok && framing == Framing::Events {
                    self.greet_back(c, now);
                } else if outcome == Outcome::Ok {
                    if self.server_of(c).dialect.era == Era::Legacy {
                        self.write_message(conn, &message::initialized());
                    }
                    self.stream_opened(conn, now);
                } else {
                    self.connect_failed(
                        conn,
                        &format!("the server refused the handshake ({})", outcome.class()),
                        now,
                    );
                }
            }
            Incoming::Answer { id, outcome } => {
                match id.and_then(|id| state.calls.take(id)) {
                    Some(mut call) => {
                        state.answers += 1;
                        call.first_ns = now;
                        let c = call.client as usize;
                        self.learn(c, &call, outcome, message);
                        self.settle(c, &call, outcome, now, bytes);
                    }
                    None if id.is_none() => self.answer_without_id(c, outcome),
                    None if id.is_some_and(|id| self.answered_aside(c, id, outcome, now)) => {}
                    None => self.stray("an id that belongs to no call in flight"),
                }
                self.serve_or_retire(conn, now);
            }
            Incoming::Request { id, method } => {
                let reply = message::reply(id, &method);
                if framing == Framing::Events {
                    self.post_soon(c, reply, Errand::Reply, now);
                    return Ok(());
                }
                state.put_aside(|out| framing.write(out, 0, [&reply, b"", b""]));
                self.soil(conn);
            }
            Incoming::Notification { method } => self.hear(conn, &method, message, now),
        }
        Ok(())
    }

    /// Something came that is no message, and nobody knows whose answer it was. A line may well be none: a log on a
    /// server's stdout is common, and clients pass over it. Elsewhere it is one, and as servers mostly answer in order it
    /// counts on the oldest call in flight.
    pub(super) fn no_message(&mut self, conn: usize, why: &str, bytes: u64, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if state.framing == Framing::Lines {
            self.health.stray_lines += 1;
            return self.tell(
                "stray_line",
                format!("a server writes lines that are no messages, and no call is blamed for them: {why}"),
                Some("let it log to stderr: stdout and the connection belong to MCP"),
            );
        }
        self.blame_oldest(conn, why, bytes, now);
    }

    /// What came in place of an answer counts on the oldest call in flight.
    pub(super) fn blame_oldest(&mut self, conn: usize, why: &str, bytes: u64, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let oldest = state.calls.oldest().map(|call| call.id);
        let call = oldest.and_then(|id| state.calls.take(id));
        self.tell_no_message(why);
        if let Some(call) = call {
            self.settle(
                call.client as usize,
                &call,
                Outcome::ProtocolError,
                now,
                bytes,
            );
        }
    }

    pub(super) fn tell_no_message(&mut self, why: &str) {
        self.tell(
            "protocol_error",
            format!("a server sent something that is no message: {why}"),
            None,
        );
    }

    /// An answer has no id, or one that is none of ours.
    fn answer_without_id(&mut self, c: usize, outcome: Outcome) {
        self.stray("an id that belongs to no call in flight");
        if let (Outcome::RpcError(code), 2..) = (outcome, self.group_of(c).batch) {
            self.tell(
                "batch_refused",
                format!("a server answered with the error {code} and without an id, perhaps to a batch: its calls wait in vain"),
                Some("leave --batch out where the server takes no arrays"),
            );
        }
    }

    /// An answer that belongs to no call.
    pub(super) fn stray(&mut self, what: &str) {
        self.health.stray_answers += 1;
        self.tell(
            "stray_answer",
            format!(
                "a server sent an answer with {what}: unknown, repeated, or later than --timeout"
            ),
            None,
        );
    }

    /// A connection has room again: its client goes on, or, where the client has moved, it is closed once it is empty.
    pub(super) fn serve_or_retire(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        let (c, retired, busy) = (state.client, state.retired, state.has_calls());
        if !retired {
            self.serve(c, now);
        } else if !busy {
            self.remove(conn);
        }
    }

    /// The server ended the connection.
    pub(super) fn ended(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        if let Some(mut codec) = state.codec.take() {
            if let Codec::Http(reply) = &mut *codec {
                self.end_replies(conn, reply, now);
                self.note_mark(conn, stands(reply));
            }
            if let Some(state) = self.conns[conn].as_mut() {
                state.codec = Some(codec);
            }
        }
        if self.conns[conn].as_ref().is_some_and(|s| s.lane.is_some()) {
            self.note_mark_of(conn);
        }
        // Only now: the answer to `initialize` may be one that ends with the connection.
        if self.conns[conn].as_ref().is_some_and(|s| !s.counted) {
            return self.connect_failed(
                conn,
                "the server closed the connection during set-up",
                now,
            );
        }
        if self.suspend(conn, now) {
            return self.close_suspended(conn, now);
        }
        let began = self.conns[conn].as_ref().is_some_and(|s| s.answer_began());
        self.lost(conn, now, |reused| {
            if began {
                Outcome::StreamEnded
            } else {
                Outcome::ConnectionClosed { reused }
            }
        });
    }

    /// The connection broke without an end.
    fn broken_off(&mut self, conn: usize, now: u64, why: &str) {
        if now >= self.edge_ns {
            // What comes due here may still go into this connection, and is then among what is lost with it.
            self.advance(now);
        }
        let Some(state) = self.conns[conn].as_ref() else {
            return;
        };
        if !state.counted {
            return self.connect_failed(conn, why, now);
        }
        self.note_mark_of(conn);
        if self.suspend(conn, now) {
            return self.close_suspended(conn, now);
        }
        let began = self.conns[conn].as_ref().is_some_and(|s| s.answer_began());
        self.lost(conn, now, |reused| {
            if began {
                Outcome::StreamEnded
            } else {
                Outcome::ConnectionClosed { reused }
            }
        });
    }
}
