//! In the path of the calls: each target gets a proxy of ours, and its record that proxy's address.

pub mod fields;
pub mod rewrite;

use crate::message::Wire;
use crate::proxy::{Open, Proxies};
use protocol::endpoint::{Endpoint, Scheme};
use record::kind::Target;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The proxies of the targets: a handle for any thread.
#[derive(Clone)]
pub struct Path {
    proxies: Proxies,
    routes: Arc<Mutex<HashMap<String, Route>>>,
    /// Whether the plan has faults of messages.
    splits: bool,
}

/// The way to one target.
#[derive(Debug, Clone)]
struct Route {
    /// Where its proxy listens, or why it has none.
    at: Result<SocketAddr, String>,
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
            routes: Arc::default(),
        }
    }

    /// The proxies themselves.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Sees to it that the proxy of a target leads to where it is now, and gives the address to call instead.
    ///
    /// # Errors
    /// A sentence: it cannot have a proxy, and is called as it was.
    pub fn lead(&self, target: &Target) -> Result<SocketAddr, String> {
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

    fn lead_to(&self, target: &Target, known: Option<SocketAddr>) -> Result<SocketAddr, String> {
        let name = target.key();
        let endpoint = Endpoint::parse(&target.url).map_err(|e| e.to_string())?;
        if endpoint.scheme == Scheme::Stdio {
            return Err(
                "it is a command, spoken to over its stdin and stdout: no proxy stands there"
                    .to_owned(),
            );
        }
        let upstream = *endpoint
            .resolve()
            .map_err(|e| e.to_string())?
            .first()
            .ok_or("its host has no address")?;
        if let Some(at) = known {
            self.proxies.aim(name, upstream);
            self.proxies.set_enabled(name, true)?;
            return Ok(at);
        }
        self.proxies.open(Open {
            name: name.to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            upstream,
            split: wire(endpoint.scheme).filter(|_| self.splits),
        })
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
        Scheme::Tcp => Some(Wire::Lines),
        Scheme::Wss | Scheme::Https | Scheme::Tcps | Scheme::Stdio => None,
    }
}
