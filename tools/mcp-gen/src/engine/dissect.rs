//! Where the time went: the parts of a connection's set-up, and of an answer over HTTP.
//!
//! All instants are those that the loop has looked at the clock for anyway.

use super::call::Call;
use super::conn::Job;
use super::worker::Worker;
use crate::anatomy::Anatomy;
use crate::tally::{Key, count};
use record::Histogram;

/// The histogram of a part.
type Part = fn(&mut Anatomy) -> &mut Option<Box<Histogram>>;

impl Worker {
    /// A part of a connection's set-up is over, and the next one begins.
    pub(super) fn end_part(&mut self, conn: usize, part: Part, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let began = std::mem::replace(&mut state.part_since_ns, now);
        let key = Key {
            stage: self.stages.at(now) as u16,
            home: state.row,
            label: self.clients[state.client].group,
        };
        let anatomy = &mut self.book.cell(key).anatomy;
        count(part(anatomy), now.saturating_sub(began));
    }

    /// A connection can carry calls. Where nothing had to be said for that, there was no handshake.
    pub(super) fn end_handshake(&mut self, conn: usize, now: u64) {
        let began = self.conns[conn].as_ref().map(|s| s.part_since_ns);
        if began.is_some_and(|began| now > began) {
            self.end_part(conn, |anatomy| &mut anatomy.handshake, now);
        }
    }

    /// The answer to an ok call over HTTP is complete.
    pub(super) fn dissect(&mut self, call: &Call, now: u64) {
        let key = self.key_of(call);
        let anatomy = &mut self.book.cell(key).anatomy;
        // One that came before the last byte of the request had left was there at once.
        let sent = if call.sent_ns == 0 {
            call.first_ns
        } else {
            call.sent_ns
        };
        count(&mut anatomy.first, call.first_ns.saturating_sub(sent));
        count(
            &mut anatomy.last,
            now.saturating_sub(call.first_ns.max(sent)),
        );
    }

    /// An event of an answer came. The first one has no gap before it. Where several calls share a stream, it counts on the
    /// oldest of them.
    pub(super) fn note_event(&mut self, conn: usize, now: u64) {
        let Some(state) = self.conns[conn].as_mut() else {
            return;
        };
        let call = match &state.job {
            Job::Call(call, None) => *call,
            Job::Several(..) => match state.calls.oldest() {
                Some(call) => *call,
                None => return,
            },
            _ => return,
        };
        let before = std::mem::replace(&mut state.event_ns, now);
        if before > 0 {
            let key = self.key_of(&call);
            count(&mut self.book.cell(key).anatomy.gap, now - before);
        }
    }
}
