//! In the path of the calls: each target gets a proxy of ours, and its record that proxy's address.

pub mod fields;
pub mod reception;
pub mod rewrite;

use crate::message::Wire;
use crate::proxy::{Open, Proxies};
use protocol::endpoint::{Endpoint, Scheme};
use reception::Reception;
use record::kind::Target;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The proxies of the targets: a handle for any thread.
#[derive(Clone)]
pub struct Path {
    proxies: Proxies,
    routes: Arc<Mutex<HashMap<String, Route>>>,
    /// Where commands come in, once there is one.
    reception: Arc<Mutex<Option<Reception>>>,
    /// Whether the plan has faults of messages.
    splits: bool,
}

/// How a target is called through its proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// At this address.
    At(SocketAddr),
    /// By this command line instead of its own.
    By(String),
}

/// The way to one target.
#[derive(Debug, Clone)]
struct Route {
    /// Where its proxy listens, or why it has none.
    at: Result<Way, String>,
    /// Whether what passes is encrypted.
    is_tls: bool,
}

impl Path {
    /// Without a proxy yet. `splits`: messages are looked at.
    #[must_use]
    pub fn new(proxies: Proxies, splits: bool) -> Self {
        Self {
            proxies,
            splits,
            reception: Arc::default(),
            routes: Arc::default(),
        }
    }

    /// The proxies themselves.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Sees to it that the proxy of a target leads to where it is now, and gives the way to call it instead.
    ///
    /// # Errors
    /// A sentence: it cannot have a proxy, and is called as it was.
    pub fn lead(&self, target: &Target) -> Result<Way, String> {
        let name = target.key();
        let route = self.routes().get(name).cloned();
        let known = route.and_then(|route| route.at.ok());
        let led = self.lead_to(target, known);
        let is_tls = Endpoint::parse(&target.url).is_ok_and(|e| e.scheme.is_tls());
        let route = Route {
            at: led.clone(),
            is_tls,
        };
        self.routes().insert(name.to_owned(), route);
        led
    }

    fn lead_to(&self, target: &Target, known: Option<Way>) -> Result<Way, String> {
        let name = target.key();
        let endpoint = Endpoint::parse(&target.url).map_err(|e| e.to_string())?;
        if endpoint.scheme == Scheme::Stdio {
            return self.lead_command(name, &endpoint.path, known.is_some());
        }
        let upstream = *endpoint
            .resolve()
            .map_err(|e| e.to_string())?
            .first()
            .ok_or("its host has no address")?;
        if let Some(Way::At(at)) = known {
            self.proxies.aim(name, upstream);
            self.proxies.set_enabled(name, true)?;
            return Ok(Way::At(at));
        }
        let open = self.open(name, upstream, endpoint.scheme);
        self.proxies.open(open).map(Way::At)
    }

    fn open(&self, name: &str, upstream: SocketAddr, scheme: Scheme) -> Open {
        Open {
            name: name.to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            upstream,
            split: wire(scheme).filter(|_| self.splits),
        }
    }

    /// A server that each client starts for itself: `relay-stdio` is started in its place, and brings both ends to us.
    fn lead_command(&self, name: &str, command: &str, is_open: bool) -> Result<Way, String> {
        let argv = undo::words(command).map_err(|e| e.to_string())?;
        let reception = self.reception().map_err(|e| e.to_string())?;
        if !is_open {
            // Nobody is to come in but through the reception.
            self.proxies
                .open(self.open(name, reception.at(), Scheme::Stdio))?;
            self.proxies.set_enabled(name, false)?;
        }
        let own = undo::own_executable().to_string_lossy().into_owned();
        let relay = [
            own,
            "relay-stdio".to_owned(),
            "--to".to_owned(),
            reception.at().to_string(),
            "--token".to_owned(),
            reception.token(name),
            "--".to_owned(),
        ];
        let words: Vec<String> = relay.iter().chain(&argv).map(|word| quoted(word)).collect();
        Ok(Way::By(words.join(" ")))
    }

    fn reception(&self) -> std::io::Result<Reception> {
        let mut slot = self
            .reception
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(reception) = &*slot {
            return Ok(reception.clone());
        }
        let opened = Reception::open(self.proxies.clone())?;
        Ok(slot.insert(opened).clone())
    }

    /// A target is gone: nobody gets through to it, until it is back.
    pub fn close(&self, name: &str) {
        if self
            .routes()
            .get(name)
            .is_some_and(|route| route.at.is_ok())
        {
            // It was opened under this name.
            let _ = self.proxies.set_enabled(name, false);
        }
    }

    /// Whether the calls of a target pass through a proxy of ours.
    ///
    /// # Errors
    /// A phrase: why not.
    pub fn leads_to(&self, name: &str) -> Result<(), String> {
        match self.routes().get(name) {
            Some(route) => route.at.as_ref().map(|_| ()).map_err(Clone::clone),
            None => Err("it has no proxy".to_owned()),
        }
    }

    /// Whether messages to and from a target can be read on their way.
    ///
    /// # Errors
    /// A phrase: why not.
    pub fn reads(&self, name: &str) -> Result<(), String> {
        match self.routes().get(name) {
            Some(route) if route.is_tls => Err(
                "its calls are encrypted (TLS), and nobody on the way can read them: name the server without TLS, or use faults of the network"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    fn routes(&self) -> MutexGuard<'_, HashMap<String, Route>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How messages lie on connections of a scheme, where they can be read.
fn wire(scheme: Scheme) -> Option<Wire> {
    match scheme {
        Scheme::Ws | Scheme::Http => Some(Wire::Http),
        Scheme::Tcp | Scheme::Stdio => Some(Wire::Lines),
        Scheme::Wss | Scheme::Https | Scheme::Tcps => None,
    }
}

/// A word of a command line, so that it stays one whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
