//! One stream of messages in both directions, from its first byte to its last: WebSocket, or lines over TCP or stdio.
//!
//! All that one read brought is answered before it is written, in one write: a system call for many
//! messages. Between two wake-ups a link holds no buffers, so that thousands of idle ones are cheap.

mod frames;
mod framing;
mod outgoing;
mod send;
mod talk;

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use protocol::code;
use record::clock::mono_ns;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;
use tokio::time::timeout;

pub(crate) use self::framing::Form;
use self::framing::{Broken, Framing, Piece};
use self::talk::Talk;
use crate::connection::{Connection, Socket};
use crate::delay::Sleep;
use crate::metrics::{Class, Transport};
use crate::outbox::Place;
use crate::patience::Patience;
use crate::serving::Idle;
use crate::state::{Phase, State};

/// How much is read at once; its answers take about as much.
const READ_BYTES: usize = 32 << 10;

/// How long a client may take to hear why it is being closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Close codes of RFC 6455, 7.4.1.
mod close {
    pub(super) const AWAY: u16 = 1001;
    pub(super) const PROTOCOL: u16 = 1002;
    pub(super) const UNSUPPORTED: u16 = 1003;
    pub(super) const INVALID: u16 = 1007;
    pub(super) const POLICY: u16 = 1008;
    pub(super) const SIZE: u16 = 1009;
}

thread_local! {
    /// Where all links of a thread read to; what a link cannot use at once, it copies.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// Serves a stream until either side ends it. `early` was read from it already.
pub(crate) async fn run(
    state: Arc<State>,
    connection: Arc<Connection>,
    socket: Socket,
    (transport, form): (Transport, Form),
    early: Vec<u8>,
    mut phase: watch::Receiver<Phase>,
) {
    let _active = state.metrics.connection(transport);
    let mut at_once = phase.clone();
    let mut link = Link {
        talk: Talk::new(&state, &connection, transport, form),
        sleep: state.alarm.sleep(),
        socket,
        framing: form.reader(),
        unparsed: !early.is_empty(),
        rest: early,
        place: None,
        idle: Idle::new(state.options.limits.idle),
        patience: Patience::new(state.options.limits.request),
        whole: 0,
        stopping: false,
        ended: false,
    };
    {
        let mut stop = pin!(phase.wait_for(|phase| *phase != Phase::Serving));
        let mut dead = pin!(at_once.wait_for(|phase| *phase == Phase::Ended));
        let end = std::future::poll_fn(|cx| {
            if let Poll::Ready(end) = link.poll(cx) {
                return Poll::Ready(end);
            }
            if !link.stopping && stop.as_mut().poll(cx).is_ready() {
                link.stopping = true;
                return link.poll(cx);
            }
            dead.as_mut().poll(cx).map(|_| End::Gone)
        })
        .await;
        tokio::select! {
            () = link.farewell(end) => {}
            _ = dead => {}
        }
    }
    link.talk.settle();
    link.talk.stop_listening(false);
    for planned in link.talk.waiting.drain() {
        state.count(&planned, transport, true);
    }
}

/// A stream and all that belongs to it.
struct Link<'a> {
    talk: Talk<'a>,
    socket: Socket,
    framing: Framing,
    /// Bytes that were read, but not taken yet.
    rest: Vec<u8>,
    /// `rest` may hold a whole message: taking stopped at a limit.
    unparsed: bool,
    /// How much was said of what it subscribed to.
    place: Option<Place>,
    sleep: Sleep,
    idle: Idle,
    /// With the message of which a part has come.
    patience: Patience,
    /// Messages that were taken whole.
    whole: u64,
    /// The server is on its way out.
    stopping: bool,
    /// The client sends no more, but may still read.
    ended: bool,
}

