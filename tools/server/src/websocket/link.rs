//! One WebSocket from its first message to its last: read what is there, answer what is due, then flush.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use futures_util::{Sink, SinkExt, Stream};
use protocol::code;
use protocol::revision::{Era, Revision};
use record::clock::mono_ns;
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::time::{Duration, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message as Frame};

use super::held::Waiting;
use crate::batch;
use crate::connection::{Connection, Socket};
use crate::delay::Sleep;
use crate::dispatch::Answer;
use crate::http::body::frames;
use crate::message::{self, Message};
use crate::method::Method;
use crate::metrics::{Active, Class, Transport};
use crate::params::Params;
use crate::reply;
use crate::state::{Asker, Phase, Planned, State, class_of};

/// Answers written before the first of them is flushed; a client that never pauses must not wait.
const MOST_UNFLUSHED: usize = 32;
/// How long a client may take to hear why it is being closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a WebSocket until either side ends it.
pub(super) async fn run(
    state: Arc<State>,
    connection: Arc<Connection>,
    stream: WebSocketStream<Socket>,
    mut phase: watch::Receiver<Phase>,
) {
    let _active = state.metrics.connection(Transport::WebSocket);
    let mut at_once = phase.clone();
    let mut link = Link {
        sleep: state.alarm.sleep(),
        state: &state,
        connection: &connection,
        stream,
        waiting: Waiting::default(),
        unflushed: 0,
        revision: None,
        session: None,
    };
    tokio::select! {
        biased;
        () = link.serve(&mut phase) => {}
        _ = at_once.wait_for(|phase| *phase == Phase::Ended) => {}
    }
    for planned in link.waiting.drain() {
        state.count(&planned, Transport::WebSocket, true);
    }
}

struct Link<'a> {
    state: &'a State,
    connection: &'a Connection,
    stream: WebSocketStream<Socket>,
    waiting: Waiting,
    sleep: Sleep,
    unflushed: usize,
    /// As negotiated by `initialize`; a client that sends none is served all the same, as most
    /// servers do.
    revision: Option<Revision>,
    session: Option<Active<'a>>,
}

/// What woke a link.
enum Event {
    Frame(Option<Result<Frame, Error>>),
    /// A held answer may leave.
    Due,
    /// No byte for so long.
    Idle,
    /// The server is on its way out.
    Stop,
    /// The flush failed.
    Broken,
}

