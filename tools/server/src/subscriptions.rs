//! Who wants to hear of which resource, and the telling when one has changed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use record::clock::{mono_us, unix_us};

use crate::outbox::{Full, Outbox};
use crate::reply::push_json;

/// Most resources that one client may subscribe to.
pub(crate) const MOST: usize = 1_000;

/// The instant of a change, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Instant {
    pub(crate) mono_us: u64,
    pub(crate) unix_us: u64,
}

impl Instant {
    pub(crate) fn now() -> Self {
        Self {
            mono_us: mono_us(),
            unix_us: unix_us(),
        }
    }

    /// As fields of JSON.
    pub(crate) fn fields(self) -> String {
        format!(
            r#""mcpipe/changed_mono_us":{},"mcpipe/changed_us":{}"#,
            self.mono_us, self.unix_us
        )
    }
}

/// One client that listens, or one `subscriptions/listen` of it.
pub(crate) struct Listener {
    outbox: Arc<Outbox>,
    /// The JSON of the request's id, which a modern client tells its subscriptions apart by.
    listen_id: Option<String>,
    uris: Mutex<HashSet<String>>,
}

/// All who listen, by resource.
#[derive(Default)]
pub(crate) struct Subscriptions {
    by_uri: Mutex<HashMap<String, Vec<Arc<Listener>>>>,
}

impl Listener {
    pub(crate) fn new(outbox: &Arc<Outbox>, listen_id: Option<&str>) -> Arc<Self> {
        Arc::new(Self {
            outbox: Arc::clone(outbox),
            listen_id: listen_id.map(str::to_owned),
            uris: Mutex::default(),
        })
    }

    fn updated(&self, uri: &str, changed: Instant) -> String {
        let mut text = String::from(
            r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"#,
        );
        push_json(&mut text, uri);
        text.push_str(r#","_meta":{"#);
        text.push_str(&changed.fields());
        if let Some(id) = &self.listen_id {
            text.push_str(r#","io.modelcontextprotocol/subscriptionId":"#);
            text.push_str(id);
        }
        text.push_str("}}}");
        text
    }

    /// The first message of a `subscriptions/listen`: what of it was accepted (2026-07-28, subscriptions).
    pub(crate) fn acknowledged(&self) -> String {
        let mut uris: Vec<String> = lock(&self.uris).iter().cloned().collect();
        uris.sort_unstable();
        let mut text = String::from(
            r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"resourceSubscriptions":["#,
        );
        for (n, uri) in uris.iter().enumerate() {
            if n > 0 {
                text.push(',');
            }
            push_json(&mut text, uri);
        }
        text.push_str("]}");
        if let Some(id) = &self.listen_id {
            text.push_str(r#","_meta":{"io.modelcontextprotocol/subscriptionId":"#);
            text.push_str(id);
            text.push('}');
        }
        text.push_str("}}");
        text
    }
}

impl Subscriptions {
    /// # Errors
    /// Where the client has as many as it may have.
    pub(crate) fn add(&self, listener: &Arc<Listener>, uri: &str) -> Result<(), Full> {
        let mut by_uri = lock(&self.by_uri);
        let mut uris = lock(&listener.uris);
        if uris.len() >= MOST {
            return Err(Full);
        }
        if uris.insert(uri.to_owned()) {
            by_uri
                .entry(uri.to_owned())
                .or_default()
                .push(Arc::clone(listener));
        }
        Ok(())
    }

    pub(crate) fn remove(&self, listener: &Arc<Listener>, uri: &str) {
        let mut by_uri = lock(&self.by_uri);
        if lock(&listener.uris).remove(uri) {
            forget(&mut by_uri, listener, uri);
        }
    }

    /// The client has gone.
    pub(crate) fn remove_all(&self, listener: &Arc<Listener>) {
        let mut by_uri = lock(&self.by_uri);
        for uri in lock(&listener.uris).drain() {
            forget(&mut by_uri, listener, &uri);
        }
    }

    /// Tells those who want to hear of `uri`, or of any where there is none; gives the number of
    /// notifications that found no room.
    pub(crate) fn changed(
        &self,
        uri: Option<&str>,
        changed: Instant,
        now_ns: u64,
        release_ns: u64,
    ) -> u64 {
        let by_uri = lock(&self.by_uri);
        let mut lost = 0;
        let told = by_uri
            .iter()
            .filter(|(known, _)| uri.is_none_or(|uri| uri == *known));
        for (uri, listeners) in told {
            for listener in listeners {
                let text = listener.updated(uri, changed);
                lost += u64::from(listener.outbox.notify(release_ns, now_ns, text).is_err());
            }
        }
        lost
    }
}

fn forget(by_uri: &mut HashMap<String, Vec<Arc<Listener>>>, listener: &Arc<Listener>, uri: &str) {
    if let Some(listeners) = by_uri.get_mut(uri) {
        listeners.retain(|other| !Arc::ptr_eq(other, listener));
        if listeners.is_empty() {
            by_uri.remove(uri);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
