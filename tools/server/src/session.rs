//! Legacy sessions over HTTP: named by an id that nobody can guess, and dropped when idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::revision::Revision;
use record::clock::mono_us;
use tokio::sync::oneshot;

use crate::kept::Kept;
use crate::outbox::Outbox;
use crate::subscribing::Ear;

/// What one `initialize` opened.
pub(crate) struct Session {
    pub(crate) id: String,
    /// As negotiated.
    pub(crate) revision: Revision,
    /// What its stream of events has to say; closed when the session is gone.
    pub(crate) outbox: Arc<Outbox>,
    /// Answers that it can have again.
    pub(crate) kept: Kept,
    /// What it wants to hear of.
    ear: Mutex<Ear>,
    opened_us: u64,
    used_us: AtomicU64,
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

impl Session {
    pub(crate) fn touch(&self) {
        self.used_us.store(mono_us(), Ordering::Relaxed);
    }

    /// What it wants to hear of.
    pub(crate) fn ear(&self) -> MutexGuard<'_, Ear> {
        lock(&self.ear)
    }

    /// Notes that the call `id` waits for its answer; it hears of a cancellation through [`Ticket`].
    pub(crate) fn wait(self: &Arc<Self>, id: &str) -> Ticket {
        let (cancel, cancelled) = oneshot::channel();
        // A second call with the same id takes the place of the first, which is then past cancelling.
        lock(&self.waiting).insert(id.to_owned(), cancel);
        Ticket {
            session: Arc::clone(self),
            id: id.to_owned(),
            cancelled,
        }
    }

    /// `notifications/cancelled`: gives up a waiting call; an id that is not waiting is ignored.
    pub(crate) fn cancel(&self, id: &str) {
        if let Some(cancel) = lock(&self.waiting).remove(id) {
            let _ = cancel.send(());
        }
    }
}

/// A call that waits and can be cancelled by its id.
pub(crate) struct Ticket {
    session: Arc<Session>,
    id: String,
    /// Yields `Ok` on cancellation; an error means that it can no longer come.
    pub(crate) cancelled: oneshot::Receiver<()>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut waiting = lock(&self.session.waiting);
        // Its own entry only: its receiver is closed first, so that a successor's stays.
        self.cancelled.close();
        if waiting
            .get(&self.id)
            .is_some_and(oneshot::Sender::is_closed)
        {
            waiting.remove(&self.id);
        }
    }
}

/// Why there is no new session.
#[derive(Debug)]
pub(crate) struct Full;

/// The sessions of a server.
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Arc<Session>>>,
    most: usize,
    /// How long a session lives, used or not.
    ttl: Option<Duration>,
    leak_bytes: usize,
    /// Never given back: that is what `--leak` is for.
    leaked: Mutex<Vec<Box<[u8]>>>,
}

impl Sessions {
    pub(crate) fn new(most: usize, ttl: Option<Duration>, leak_bytes: usize) -> Self {
        Self {
            open: Mutex::new(HashMap::new()),
            most,
            ttl,
            leak_bytes,
            leaked: Mutex::new(Vec::new()),
        }
    }

    /// Opens a session, whose stream can say again what it said where `replays`.
    ///
    /// # Errors
    /// Where there are as many as there may be.
    pub(crate) fn open(&self, revision: Revision, replays: bool) -> Result<Arc<Session>, Full> {
        let outbox = Arc::new(Outbox::new(replays));
        let session = Arc::new(Session {
            id: mint().ok_or(Full)?,
            revision,
            ear: Mutex::new(Ear::on(&outbox)),
            outbox,
            kept: Kept::default(),
            opened_us: mono_us(),
            used_us: AtomicU64::new(mono_us()),
            waiting: Mutex::new(HashMap::new()),
        });
        {
            let mut open = lock(&self.open);
            if open.len() >= self.most {
                return Err(Full);
            }
            open.insert(session.id.clone(), Arc::clone(&session));
        }
        self.leak();
        Ok(session)
    }

    /// Keeps the memory that a session leaks; also called for a session over WebSocket.
    pub(crate) fn leak(&self) {
        if self.leak_bytes > 0 {
            // Not zero, or the kernel would lend one page for all of it.
            lock(&self.leaked).push(vec![0xA5; self.leak_bytes].into_boxed_slice());
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        let session = lock(&self.open).get(id).cloned()?;
        // The sweep takes it away, but later.
        if self.is_over(&session, mono_us()) {
            return None;
        }
        session.touch();
        Some(session)
    }

    fn is_over(&self, session: &Session, now_us: u64) -> bool {
        let lived_us = u128::from(now_us.saturating_sub(session.opened_us));
        self.ttl.is_some_and(|ttl| lived_us >= ttl.as_micros())
    }

    /// Takes a session out; its caller sees to what waits in it.
    pub(crate) fn end(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.open).remove(id)
    }

    /// Takes out the sessions that were not used for so long, or have had their time.
    pub(crate) fn sweep(&self, idle: Duration) -> Vec<Arc<Session>> {
        let now_us = mono_us();
        let idle_us = idle.as_micros() as u64;
        let mut open = lock(&self.open);
        let ended = open.extract_if(|_, session| {
            let quiet_us = now_us.saturating_sub(session.used_us.load(Ordering::Relaxed));
            quiet_us >= idle_us || self.is_over(session, now_us)
        });
        ended.map(|(_, session)| session).collect()
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.open).len()
    }
}

/// 128 random bits in hex: visible ASCII, as the specification wants, and unguessable.
fn mint() -> Option<String> {
    let mut bytes = [0_u8; 16];
    // It fails only where the kernel has no randomness to give; then nobody gets a session.
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_limited_ended_and_swept() {
        let sessions = Sessions::new(2, None, 0);
        let first = sessions.open(Revision::LATEST_LEGACY, true).unwrap();
        let second = sessions.open(Revision::LATEST_LEGACY, true).unwrap();
        assert_ne!(first.id, second.id);
        assert!(sessions.open(Revision::LATEST_LEGACY, true).is_err());
        assert!(sessions.end(&first.id).is_some());
        assert!(sessions.end(&first.id).is_none());
        sessions.sweep(Duration::from_secs(3600));
        assert_eq!(sessions.count(), 1);
        sessions.sweep(Duration::ZERO);
        assert_eq!(sessions.count(), 0);
    }

    #[test]
    fn a_cancellation_reaches_the_call_and_a_ticket_removes_only_itself() {
        let sessions = Sessions::new(2, None, 0);
        let session = sessions.open(Revision::LATEST_LEGACY, true).unwrap();
        let first = session.wait("1");
        let mut second = session.wait("1");
        drop(first);
        session.cancel("2");
        assert!(second.cancelled.try_recv().is_err());
        session.cancel("1");
        assert!(second.cancelled.try_recv().is_ok());
        drop(second);
        assert!(lock(&session.waiting).is_empty());
    }
}