impl Link<'_> {
    async fn serve(&mut self, phase: &mut watch::Receiver<Phase>) {
        let mut idle = crate::serving::Idle::new(self.state.options.limits.idle);
        let mut stopping = false;
        loop {
            if stopping && self.waiting.count() == 0 {
                return self.close(CloseCode::Away, "the server stops").await;
            }
            let event = self.next(phase, &mut idle, stopping).await;
            let fine = match event {
                Event::Frame(Some(Ok(frame))) => self.frame(frame).await,
                Event::Frame(Some(Err(error))) => return self.failed(error).await,
                Event::Frame(None) | Event::Broken => return,
                Event::Due => self.release(mono_ns()).await,
                Event::Idle => return self.close(CloseCode::Away, "idle for too long").await,
                Event::Stop => {
                    stopping = true;
                    Ok(())
                }
            };
            if fine.is_err() {
                return;
            }
        }
    }

    /// Waits for something to do, and flushes when there is nothing else.
    async fn next(
        &mut self,
        phase: &mut watch::Receiver<Phase>,
        idle: &mut crate::serving::Idle,
        stopping: bool,
    ) -> Event {
        let limits = &self.state.options.limits;
        // A client that asks faster than it may has its socket left unread: TCP slows it down.
        let reads = !stopping
            && self.waiting.count() < limits.in_flight
            && self.waiting.bytes() < limits.held_bytes;
        self.sleep.set(self.waiting.next_ns());
        let mut stop = std::pin::pin!(phase.wait_for(|phase| *phase != Phase::Serving));
        std::future::poll_fn(|cx| {
            if reads
                && self.unflushed < MOST_UNFLUSHED
                && let Poll::Ready(frame) = Pin::new(&mut self.stream).poll_next(cx)
            {
                return Poll::Ready(Event::Frame(frame));
            }
            if Pin::new(&mut self.sleep).poll(cx).is_ready() {
                return Poll::Ready(Event::Due);
            }
            if self.unflushed > 0
                && let Poll::Ready(result) = Pin::new(&mut self.stream).poll_flush(cx)
            {
                self.unflushed = 0;
                if result.is_err() {
                    return Poll::Ready(Event::Broken);
                }
                // Reading stopped at the limit, so nobody has asked to be woken for more.
                if reads && let Poll::Ready(frame) = Pin::new(&mut self.stream).poll_next(cx) {
                    return Poll::Ready(Event::Frame(frame));
                }
            }
            if !stopping && stop.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Stop);
            }
            if self.waiting.count() == 0
                && idle.poll(cx, self.connection.reads.load(Ordering::Relaxed))
            {
                return Poll::Ready(Event::Idle);
            }
            Poll::Pending
        })
        .await
    }

    async fn frame(&mut self, frame: Frame) -> Result<(), Error> {
        match frame {
            Frame::Text(text) => {
                let now_ns = mono_ns();
                self.release(now_ns).await?;
                self.message(&text, now_ns).await
            }
            Frame::Binary(_) => {
                self.state.metrics.error(Class::BadFrame);
                self.close(
                    CloseCode::Unsupported,
                    "one JSON-RPC message per text frame",
                )
                .await;
                Err(Error::ConnectionClosed)
            }
            // tungstenite answers pings and closes by itself, and flushes them on the next read.
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_) | Frame::Frame(_) => Ok(()),
        }
    }

    async fn message(&mut self, text: &str, now_ns: u64) -> Result<(), Error> {
        if text.trim_ascii_start().starts_with('[') {
            return self.batch(text, now_ns).await;
        }
        match message::read(text) {
            Ok(Message::Request { id, method, params }) => {
                let planned = self.request(id, &method, params, now_ns);
                self.answer(id, planned, now_ns).await
            }
            Ok(Message::Notification { method, params }) => {
                self.notified(&method, Params::read(params).as_ref());
                Ok(())
            }
            Ok(Message::Response) => Ok(()),
            Err(fault) => {
                self.state.metrics.error(class_of(Some(fault.code)));
                let text = reply::error(fault.id, fault.code, &fault.text, None);
                self.say(text, now_ns).await
            }
        }
    }

    fn request(&mut self, id: &str, name: &str, raw: Option<&str>, now_ns: u64) -> Planned {
        let state = self.state;
        let method = Method::named(name);
        let (era, answer) = match Params::read(raw) {
            None => {
                let message = "params is an object with fields of the right types";
                (
                    Era::Legacy,
                    Answer::error(id, code::INVALID_PARAMS, message, None),
                )
            }
            Some(params) if self.is_modern(method, &params) => {
                let answer = match state.check_modern(id, &params) {
                    Ok(()) => state.catalogue.answer(Era::Modern, id, method, &params),
                    Err(answer) => answer,
                };
                (Era::Modern, answer)
            }
            Some(params) if method == Method::Initialize => {
                (Era::Legacy, self.initialize(id, &params))
            }
            Some(params) => (
                Era::Legacy,
                state.catalogue.answer(Era::Legacy, id, method, &params),
            ),
        };
        state.plan(
            answer,
            id,
            method,
            era,
            Asker::Connection(self.connection),
            now_ns,
        )
    }

    /// Without headers, `_meta` alone tells the eras apart, and a method that only one of them has.
    fn is_modern(&self, method: Method, params: &Params<'_>) -> bool {
        let speaks = |era| self.state.catalogue.speaks(era);
        speaks(Era::Modern)
            && (!speaks(Era::Legacy)
                || params.modern_version().is_some()
                || method == Method::Discover)
    }

    fn initialize(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let (revision, answer) = self.state.catalogue.initialize(id, params);
        if self.session.is_none() {
            self.session = Some(self.state.metrics.session(Transport::WebSocket));
            self.state.sessions.leak();
        }
        self.revision = Some(revision);
        answer
    }

    fn notified(&mut self, method: &str, params: Option<&Params<'_>>) {
        if method == "notifications/cancelled"
            && let Some(id) = params.and_then(|params| params.request_id)
        {
            for planned in self.waiting.cancel(id.get()) {
                self.state.count(&planned, Transport::WebSocket, true);
            }
        }
    }

    async fn batch(&mut self, text: &str, now_ns: u64) -> Result<(), Error> {
        let revision = self.revision.unwrap_or(Revision::V2025_03_26);
        let mut cancelled = Vec::new();
        let asker = Asker::Connection(self.connection);
        let batch = if revision == Revision::V2025_03_26 && self.state.catalogue.speaks(Era::Legacy)
        {
            batch::read(self.state, text, asker, now_ns, |method, params| {
                if method == "notifications/cancelled"
                    && let Some(id) = params.and_then(|params| params.request_id)
                {
                    cancelled.push(id.get().to_owned());
                }
            })
            .map_err(|fault| (fault.code, fault.text))
        } else {
            Err((
                code::INVALID_REQUEST,
                "a batch is a thing of 2025-03-26: send one message a frame".into(),
            ))
        };
        let batch = match batch {
            Ok(batch) => batch,
            Err((code, sentence)) => {
                self.state.metrics.error(class_of(Some(code)));
                return self
                    .say(reply::error("null", code, &sentence, None), now_ns)
                    .await;
            }
        };
        for id in cancelled {
            for planned in self.waiting.cancel(&id) {
                self.state.count(&planned, Transport::WebSocket, true);
            }
        }
        self.answer_batch(batch, now_ns).await
    }

    /// The array leaves when its last answer is due; the calls count then, each with its own line.
    async fn answer_batch(&mut self, batch: Vec<Planned>, now_ns: u64) -> Result<(), Error> {
        let Some(release_ns) = batch.iter().map(|planned| planned.release_ns).max() else {
            return Ok(());
        };
        let text = batch::join(batch.iter().map(|planned| planned.answer.text.as_str()));
        for planned in batch {
            // An empty text is never sent: it carries the end of a call to the instant of the array.
            self.waiting
                .push(release_ns, 0, "", String::new(), Some(planned));
        }
        self.waiting.push(release_ns, 0, "", text, None);
        self.release(now_ns).await
    }

    /// Sends an answer at its time: now, or later from the heap.
    async fn answer(&mut self, id: &str, mut planned: Planned, now_ns: u64) -> Result<(), Error> {
        if planned.answer.steps.is_some() {
            let mut messages: Vec<(u64, String)> = frames(self.state, &planned).collect();
            let last = messages.pop();
            for (release_ns, text) in messages {
                self.waiting.push(release_ns, release_ns, id, text, None);
            }
            if let Some((release_ns, text)) = last {
                self.waiting
                    .push(release_ns, planned.done_ns, id, text, Some(planned));
            }
            return self.release(now_ns).await;
        }
        let text = std::mem::take(&mut planned.answer.text);
        if planned.release_ns > now_ns {
            self.waiting
                .push(planned.release_ns, planned.done_ns, id, text, Some(planned));
            return Ok(());
        }
        self.send(text, Some(planned)).await
    }

    /// A message that answers no call, held by a stall like any other.
    async fn say(&mut self, text: String, now_ns: u64) -> Result<(), Error> {
        let release_ns = self.state.release_ns(now_ns);
        if release_ns > now_ns {
            self.waiting.push(release_ns, now_ns, "", text, None);
            return Ok(());
        }
        self.send(text, None).await
    }

    /// Sends what may leave by now.
    async fn release(&mut self, now_ns: u64) -> Result<(), Error> {
        while let Some(held) = self.waiting.pop(now_ns) {
            self.send(held.text, held.call).await?;
        }
        Ok(())
    }

    /// Puts a message into the buffer; it waits here while a client that does not read has it full.
    async fn send(&mut self, text: String, call: Option<Planned>) -> Result<(), Error> {
        if !text.is_empty() {
            self.stream.feed(Frame::text(text)).await?;
            self.unflushed += 1;
        }
        if let Some(mut call) = call {
            self.connection.buffered(call.truth_line.take());
            self.state.count(&call, Transport::WebSocket, false);
        }
        Ok(())
    }

    /// Says why the connection ends, where the client can still hear it.
    async fn failed(&mut self, error: Error) {
        let (class, code, reason) = match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => (
                Class::TooLarge,
                CloseCode::Size,
                "the message is larger than this server takes: see --max-frame",
            ),
            Error::Utf8(_) => (Class::BadFrame, CloseCode::Invalid, "the text is not UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_) => return,
            _ => (
                Class::BadFrame,
                CloseCode::Protocol,
                "that is no WebSocket frame",
            ),
        };
        self.state.metrics.error(class);
        self.close(code, reason).await;
    }

    async fn close(&mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let farewell = async {
            if self.stream.close(Some(frame)).await.is_ok() {
                // Closing with unread bytes would reset the connection, and the reason with it.
                let mut rest = [0_u8; 4096];
                let socket = self.stream.get_mut();
                while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}
