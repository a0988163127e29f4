//! The ends of sessions: how each of them ended, counted once.

use super::worker::Worker;
use crate::tally::Key;
use record::kind::Sessions;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its client has said goodbye.
    Deleted,
    /// Its client has left without a word.
    Abandoned,
    /// Its connection was closed by the server, or broke.
    Lost,
    /// The server did not know it any more.
    Expired,
}

impl Worker {
    /// The counts of the server that the client is at, in the interval under way.
    pub(super) fn sessions_of(&mut self, c: usize) -> &mut Sessions {
        let key = Key {
            stage: self.stages.at(self.interval_start_ns) as u16,
            home: self.homes[usize::from(self.place_of(c))].row,
            label: self.clients[c].group,
        };
        self.book.cell(key).sessions.get_or_insert_default()
    }

    /// A session begins.
    pub(super) fn note_begin(&mut self, c: usize) {
        // One that went over into another without an end of its own.
        self.note_end(c, End::Lost);
        let client = &mut self.clients[c];
        client.has_session = true;
        let reopened = u64::from(client.sessions > 0);
        let counts = self.sessions_of(c);
        counts.opened += 1;
        counts.reopened += reopened;
    }

    /// The client's session is over, where it has one.
    pub(super) fn note_end(&mut self, c: usize, end: End) {
        if !std::mem::take(&mut self.clients[c].has_session) {
            return;
        }
        let counts = self.sessions_of(c);
        let count = match end {
            End::Deleted => &mut counts.deleted,
            End::Abandoned => &mut counts.abandoned,
            End::Lost => &mut counts.lost,
            End::Expired => &mut counts.expired,
        };
        *count += 1;
    }
}
