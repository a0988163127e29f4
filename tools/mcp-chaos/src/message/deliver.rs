//! Passes an answer on as it was judged: at once, later, behind the next one, in pieces, twice, or not at all.

use super::answer::Verdict;
use super::conversation::{Conversation, Now};

/// An answer that waits until the next one has passed.
#[derive(Debug)]
pub(super) struct Held {
    /// As it will lie on the wire.
    bytes: Vec<u8>,
    /// It waits no longer than until then.
    pub(super) until_us: u64,
}

impl Conversation {
    /// Passes bytes on, which are the answer as it lies on the wire: the last instant at which one of them goes.
    pub(super) fn deliver(&mut self, bytes: Vec<u8>, verdict: &Verdict, now: &mut Now<'_>) -> u64 {
        if verdict.dropped {
            return now.us;
        }
        let bytes = if verdict.twice {
            [&bytes[..], &bytes].concat()
        } else {
            bytes
        };
        if let Some(hold_us) = verdict.hold_us {
            self.held.push_back(Held {
                bytes,
                until_us: now.us + verdict.delay_us + hold_us,
            });
            return now.us;
        }
        let outlet = &mut self.server.outlet;
        let mut at_us = now.us + verdict.delay_us;
        match verdict.drip {
            None if verdict.delay_us == 0 => outlet.raw(&bytes, now.us, now.out),
            None => at_us = outlet.at(bytes, at_us, now.out),
            Some(drip) => {
                let mut last_us = at_us;
                for (after_us, piece) in drip.pieces(&bytes) {
                    last_us = outlet.at(piece.to_vec(), at_us + after_us, now.out);
                }
                // A frame or a line cannot have another one within it.
                outlet.not_before(last_us);
                at_us = last_us;
            }
        }
        if verdict.is_answer {
            self.release(now);
        }
        at_us
    }

    /// Lets all go that waits.
    pub(super) fn release(&mut self, now: &mut Now<'_>) {
        for held in std::mem::take(&mut self.held) {
            self.server.outlet.raw(&held.bytes, now.us, now.out);
        }
    }
}
