//! The bodies of HTTP answers: nothing, one text, the events of one call, or a stream that stays open.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use record::clock::mono_ns;

use super::stream::Stream;
use crate::connection::{Busy, Connection};
use crate::delay::Sleep;
use crate::metrics::Transport;
use crate::session::Ticket;
use crate::state::{Planned, State};

/// A body.
pub(crate) enum AnswerBody {
    Full(Option<Bytes>),
    Events(Box<Events>),
    /// What a client hears without having asked.
    Stream(Box<Stream>),
}

impl AnswerBody {
    pub(crate) const EMPTY: Self = Self::Full(None);

    pub(crate) fn full(text: String) -> Self {
        Self::Full(Some(Bytes::from(text)))
    }
}

/// A call that waits on a connection; dropped before its end, it counts as cancelled.
pub(crate) struct Waiting {
    pub(crate) state: Arc<State>,
    busy: Busy,
    pub(crate) planned: Planned,
    answered: bool,
}

impl Waiting {
    pub(crate) fn new(state: Arc<State>, connection: &Arc<Connection>, planned: Planned) -> Self {
        Self {
            state,
            busy: Busy::new(connection),
            planned,
            answered: false,
        }
    }

    /// The answer is handed to hyper now.
    pub(crate) fn answer(&mut self) {
        self.answered = true;
        self.busy.0.buffered(self.planned.truth_line.take());
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.state
            .count(&self.planned, Transport::Http, !self.answered);
    }
}

/// The events of one call: its notifications, each at its instant, and then its answer.
pub(crate) struct Events {
    waiting: Waiting,
    /// Cancelled by `notifications/cancelled`, in a legacy session.
    ticket: Option<Ticket>,
    sleep: Sleep,
    frames: VecDeque<(u64, Bytes)>,
}

impl Events {
    pub(crate) fn new(waiting: Waiting, ticket: Option<Ticket>) -> Self {
        let frames = frames(&waiting.state, &waiting.planned)
            .map(|(release_ns, text)| (release_ns, event(&text)))
            .collect();
        Self {
            sleep: waiting.state.alarm.sleep(),
            waiting,
            ticket,
            frames,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(ticket) = &mut self.ticket
            && let Poll::Ready(Ok(())) = Pin::new(&mut ticket.cancelled).poll(cx)
        {
            // No answer to a cancelled call: the stream just ends.
            self.frames.clear();
        }
        let Some((release_ns, _)) = self.frames.front() else {
            return Poll::Ready(None);
        };
        if *release_ns > mono_ns() {
            self.sleep.set(*release_ns);
            if Pin::new(&mut self.sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let frame = self.frames.pop_front().map(|(_, frame)| frame);
        if self.frames.is_empty() {
            self.waiting.answer();
        }
        Poll::Ready(frame)
    }
}

/// The messages of a call with the instants at which they leave, the answer last.
pub(crate) fn frames<'a>(
    state: &'a State,
    planned: &'a Planned,
) -> impl Iterator<Item = (u64, String)> + 'a {
    let steps = planned.answer.steps.as_ref();
    let notifications = steps.into_iter().flat_map(move |steps| {
        (1..=steps.n).map(move |k| {
            // The last step is the end of the work, so they are counted back from there.
            let done_ns = planned.done_ns - u64::from(steps.n - k) * steps.every_ns;
            (state.release_ns(done_ns), steps.message(k))
        })
    });
    notifications.chain(std::iter::once((
        planned.release_ns,
        planned.answer.text.clone(),
    )))
}

/// One server-sent event; our messages hold no line break, since JSON escapes it.
fn event(text: &str) -> Bytes {
    let mut event = String::with_capacity(text.len() + 24);
    event.push_str("event: message\ndata: ");
    event.push_str(text);
    event.push_str("\n\n");
    Bytes::from(event)
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Full(text) => Poll::Ready(text.take()),
            Self::Events(events) => events.poll(cx),
            Self::Stream(stream) => stream.poll(cx),
        };
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Self::Events(_) | Self::Stream(_) => SizeHint::default(),
        }
    }
}
