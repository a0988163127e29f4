//! How answers leave a link: at their time, in one write with others.

use record::clock::mono_ns;

use super::talk::Talk;
use crate::http::body::frames;
use crate::metrics::{Class, Outcome};
use crate::state::{Planned, class_of};

impl Talk<'_> {
    /// Sends an answer at its time: now, or later from the heap.
    pub(super) fn answer(&mut self, id: &str, mut planned: Planned, now_ns: u64) {
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
            return self.release(now_ns);
        }
        let text = std::mem::take(&mut planned.answer.text);
        if planned.release_ns > now_ns {
            self.waiting
                .push(planned.release_ns, planned.done_ns, id, text, Some(planned));
        } else {
            self.send(&text, Some(planned));
        }
    }

    /// A message that answers no call, held by a stall like any other.
    pub(super) fn say(&mut self, text: String, now_ns: u64) {
        let release_ns = self.state.release_ns(now_ns);
        if release_ns > now_ns {
            self.waiting.push(release_ns, now_ns, "", text, None);
        } else {
            self.send(&text, None);
        }
    }

    /// Sends what may leave by now, as far as there is room.
    pub(super) fn release(&mut self, now_ns: u64) {
        while !self.out.is_full()
            && let Some(held) = self.waiting.pop(now_ns)
        {
            self.send(&held.text, held.call);
        }
    }

    /// Counts the answers in the buffer, which is written next.
    pub(super) fn settle(&mut self) {
        if !self.tally.is_empty() {
            self.tally
                .settle(&self.state.metrics, self.transport, mono_ns());
        }
    }

    /// Puts a message into the buffer.
    fn send(&mut self, text: &str, call: Option<Planned>) {
        if !text.is_empty() {
            self.form.write(&mut self.out.bytes, text);
        }
        if let Some(mut call) = call {
            self.connection.buffered(call.truth_line.take());
            let class = match call.answer.outcome {
                Outcome::RpcError => Some(class_of(call.answer.code)),
                Outcome::ToolError => Some(Class::ToolError),
                Outcome::Ok | Outcome::Cancelled => None,
            };
            self.tally.add(
                call.method,
                call.era,
                call.answer.outcome,
                class,
                call.received_ns,
            );
        }
    }
}
