//! A stream of events that stays open: what an outbox has to say, and comments in between.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use protocol::revision::Revision;
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
    /// The answer to a POST; where it is kept, the session that can have it again, and its number there.
    Answer(Option<(Arc<Session>, u64)>),
    /// The one stream of an HTTP+SSE session (2024-11-05), which ends with it.
    Sse(Arc<Session>),
    /// A modern `subscriptions/listen`, with the answer that a graceful end is.
    Listen {
        listener: Arc<Listener>,
        goodbye: String,
    },
}

impl Purpose {
    /// What comes first on a stream that can be taken up again behind the event `seen`: an id without data, so that it
    /// can be even where no event comes, and how long to stay away (2025-11-25, Streamable HTTP).
    pub(crate) fn first(&self, seen: u64) -> Option<String> {
        let session = match self {
            Self::Session(session) | Self::Answer(Some((session, _))) => session,
            _ => return None,
        };
        if session.revision < Revision::V2025_11_25 {
            return None;
        }
        let id = self.event_id(seen)?;
        Some(format!("id: {id}\nretry: {RETRY_MS}\ndata:\n\n"))
    }

    /// The id of an event: it names its stream, and its place in it.
    fn event_id(&self, number: u64) -> Option<String> {
        match self {
            Self::Session(_) => Some(format!("get/{number}")),
            Self::Answer(Some((_, answer))) => Some(format!("post/{answer}/{number}")),
            _ => None,
        }
    }
}

/// How long a client is asked to wait before it opens a stream again.
const RETRY_MS: u32 = 100;

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
                        let transport = match self.purpose {
                            Purpose::Answer(_) => Transport::Http,
                            _ => Transport::Sse,
                        };
                        self.state.count(&call, transport, false);
                    }
                    return Poll::Ready(Some(event));
                }
                Poll::Pending => {}
            }
            let is_answer = matches!(self.purpose, Purpose::Answer(_));
            // What was asked is answered, also by a server that is about to end.
            if !is_answer && self.stop.as_mut().poll(cx).is_ready() {
                self.ended = true;
                return Poll::Ready(match &mut self.purpose {
                    // A graceful end is an answer (2026-07-28, subscriptions).
                    Purpose::Listen { goodbye, .. } => {
                        let goodbye = std::mem::take(goodbye);
                        Some(self.event(0, goodbye.as_bytes()))
                    }
                    Purpose::Session(_) | Purpose::Sse(_) | Purpose::Answer(_) => None,
                });
            }
            self.cut.set(self.cut_ns);
            if Pin::new(&mut self.cut).poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            if self.comments.poll_tick(cx).is_ready() {
                if let Purpose::Session(session)
                | Purpose::Sse(session)
                | Purpose::Answer(Some((session, _))) = &self.purpose
                {
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
        if let Some(id) = self.purpose.event_id(number) {
            event.extend_from_slice(format!("id: {id}\n").as_bytes());
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
            Purpose::Session(_) | Purpose::Answer(Some(_)) => {}
            Purpose::Answer(None) => {
                for call in self.outbox.close() {
                    self.state.count(&call, Transport::Http, true);
                }
            }
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

/// Where a client left off, as an event id says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The place in the GET stream.
    Get(u64),
    /// The number of an answer, and the place in it.
    Answer(u64, u64),
}

impl Seen {
    /// Reads an id that [`Purpose::event_id`] has made.
    pub(crate) fn read(id: &str) -> Option<Self> {
        if let Some(place) = id.strip_prefix("get/") {
            return Some(Self::Get(place.parse().ok()?));
        }
        let (answer, place) = id.strip_prefix("post/")?.split_once('/')?;
        Some(Self::Answer(answer.parse().ok()?, place.parse().ok()?))
    }
}
