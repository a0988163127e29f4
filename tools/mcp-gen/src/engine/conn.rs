//! A connection of a client: the wire, what is to be written, and how what comes is read.

use super::ahead;
use super::batch::Batch;
use super::call::{Call, InFlight};
use super::carrier::{Carrier, Lane};
use super::framing::Framing;
use super::memory;
use super::resuming::Mark;
use protocol::h2;
use protocol::http::{self, Reply};
use protocol::lines::LineReader;
use protocol::outcome::Outcome;
use protocol::wire::Wire;
use protocol::ws::{FrameReader, Upgrade};
use std::collections::VecDeque;
use std::io::{self, Write};

/// A connection.
pub struct Conn {
    /// The byte stream; none of a stream of an HTTP/2 connection.
    pub wire: Option<Wire>,
    /// HTTP/2: which stream of which connection it is, where it is one.
    pub lane: Option<Lane>,
    /// HTTP/2: the streams that it carries, where it carries any.
    pub carrier: Option<Box<Carrier>>,
    /// The client it belongs to, by its place in the worker.
    pub client: usize,
    /// The row of the server it goes to.
    pub row: u16,
    /// Our port of it; 0 until TCP stands.
    pub port: u16,
    /// How messages lie on it.
    pub framing: Framing,
    /// Where its set-up stands.
    pub phase: Phase,
    /// How what comes is read; taken out while that is being done.
    pub codec: Option<Box<Codec>>,
    /// Bytes to be written, from `written` on.
    pub out: Vec<u8>,
    written: usize,
    /// Calls that gather for one message; they are in flight already.
    pub batch: Batch,
    /// The longest that `out` has been since memory was last looked at.
    peak_bytes: usize,
    /// Calls whose last byte is not written yet: (place of that byte in `out`, id).
    unsent: VecDeque<(usize, u64)>,
    /// Whether epoll watches for writing.
    pub watches_write: bool,
    /// Whether nobody reads it for a while, since its client is slow.
    pub is_paused: bool,
    /// Whether it is in the worker's list of those to be flushed.
    pub is_dirty: bool,
    /// Bytes put into `out`, since it was last empty, to answer pings and requests of the server.
    aside_bytes: usize,
    /// Whether the last sweep found it idle, and nothing was sent since.
    was_idle: bool,
    /// When connecting began.
    pub since_ns: u64,
    /// When the part of the set-up began that goes on.
    pub part_since_ns: u64,
    /// Answers that came over it.
    pub answers: u64,
    /// Bytes that came since the last answer was settled.
    pub received_bytes: u64,
    /// Multiplexed: calls in flight. HTTP: those of [`Job::Several`].
    pub calls: InFlight,
    /// HTTP: what is under way.
    pub job: Job,
    /// Whether it has been set up, and is counted as standing.
    pub counted: bool,
    /// Whether its client has moved away: it ends with its last call.
    pub retired: bool,
    /// HTTP: the status of the answer under way.
    pub status: u16,
    /// HTTP: whether that answer is an event stream.
    pub is_stream: bool,
    /// HTTP: when the last event of that stream came; 0 before the first.
    pub event_ns: u64,
    /// HTTP: the session id in its head.
    pub session_id: Option<String>,
    /// HTTP: where the stream under way was taken up again, or where it ended without the answer.
    pub mark: Option<Box<Mark>>,
}

/// How far the set-up of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// TCP is connecting.
    Tcp,
    /// TLS shakes hands.
    Tls,
    /// The WebSocket upgrade, the stream of events, or HTTP/2 was asked for.
    Upgrade,
    /// `initialize` was sent (multiplexed, legacy) with this id, or `server/discover` to a child that starts (modern).
    Initialize(u64),
    /// It can carry calls.
    Open,
}

/// How what comes is read.
pub enum Codec {
    /// The answer to the upgrade.
    Upgrade(Upgrade),
    /// WebSocket frames.
    Frames(FrameReader),
    /// Lines.
    Lines(LineReader),
    /// HTTP answers.
    Http(Reply),
    /// HTTP/2 frames.
    Streams(h2::Reader),
    /// The answers on one stream of HTTP/2 after another.
    Answer(h2::Answer),
}

