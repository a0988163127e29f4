//! Legacy sessions over HTTP: named by an id that nobody can guess, and dropped when idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::revision::Revision;
use record::clock::mono_us;
use tokio::sync::{Notify, oneshot};

/// What one `initialize` opened.
pub(crate) struct Session {
    pub(crate) id: String,
    /// As negotiated.
    pub(crate) revision: Revision,
    /// Told when the session is gone, so that its GET stream ends.
    pub(crate) ended: Arc<Notify>,
    used_us: AtomicU64,
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

impl Session {
    pub(crate) fn touch(&self) {
        self.used_us.store(mono_us(), Ordering::Relaxed);
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
    leak_bytes: usize,
    /// Never given back: that is what `--leak` is for.
    leaked: Mutex<Vec<Box<[u8]>>>,
}

impl Sessions {
    pub(crate) fn new(most: usize, leak_bytes: usize) -> Self {
        Self {
            open: Mutex::new(HashMap::new()),
            most,
            leak_bytes,
            leaked: Mutex::new(Vec::new()),
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// Where there are as many as there may be.
    pub(crate) fn open(&self, revision: Revision) -> Result<Arc<Session>, Full> {
        let session = Arc::new(Session {
            id: mint().ok_or(Full)?,
            revision,
            ended: Arc::new(Notify::new()),
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
        session.touch();
        Some(session)
    }

    /// Ends a session; whether there was one.
    pub(crate) fn end(&self, id: &str) -> bool {
        let session = lock(&self.open).remove(id);
        if let Some(session) = &session {
            session.ended.notify_waiters();
        }
        session.is_some()
    }

    /// Ends the sessions that were not used for so long.
    pub(crate) fn sweep(&self, idle: Duration) {
        let now_us = mono_us();
        let idle_us = idle.as_micros() as u64;
        lock(&self.open).retain(|_, session| {
            let stays = now_us.saturating_sub(session.used_us.load(Ordering::Relaxed)) < idle_us;
            if !stays {
                session.ended.notify_waiters();
            }
            stays
        });
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
        let sessions = Sessions::new(2, 0);
        let first = sessions.open(Revision::LATEST_LEGACY).unwrap();
        let second = sessions.open(Revision::LATEST_LEGACY).unwrap();
        assert_ne!(first.id, second.id);
        assert!(sessions.open(Revision::LATEST_LEGACY).is_err());
        assert!(sessions.end(&first.id));
        assert!(!sessions.end(&first.id));
        sessions.sweep(Duration::from_secs(3600));
        assert_eq!(sessions.count(), 1);
        sessions.sweep(Duration::ZERO);
        assert_eq!(sessions.count(), 0);
    }

    #[test]
    fn a_cancellation_reaches_the_call_and_a_ticket_removes_only_itself() {
        let sessions = Sessions::new(2, 0);
        let session = sessions.open(Revision::LATEST_LEGACY).unwrap();
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