/// How a link ends.
enum End {
    /// Nobody is there to hear a last word.
    Gone,
    /// The client said goodbye first.
    Answered(Option<u16>),
    /// All was said, and the stream just ends.
    Done,
    /// With a reason.
    Close(u16, &'static str),
}

impl Link<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.talk.out.borrow();
        loop {
            self.talk.release(mono_ns());
            let could = self.takes();
            let took = match self.poll_take(cx) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                Poll::Pending => false,
            };
            self.talk.settle();
            self.hear(cx);
            match self.talk.out.poll_write(cx, &mut self.socket) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(End::Gone),
                // Nothing more is read from a client that does not read; its socket wakes us.
                Poll::Pending => {
                    ready!(self.poll_idle(cx));
                    return Poll::Ready(End::Gone);
                }
            }
            // With the buffer full nobody has asked to be woken for more.
            if took || (!could && self.takes()) {
                self.talk.out.borrow();
                continue;
            }
            if self.poll_patience(cx) {
                return Poll::Ready(self.too_slow());
            }
            if self.talk.waiting.count() == 0 {
                if self.stopping {
                    self.talk.stop_listening(true);
                    return Poll::Ready(End::Close(close::AWAY, "the server stops"));
                }
                if self.ended {
                    return Poll::Ready(End::Done);
                }
                if self.poll_idle(cx).is_ready() {
                    return Poll::Ready(End::Close(close::AWAY, "idle for too long"));
                }
            }
            let heard_ns = self
                .talk
                .ear
                .outbox()
                .map_or(u64::MAX, |outbox| outbox.next_ns());
            self.sleep.set(self.talk.waiting.next_ns().min(heard_ns));
            ready!(Pin::new(&mut self.sleep).poll(cx));
            self.talk.out.borrow();
        }
    }

    /// Says what the client subscribed to, where it did.
    fn hear(&mut self, cx: &mut Context<'_>) {
        let Some(outbox) = self.talk.ear.outbox() else {
            return;
        };
        let place = self.place.get_or_insert_with(|| outbox.attach(None));
        let now_ns = mono_ns();
        while !self.talk.out.is_full()
            && let Poll::Ready(Some(given)) = outbox.poll_next(cx, place, now_ns)
        {
            // What was put in was text.
            if let Ok(text) = str::from_utf8(&given.text) {
                self.talk.form.write(&mut self.talk.out.bytes, text);
            }
        }
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let reads = self.talk.connection.reads.load(Ordering::Relaxed);
        if self.idle.poll(cx, reads) {
            self.talk.state.metrics.error(Class::Idle);
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Whether a message has been under way for too long. What we don't take ourselves is nobody's fault.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> bool {
        let is_under_way = !self.rest.is_empty() || self.framing.is_in_fragments();
        let number = (is_under_way && !self.unparsed && self.takes()).then_some(self.whole);
        self.patience.poll(cx, number)
    }

    fn too_slow(&mut self) -> End {
        let reason = "the message took too long to come: see --request-timeout";
        self.talk.state.metrics.error(Class::RequestTimeout);
        if self.talk.form == Form::Lines {
            // Lines have no close frame to put the reason into.
            let text = crate::reply::error("null", code::INVALID_REQUEST, reason, None);
            self.talk.say(text, mono_ns());
        }
        End::Close(close::POLICY, reason)
    }

    /// Whether more may be taken. A client that asks faster than it may, or does not read what it
    /// asked for, has its socket left unread: TCP slows it down.
    fn takes(&self) -> bool {
        let limits = &self.talk.state.options.limits;
        !self.stopping
            && !self.talk.out.is_full()
            && self.talk.waiting.count() < limits.in_flight
            && self.talk.waiting.bytes() < limits.held_bytes
    }

    /// Takes what is there; pending when there is nothing, or nothing may be taken.
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if self.ended && !self.unparsed || !self.takes() {
            return Poll::Pending;
        }
        if self.unparsed {
            return Poll::Ready(self.take_rest());
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            if ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer)).is_err() {
                return Poll::Ready(Err(End::Gone));
            }
            let read = buffer.filled_mut();
            if read.is_empty() {
                return Poll::Ready(self.end_of_stream());
            }
            if !self.rest.is_empty() {
                self.rest.extend_from_slice(read);
                return Poll::Ready(self.take_rest());
            }
            let taken = self.take(read)?;
            self.rest.extend_from_slice(&read[taken..]);
            Poll::Ready(Ok(()))
        })
    }

    fn take_rest(&mut self) -> Result<(), End> {
        let mut rest = std::mem::take(&mut self.rest);
        let taken = self.take(&mut rest)?;
        if taken < rest.len() {
            rest.drain(..taken);
            self.rest = rest;
        }
        Ok(())
    }

    /// Answers the messages of `input`, and says how many bytes they were.
    fn take(&mut self, input: &mut [u8]) -> Result<usize, End> {
        let most_bytes = self.talk.state.options.limits.frame_bytes;
        let now_ns = mono_ns();
        let mut at = 0;
        loop {
            self.unparsed = !self.takes();
            if self.unparsed {
                return Ok(at);
            }
            match self.framing.next(input, &mut at, most_bytes) {
                Ok(None) => return Ok(at),
                Ok(Some(Piece::Message(text))) => {
                    self.whole += 1;
                    self.talk.message(text, now_ns);
                }
                Ok(Some(Piece::Blank)) => self.whole += 1,
                Ok(Some(Piece::Garbled)) => {
                    self.whole += 1;
                    let sentence = "the line is not UTF-8";
                    self.talk
                        .refuse("null", code::PARSE_ERROR, sentence, now_ns);
                }
                Ok(Some(Piece::Ping(payload))) => self.talk.out.pong(payload),
                Ok(Some(Piece::Close(code))) => return Err(End::Answered(code)),
                Err(broken) => return Err(self.broken(broken, now_ns)),
            }
        }
    }

    fn end_of_stream(&mut self) -> Result<(), End> {
        if self.talk.form == Form::Frames {
            return Err(End::Gone);
        }
        // Who pipes a few lines in has said all, and still reads.
        self.ended = true;
        if !self.rest.is_empty() {
            self.rest.push(b'\n');
            self.unparsed = true;
        }
        Ok(())
    }

    /// What is said to a client whose bytes make no sense.
    fn broken(&mut self, broken: Broken, now_ns: u64) -> End {
        let (class, code, reason) = match broken {
            Broken::TooLarge => (
                Class::TooLarge,
                close::SIZE,
                "the message is larger than this server takes: see --max-frame",
            ),
            Broken::NotUtf8 => (Class::BadFrame, close::INVALID, "the text is not UTF-8"),
            Broken::Binary => (
                Class::BadFrame,
                close::UNSUPPORTED,
                "one JSON-RPC message per text frame",
            ),
            Broken::Protocol => (
                Class::BadFrame,
                close::PROTOCOL,
                "that is no WebSocket frame",
            ),
        };
        self.talk.state.metrics.error(class);
        if self.talk.form == Form::Lines {
            // Lines have no close frame to put the reason into.
            let text = crate::reply::error("null", code::INVALID_REQUEST, reason, None);
            self.talk.say(text, now_ns);
        }
        End::Close(code, reason)
    }

    /// Writes what is left and a last word, where the client can still hear it.
    async fn farewell(&mut self, end: End) {
        let drains = match end {
            End::Gone => return,
            End::Done => false,
            End::Answered(code) => {
                self.talk.out.close(code, "");
                false
            }
            End::Close(code, reason) => {
                if self.talk.form == Form::Frames {
                    self.talk.out.close(Some(code), reason);
                }
                // Closing with unread bytes would reset the connection, and the reason with it.
                self.talk.transport != Transport::Stdio
            }
        };
        self.talk.settle();
        let said = async {
            let (out, socket) = (&mut self.talk.out, &mut self.socket);
            if std::future::poll_fn(|cx| out.poll_write(cx, socket))
                .await
                .is_ok()
                && socket.shutdown().await.is_ok()
                && drains
            {
                let mut rest = vec![0_u8; 4096];
                while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            }
        };
        let _ = timeout(FAREWELL, said).await;
    }
}
