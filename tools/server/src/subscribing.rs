//! Answers that depend on who asks: subscriptions to resources, and calls that change one.

use std::sync::Arc;

use protocol::code;
use protocol::revision::Era;
use record::clock::mono_ns;

use crate::answer::Answer;
use crate::level::Level;
use crate::method::Method;
use crate::metrics::Class;
use crate::outbox::Outbox;
use crate::params::Params;
use crate::reply::{self, Caching};
use crate::state::State;
use crate::subscriptions::{Instant, Listener};
use crate::{resources, subscriptions};

/// Where a client hears of changes, made when it first wants to.
#[derive(Default)]
pub(crate) struct Ear {
    outbox: Option<Arc<Outbox>>,
    listener: Option<Arc<Listener>>,
    /// From which level on its client wants log messages.
    level: Option<Level>,
}

impl Ear {
    /// An ear whose stream exists before anybody subscribes.
    pub(crate) fn on(outbox: &Arc<Outbox>) -> Self {
        Self {
            outbox: Some(Arc::clone(outbox)),
            ..Self::default()
        }
    }

    /// Where its notifications wait, once there may be some.
    pub(crate) fn outbox(&self) -> Option<&Arc<Outbox>> {
        self.outbox.as_ref()
    }

    /// The stream, made if there is none.
    pub(crate) fn open(&mut self) -> &Arc<Outbox> {
        self.outbox
            .get_or_insert_with(|| Arc::new(Outbox::new(false)))
    }

    fn listener(&mut self) -> Arc<Listener> {
        let outbox = Arc::clone(self.open());
        Arc::clone(
            self.listener
                .get_or_insert_with(|| Listener::new(&outbox, None)),
        )
    }

    /// The client has gone.
    pub(crate) fn close(&mut self, state: &State) {
        if let Some(listener) = self.listener.take() {
            state.subscriptions.remove_all(&listener);
        }
    }
}

/// From which level on log messages are wanted, which this very call may say.
fn log_level(
    era: Era,
    method: Method,
    params: &Params<'_>,
    ear: Option<&mut Ear>,
) -> Option<Level> {
    if era == Era::Modern {
        return params.log_level();
    }
    let ear = ear?;
    if method == Method::SetLevel {
        ear.level = params.level.as_deref().and_then(Level::named).or(ear.level);
    }
    ear.level
}

impl State {
    /// Answers everything but `initialize` and `subscriptions/listen`; without an ear there is nobody
    /// to tell of changes.
    pub(crate) fn answer(
        &self,
        era: Era,
        id: &str,
        method: Method,
        params: &Params<'_>,
        ear: Option<&mut Ear>,
    ) -> Answer {
        let mut answer =
            if era == Era::Legacy && matches!(method, Method::Subscribe | Method::Unsubscribe) {
                self.subscribe(id, method, params, ear)
            } else {
                let least = log_level(era, method, params, ear);
                self.catalogue.answer(era, id, method, params, least)
            };
        answer.token = params.audit_token().map(Box::from);
        if let Some(change) = answer.changed.take() {
            let (uri, changed) = *change;
            self.tell(Some(&uri), changed);
        }
        answer
    }

    /// All texts change, and whoever subscribed to one hears of it.
    pub(crate) fn change_all(&self) {
        self.catalogue.versions.touch_all();
        self.tell(None, Instant::now());
    }

    fn tell(&self, uri: Option<&str>, changed: Instant) {
        let now_ns = mono_ns();
        let lost = self
            .subscriptions
            .changed(uri, changed, now_ns, self.release_ns(now_ns));
        self.metrics.errors(Class::NotificationLost, lost);
    }

    fn subscribe(
        &self,
        id: &str,
        method: Method,
        params: &Params<'_>,
        ear: Option<&mut Ear>,
    ) -> Answer {
        let wrong = |sentence: &str| Answer::error(id, code::INVALID_PARAMS, sentence, None);
        let Some(ear) = ear else {
            return Answer::error(
                id,
                code::METHOD_NOT_FOUND,
                "there is no stream to tell of changes on: subscriptions need a session, and are not for batches",
                None,
            );
        };
        let Some(uri) = params.uri.as_deref() else {
            return wrong("a subscription needs a uri");
        };
        if method == Method::Unsubscribe {
            if let Some(listener) = &ear.listener {
                self.subscriptions.remove(listener, uri);
            }
        } else if self.catalogue.resources.text(uri).is_none() {
            let (message, data) = resources::missing(uri);
            return Answer::error(id, code::RESOURCE_NOT_FOUND, &message, Some(&data));
        } else if self.subscriptions.add(&ear.listener(), uri).is_err() {
            return wrong(TOO_MANY);
        }
        Answer::done(reply::result(id, Era::Legacy, Caching::Silent, ""))
    }

    /// Begins a `subscriptions/listen` whose messages go to `outbox`, its acknowledgement first.
    ///
    /// # Errors
    /// An answer, where it asks for too much.
    pub(crate) fn listen(
        &self,
        id: &str,
        params: &Params<'_>,
        outbox: &Arc<Outbox>,
    ) -> Result<Arc<Listener>, Answer> {
        let listener = Listener::new(outbox, Some(id));
        let wanted = params.notifications.as_ref();
        for uri in wanted.into_iter().flat_map(|wanted| &wanted.resources) {
            // What does not exist is not accepted, and that is no error.
            if self.catalogue.resources.text(uri).is_some()
                && self.subscriptions.add(&listener, uri).is_err()
            {
                self.subscriptions.remove_all(&listener);
                return Err(Answer::error(id, code::INVALID_PARAMS, TOO_MANY, None));
            }
        }
        let now_ns = mono_ns();
        let release_ns = self.release_ns(now_ns);
        outbox.push(release_ns, now_ns, id, listener.acknowledged(), None);
        Ok(listener)
    }
}

const TOO_MANY: &str = "a client may subscribe to 1000 resources at most";
const _: () = assert!(subscriptions::MOST == 1_000);
