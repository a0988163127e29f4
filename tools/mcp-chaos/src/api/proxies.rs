//! What clients do with proxies: make them, move them, take them down and up again, delete them.

use super::asked::{Change, NewProxy, too_many_proxies};
use super::book::{MAX_PROXIES, Own, down};
use super::refusal::Refusal;
use super::shown;
use super::state::State;
use crate::proxy::{Open, Shown};
use control::Answer;
use serde_json::{Value, json};
use std::net::SocketAddr;

impl State {
    /// Makes a proxy, and gives its name.
    pub(super) fn create(&mut self, new: NewProxy) -> Result<String, Refusal> {
        let all = self.carrier.list();
        if all.iter().any(|p| p.name == new.name) {
            return Err(Refusal::new(
                409,
                format!(
                    "proxy already exists: delete {:?} first, or change it",
                    new.name
                ),
            ));
        }
        if all.len() >= MAX_PROXIES {
            return Err(too_many_proxies());
        }
        self.open(&new.name, new.listen, new.upstream.address)?;
        if !new.enabled {
            let closed = self.carrier.set_enabled(&new.name, false);
            closed.map_err(|e| Refusal::new(500, e))?;
        }
        let upstream = new.upstream.text;
        self.book.own.insert(new.name.clone(), Own { upstream });
        Ok(new.name)
    }

    fn open(
        &mut self,
        name: &str,
        listen: SocketAddr,
        upstream: SocketAddr,
    ) -> Result<(), Refusal> {
        let open = Open {
            name: name.to_owned(),
            listen,
            upstream,
            split: None,
        };
        let opened = self.carrier.open(open);
        opened.map(drop).map_err(|e| Refusal::new(500, e))
    }

    /// Sees to it that these proxies are there. One that is as it should be is left alone, with its toxics.
    pub(super) fn populate(&mut self, all: Vec<NewProxy>) -> Result<Answer, Refusal> {
        let there = self.carrier.list();
        let mut more = 0;
        for new in &all {
            match there.iter().find(|p| p.name == new.name) {
                Some(old) if !self.book.own.contains_key(&new.name) && !self.is_as(old, new) => {
                    return Err(belongs_to_pipeline(&new.name));
                }
                Some(_) => {}
                None => more += 1,
            }
        }
        if there.len() + more > MAX_PROXIES {
            return Err(too_many_proxies());
        }
        let (mut done, mut failed) = (Vec::new(), None);
        for new in all {
            let name = new.name.clone();
            let old = there.iter().find(|p| p.name == name);
            let made = match old {
                Some(old) if self.is_as(old, &new) => Ok(name.clone()),
                Some(_) => self.delete(&name).and_then(|()| self.create(new)),
                None => self.create(new),
            };
            match made.and_then(|name| self.find(&name)) {
                Ok(proxy) => done.push(shown::proxy(&proxy, &self.book)),
                Err(refusal) => {
                    failed = Some(refusal);
                    break;
                }
            }
        }
        Ok(match failed {
            None => Answer::of(201, &json!({ "proxies": done })),
            Some(refusal) => {
                let Refusal { status, text, .. } = refusal;
                let body: Value = json!({"error": text, "status": status, "proxies": done});
                Answer::of(status, &body)
            }
        })
    }

    /// Whether a proxy is as one that is asked for. A port of the kernel's choice is any port, so that whoever asks twice
    /// for one gets it once.
    fn is_as(&self, old: &Shown, new: &NewProxy) -> bool {
        same_listener(old.listen, new.listen)
            && match self.book.own.get(&old.name) {
                Some(own) => own.upstream == new.upstream.text,
                None => old.upstream == new.upstream.address,
            }
    }

    /// Moves a proxy, or takes it down or up.
    pub(super) fn change(&mut self, name: &str, change: Change) -> Result<(), Refusal> {
        let old = self.find(name)?;
        let listen = change.listen.filter(|l| !same_listener(old.listen, *l));
        let own = self.book.own.get(name);
        let upstream = change.upstream.filter(|new| match own {
            Some(own) => own.upstream != new.text,
            None => old.upstream != new.address,
        });
        if own.is_none() && (listen.is_some() || upstream.is_some()) {
            return Err(belongs_to_pipeline(name));
        }
        let enabled = change.enabled.unwrap_or(old.enabled);
        if own.is_none() && enabled && !old.enabled && !self.book.down.contains_key(name) {
            return Err(belongs_to_pipeline(name));
        }
        if let Some(upstream) = &upstream {
            self.carrier.aim(name, upstream.address);
            let text = upstream.text.clone();
            self.book
                .own
                .insert(name.to_owned(), Own { upstream: text });
        }
        if let Some(listen) = listen {
            self.move_to(&old, listen)?;
        }
        if upstream.is_some() && enabled {
            // Connections to what was there before are not to go on.
            self.set_up(name, false)?;
        }
        self.set_up(name, enabled)?;
        self.note_up(name, old.enabled, enabled);
        Ok(())
    }

    /// Listens elsewhere; where that cannot be had, where it was. Its toxics go along.
    fn move_to(&mut self, old: &Shown, listen: SocketAddr) -> Result<(), Refusal> {
        let now = self.find(&old.name)?;
        self.carrier.shut(&old.name);
        let moved = self.open(&old.name, listen, now.upstream);
        if moved.is_err() {
            self.open(&old.name, old.listen, now.upstream)?;
        }
        for applied in now.toxics {
            let again = self.carrier.apply(&old.name, applied);
            again.map_err(|e| Refusal::new(500, e))?;
        }
        if moved.is_err() && !old.enabled {
            self.set_up(&old.name, false)?;
        }
        moved
    }

    fn set_up(&mut self, name: &str, enabled: bool) -> Result<(), Refusal> {
        let set = self.carrier.set_enabled(name, enabled);
        set.map_err(|e| Refusal::new(500, e))
    }

    /// Tells that a proxy was taken down or up: to whoever calls through it, that is a fault as any other.
    fn note_up(&mut self, name: &str, was_up: bool, is_up: bool) {
        if was_up && !is_up {
            let id = self.book.next_id();
            self.book.down.insert(name.to_owned(), id.clone());
            self.began(name, down(&id));
        }
        if is_up && let Some(id) = self.book.down.remove(name) {
            self.ended(name, down(&id), Ok(Default::default()));
        }
    }

    /// Deletes a proxy that a client made.
    pub(super) fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        self.find(name)?;
        if !self.book.own.contains_key(name) {
            return Err(belongs_to_pipeline(name));
        }
        self.lift_all(name);
        self.carrier.shut(name);
        self.book.own.remove(name);
        self.note_up(name, false, true);
        Ok(())
    }

    /// Takes all toxics of clients away, and up what they took down.
    pub(super) fn reset(&mut self) {
        for proxy in self.carrier.list() {
            self.lift_all(&proxy.name);
            let is_ours =
                self.book.own.contains_key(&proxy.name) || self.book.down.contains_key(&proxy.name);
            if is_ours && !proxy.enabled && self.set_up(&proxy.name, true).is_ok() {
                self.note_up(&proxy.name, false, true);
            }
        }
    }
}

fn same_listener(old: SocketAddr, new: SocketAddr) -> bool {
    old.ip() == new.ip() && (old.port() == new.port() || new.port() == 0)
}

fn belongs_to_pipeline(name: &str) -> Refusal {
    Refusal::new(
        409,
        format!(
            "proxy already exists: {name:?} is a target of the pipeline, to which toxics can be added, and which can be taken down and up"
        ),
    )
}
