//! Headers that change while the load goes on: a new token goes into the heads of all clients, a few at a time.

use super::worker::Worker;
use std::sync::Arc;

/// So many heads are written anew in a round of the loop: some 100 µs, which no call that is due notices.
const AT_ONCE: usize = 200;

impl Worker {
    /// The user's headers are others from now on. Connections that stand stay; what is asked on them has the new ones.
    pub(super) fn take_headers(&mut self, headers: Arc<Vec<(String, String)>>) {
        self.headers = headers;
        self.renewed = 0;
    }

    /// Goes on writing the heads of clients anew.
    pub(super) fn renew_heads(&mut self) {
        let end = (self.renewed + AT_ONCE).min(self.clients.len());
        for c in std::mem::replace(&mut self.renewed, end)..end {
            let home = self.server_of(c);
            if self.clients[c].headers.is_some() {
                self.send_cookies(c, &home);
            } else if self.clients[c].head.is_some()
                && let Ok(head) = self.render_head(c, &home)
            {
                self.clients[c].head = Some(head);
            }
        }
    }
}