/// A server that pings or asks without reading our answers gets no more of them beyond this.
const MAX_ASIDE_BYTES: usize = 256 * 1024;

/// What an HTTP connection is busy with.
#[derive(Debug, Default)]
pub enum Job {
    /// Nothing.
    #[default]
    Idle,
    /// A call, and its outcome once that is settled and only the rest of the answer is to come.
    Call(Call, Option<Outcome>),
    /// Several calls, the first of which has this id, and the outcome where one was settled for all of them.
    Several(u64, Option<Outcome>),
    /// Something besides the load.
    Errand(Errand),
    /// HTTP+SSE: the POST of the call with this id, which is in flight on the connection with this number.
    Post(u64, usize),
    /// HTTP+SSE: the stream of answers.
    Stream,
    /// The stream on which its client hears what it subscribed to.
    Ear,
    /// HTTP/2: streams, each of which has a job of its own.
    Carrier,
}

/// Requests besides the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// `initialize`, with this id; true once a good answer came.
    Initialize(u64, bool),
    /// `notifications/initialized`.
    Initialized,
    /// The reply to a request of the server.
    Reply,
    /// DELETE: the client leaves.
    Delete,
    /// A call on the session that was deleted, with the outcome once that is known.
    CallDeleted(Option<Outcome>),
    /// Something that the client asks for once a session, with this id.
    Aside(u64),
}

impl Conn {
    /// A connection that has just begun to connect.
    pub fn new(wire: Wire, client: usize, row: u16, framing: Framing, since_ns: u64) -> Self {
        Self::over(Some(wire), client, row, framing, since_ns)
    }

    fn over(wire: Option<Wire>, client: usize, row: u16, framing: Framing, since_ns: u64) -> Self {
        Self {
            wire,
            lane: None,
            carrier: None,
            client,
            row,
            port: 0,
            framing,
            phase: Phase::Tcp,
            codec: Some(Box::new(framing.codec())),
            out: Vec::new(),
            peak_bytes: 0,
            written: 0,
            batch: Batch::default(),
            unsent: VecDeque::new(),
            watches_write: true,
            is_paused: false,
            is_dirty: false,
            aside_bytes: 0,
            was_idle: false,
            since_ns,
            part_since_ns: since_ns,
            answers: 0,
            received_bytes: 0,
            calls: InFlight::default(),
            job: Job::Idle,
            counted: false,
            retired: false,
            status: 0,
            is_stream: false,
            event_ns: 0,
            session_id: None,
            mark: None,
        }
    }

    /// A stream of the connection `below`, which has this number.
    pub fn lane(number: usize, below: &Self) -> Self {
        let answer = h2::Answer::new(http::Limits::default());
        Self {
            wire: None,
            lane: Some(Lane {
                carrier: number,
                stream: 0,
            }),
            port: below.port,
            phase: Phase::Open,
            codec: Some(Box::new(Codec::Answer(answer))),
            watches_write: false,
            counted: true,
            ..Self::over(
                None,
                below.client,
                below.row,
                Framing::Exchange,
                below.since_ns,
            )
        }
    }

    /// Asks for the memory of its buffers, which it will need in a moment.
    pub fn fetch_behind(&self) {
        ahead::fetch_at(self.calls.address(), 2 * size_of::<Call>());
        ahead::fetch_at(self.unsent.as_slices().0.as_ptr(), 1);
        // The bytes of a call or two.
        ahead::fetch_at(self.out.as_ptr(), 128);
    }

    /// Whether it is set up, and not busy with anything but calls.
    pub fn is_usable(&self) -> bool {
        self.counted && !matches!(self.job, Job::Errand(_))
    }

    /// What it carries for a client who is leaving.
    pub fn last_errand(&self) -> Option<Errand> {
        match self.job {
            Job::Errand(errand @ (Errand::Delete | Errand::CallDeleted(_))) => Some(errand),
            _ => None,
        }
    }

    /// Whether calls are under way on it.
    pub fn has_calls(&self) -> bool {
        let has_job = matches!(self.job, Job::Call(..) | Job::Several(..) | Job::Post(..));
        has_job || self.calls.len() > 0
    }

