//! A stream of events that stays open: what an outbox has to say, and comments in between.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use record::clock::mono_ns;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::connection::{Busy, Connection};
use crate::delay::Sleep;
use crate::metrics::Transport;
use crate::outbox::{Outbox, Place};
use crate::session::Session;
use crate::state::{Phase, State};
use crate::subscriptions::Listener;

/// How often a silent stream says that it is alive; proxies give up after 60 s.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// What a stream belongs to, and what its end means.
pub(crate) enum Purpose {
    /// The GET stream of a legacy session: its events have ids, and it can be opened again.
    Session(Arc<Session>),
    /// The one stream of an HTTP+SSE session (2024-11-05), which ends with it.
    Sse(Arc<Session>),
    /// A modern `subscriptions/listen`, with the answer that a graceful end is.
    Listen {
        listener: Arc<Listener>,
        goodbye: String,
    },
}

/// The body of the stream.
pub(crate) struct Stream {
    state: Arc<State>,
    busy: Busy,
    purpose: Purpose,
    outbox: Arc<Outbox>,
    place: Place,
    /// Said before anything else.
    first: Option<Bytes>,
    sleep: Sleep,
    comments: Interval,
    /// When it is cut off, in nanoseconds of CLOCK_MONOTONIC.
    cut_ns: u64,
    cut: Sleep,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    ended: bool,
}

impl Stream {
    /// A reader of `outbox` behind the event `seen`, or behind all that was said.
    pub(crate) fn new(
        state: &Arc<State>,
        connection: &Arc<Connection>,
        outbox: &Arc<Outbox>,
        purpose: Purpose,
        seen: Option<u64>,
        first: Option<String>,
    ) -> Self {
        // An open stream is use of its session, so it must speak before that is idle.
        let every = COMMENT_EVERY
            .min(state.options.limits.idle / 4)
            .max(Duration::from_millis(1));
        let mut comments = interval_at(Instant::now() + every, every);
        comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut phase = state.phase.subscribe();
        let cut_ns = state.options.cut_streams.map_or(u64::MAX, |after| {
            mono_ns().saturating_add(after.as_nanos() as u64)
        });
        Self {
            busy: Busy::new(connection),
            purpose,
            place: outbox.attach(seen),
            outbox: Arc::clone(outbox),
            first: first.map(Bytes::from),
            sleep: state.alarm.sleep(),
            comments,
            cut_ns,
            cut: state.alarm.sleep(),
            stop: Box::pin(async move {
                let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
            }),
            ended: false,
            state: Arc::clone(state),
        }
    }

    /// The next bytes of the body; `None` at its end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            match self.outbox.poll_next(cx, &mut self.place, mono_ns()) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(given)) => {
                    let event = self.event(given.number, &given.text);
                    if let Some(mut call) = given.call {
                        self.busy.0.buffered(call.truth_line.take());
                        self.state.count(&call, Transport::Sse, false);
                    }
                    return Poll::Ready(Some(event));
                }
                Poll::Pending => {}
            }
            if self.stop.as_mut().poll(cx).is_ready() {
                self.ended = true;
                return Poll::Ready(match &mut self.purpose {
                    // A graceful end is an answer (2026-07-28, subscriptions).
                    Purpose::Listen { goodbye, .. } => {
                        let goodbye = std::mem::take(goodbye);
                        Some(self.event(0, goodbye.as_bytes()))
                    }
                    Purpose::Session(_) | Purpose::Sse(_) => None,
                });
            }
            self.cut.set(self.cut_ns);
            if Pin::new(&mut self.cut).poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            if self.comments.poll_tick(cx).is_ready() {
                if let Purpose::Session(session) | Purpose::Sse(session) = &self.purpose {
                    session.touch();
                }
                return Poll::Ready(Some(Bytes::from_static(b": alive\n\n")));
            }
            self.sleep.set(self.outbox.next_ns());
            ready!(Pin::new(&mut self.sleep).poll(cx));
        }
    }

    /// One event; our messages hold no line break, since JSON escapes it.
    fn event(&self, number: u64, text: &[u8]) -> Bytes {
        let mut event = Vec::with_capacity(text.len() + 48);
        if let Purpose::Session(_) = self.purpose {
            event.extend_from_slice(format!("id: {}\n", event_id(number)).as_bytes());
        }
        event.extend_from_slice(b"event: message\ndata: ");
        event.extend_from_slice(text);
        event.extend_from_slice(b"\n\n");
        Bytes::from(event)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        match &self.purpose {
            Purpose::Session(_) => {}
            Purpose::Sse(session) => {
                self.state.sse_sessions.end(&session.id);
                self.state.part(session, Transport::Sse);
                let count = self.state.sse_sessions.count();
                self.state.metrics.set_sessions(Transport::Sse, count);
            }
            Purpose::Listen { listener, .. } => self.state.subscriptions.remove_all(listener),
        }
    }
}

/// The id of an event of a session's GET stream: it names its stream, and its place in it.
pub(crate) fn event_id(number: u64) -> String {
    format!("get/{number}")
}

/// The place in the stream that an event id names.
pub(crate) fn place_of(id: &str) -> Option<u64> {
    id.strip_prefix("get/")?.parse().ok()
}
