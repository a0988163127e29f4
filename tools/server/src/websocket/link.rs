//! One WebSocket from its first message to its last: read what is there, answer what is due, then flush.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use futures_util::{Sink, Stream};
use protocol::revision::Revision;
use record::clock::mono_ns;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::held::Waiting;
use crate::connection::{Connection, Socket};
use crate::delay::Sleep;
use crate::metrics::{Active, Class, Transport};
use crate::serving::Idle;
use crate::state::{Phase, State};

/// Answers written before the first of them is flushed; a client that never pauses must not wait.
const MOST_UNFLUSHED: usize = 32;

/// Serves a WebSocket until either side ends it.
pub(super) async fn run(
    state: Arc<State>,
    connection: Arc<Connection>,
    stream: WebSocketStream<Socket>,
    phase: watch::Receiver<Phase>,
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
        () = link.serve(phase) => {}
        _ = at_once.wait_for(|phase| *phase == Phase::Ended) => {}
    }
    for planned in link.waiting.drain() {
        state.count(&planned, Transport::WebSocket, true);
    }
}

/// A WebSocket and all that belongs to it.
pub(super) struct Link<'a> {
    pub(super) state: &'a State,
    pub(super) connection: &'a Connection,
    pub(super) stream: WebSocketStream<Socket>,
    pub(super) waiting: Waiting,
    sleep: Sleep,
    pub(super) unflushed: usize,
    /// As negotiated by `initialize`; a client that sends none is served all the same, as most
    /// servers do.
    pub(super) revision: Option<Revision>,
    pub(super) session: Option<Active<'a>>,
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
    async fn serve(&mut self, mut phase: watch::Receiver<Phase>) {
        let mut stop = std::pin::pin!(async move {
            let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
        });
        let mut idle = Idle::new(self.state.options.limits.idle);
        let mut stopping = false;
        loop {
            if stopping && self.waiting.count() == 0 {
                return self.close(CloseCode::Away, "the server stops").await;
            }
            let event = self.next(stop.as_mut(), &mut idle, stopping).await;
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
        mut stop: Pin<&mut impl Future<Output = ()>>,
        idle: &mut Idle,
        stopping: bool,
    ) -> Event {
        let limits = &self.state.options.limits;
        // A client that asks faster than it may has its socket left unread: TCP slows it down.
        let reads = !stopping
            && self.waiting.count() < limits.in_flight
            && self.waiting.bytes() < limits.held_bytes;
        self.sleep.set(self.waiting.next_ns());
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
}