    /// Whether the head of an HTTP answer to a call has come, and not yet all of it; always of a stream.
    pub fn answer_began(&self) -> bool {
        match &self.job {
            Job::Call(call, None) => call.first_ns > 0,
            Job::Several(..) => self.calls.oldest().is_some_and(|call| call.first_ns > 0),
            Job::Stream => true,
            _ => false,
        }
    }

    /// The call with this id that is not settled. (An answer may come before the last byte of its request has left.)
    pub fn call_mut(&mut self, id: u64) -> Option<&mut Call> {
        match &mut self.job {
            Job::Call(call, None) if call.id == id => Some(call),
            _ => self.calls.get_mut(id),
        }
    }

    /// Notes that the bytes of call `id` end where `out` ends now.
    pub fn mark_unsent(&mut self, id: u64) {
        self.was_idle = false;
        self.unsent.push_back((self.out.len(), id));
    }

    /// Puts an answer to something that the server asked for into the output, unless too many wait there already: a
    /// server that floods us must not make the buffer grow.
    pub fn put_aside(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.aside_bytes < MAX_ASIDE_BYTES {
            let before = self.out.len();
            write(&mut self.out);
            self.aside_bytes += self.out.len() - before;
        }
    }

    /// Whether the server has been sent so much for what it asked that no more is put aside.
    pub fn owes_too_much(&self) -> bool {
        self.aside_bytes >= MAX_ASIDE_BYTES
    }

    /// HTTP/2: takes the request that was put into a stream's output.
    pub fn take_request(&mut self) -> Vec<u8> {
        self.unsent.clear();
        std::mem::take(&mut self.out)
    }

    /// Gives the memory of a request back for the next.
    pub fn keep_buffer(&mut self, mut request: Vec<u8>) {
        request.clear();
        self.out = request;
    }

    /// Whether bytes are left to be written.
    pub fn has_output(&self) -> bool {
        self.written < self.out.len() || self.wire.as_ref().is_some_and(Wire::wants_write)
    }

    /// Writes as much as the socket takes.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(wire) = &mut self.wire else {
            return Ok(());
        };
        loop {
            if self.written == self.out.len() {
                return wire.flush_pending().map(drop);
            }
            match wire.write(&self.out[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.written += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The id of the next call whose last byte is written now, to be asked after [`Self::flush`].
    /// With TLS, written means that the socket has taken the record it is in.
    pub fn next_sent(&mut self) -> Option<u64> {
        let (end, id) = *self.unsent.front()?;
        if end > self.written || self.wire.as_ref().is_some_and(Wire::wants_write) {
            return None;
        }
        self.unsent.pop_front();
        Some(id)
    }

    /// Gives buffers back that were not used for a while: thousands of idle connections would hold those of their
    /// busiest moment.
    pub fn rest(&mut self) {
        let is_idle = self.out.is_empty() && !self.has_calls();
        if is_idle && std::mem::replace(&mut self.was_idle, true) {
            self.out = Vec::new();
            self.unsent = VecDeque::new();
            self.calls.rest();
            self.batch.rest();
        } else {
            self.ease();
        }
    }

    /// Gives back what only a burst has needed of a connection that is never idle. Twice of what was needed since the
    /// last time stays.
    fn ease(&mut self) {
        let needed = std::mem::take(&mut self.peak_bytes);
        let needed = 2 * needed.max(self.out.len()).max(1_024);
        let had = self.out.capacity();
        if had > 2 * needed {
            self.out.shrink_to(needed);
            self.unsent.shrink_to(2 * self.unsent.len().max(8));
        }
        memory::note_freed(had - self.out.capacity() + self.calls.ease());
    }

    /// Forgets what was written, once all was.
    pub fn recycle(&mut self) {
        if self.written == self.out.len() && self.unsent.is_empty() {
            self.peak_bytes = self.peak_bytes.max(self.out.len());
            self.out.clear();
            self.written = 0;
            self.aside_bytes = 0;
        } else if self.written > 1 << 20 {
            // A server that reads slowly must not make the buffer grow with what it has read.
            self.out.drain(..self.written);
            for (end, _) in &mut self.unsent {
                *end = end.saturating_sub(self.written);
            }
            self.written = 0;
        }
    }
}
