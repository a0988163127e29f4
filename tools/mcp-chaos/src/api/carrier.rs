//! What carries out: the relay, or, where requests are only tried out, a list on paper.

use super::address::{self, Find};
use crate::network::Counts;
use crate::proxy::{Applied, Open, Proxies, Shown};
use std::net::SocketAddr;

/// Who has the proxies.
pub enum Carrier {
    /// The relay.
    Relay(Proxies),
    /// Nobody: nothing listens, nothing is connected to, no name is looked up.
    Paper(Vec<Shown>),
}

impl Carrier {
    /// How names are found.
    pub fn find(&self) -> Find {
        match self {
            Self::Relay(_) => address::system,
            Self::Paper(_) => address::on_paper,
        }
    }

    /// All proxies, those of the plan, too.
    pub fn list(&self) -> Vec<Shown> {
        match self {
            Self::Relay(proxies) => proxies.list(),
            Self::Paper(all) => all.clone(),
        }
    }

    /// Opens one.
    ///
    /// # Errors
    /// A sentence. So for all below.
    pub fn open(&mut self, open: Open) -> Result<SocketAddr, String> {
        let all = match self {
            Self::Relay(proxies) => return proxies.open(open),
            Self::Paper(all) => all,
        };
        let mut listen = open.listen;
        if listen.port() == 0 {
            listen.set_port(20_000 + all.len() as u16);
        }
        all.push(Shown {
            name: open.name,
            listen,
            upstream: open.upstream,
            enabled: true,
            toxics: Vec::new(),
            links: 0,
            accepted: 0,
            refused: 0,
        });
        Ok(listen)
    }

    /// New connections go there.
    pub fn aim(&mut self, name: &str, upstream: SocketAddr) {
        match self {
            Self::Relay(proxies) => proxies.aim(name, upstream),
            Self::Paper(_) => {
                if let Ok(proxy) = self.on_paper(name) {
                    proxy.upstream = upstream;
                }
            }
        }
    }

    /// Closes one.
    pub fn shut(&mut self, name: &str) {
        match self {
            Self::Relay(proxies) => proxies.shut(name),
            Self::Paper(all) => all.retain(|p| p.name != name),
        }
    }

    /// Closes its port and connections, or opens the port again.
    pub fn set_enabled(&mut self, name: &str, enabled: bool) -> Result<(), String> {
        match self {
            Self::Relay(proxies) => proxies.set_enabled(name, enabled),
            Self::Paper(_) => self.on_paper(name).map(|proxy| proxy.enabled = enabled),
        }
    }

    /// Applies a toxic, in the place of one with the same id.
    pub fn apply(&mut self, name: &str, applied: Applied) -> Result<(), String> {
        if let Self::Relay(proxies) = self {
            return proxies.apply(name, applied);
        }
        let toxics = &mut self.on_paper(name)?.toxics;
        match toxics.iter_mut().find(|t| t.id == applied.id) {
            Some(old) => *old = applied,
            None => toxics.push(applied),
        }
        Ok(())
    }

    /// Takes a toxic away, and says what it did.
    pub fn lift(&mut self, name: &str, id: &str) -> Result<Counts, String> {
        if let Self::Relay(proxies) = self {
            return proxies.lift(name, id);
        }
        let toxics = &mut self.on_paper(name)?.toxics;
        let place = toxics.iter().position(|t| t.id == id);
        toxics.remove(place.ok_or_else(|| format!("{name} has no fault called {id}"))?);
        Ok(Counts::new())
    }

    fn on_paper(&mut self, name: &str) -> Result<&mut Shown, String> {
        let all = match self {
            Self::Relay(_) => return Err("this is no paper".to_owned()),
            Self::Paper(all) => all,
        };
        all.iter_mut()
            .find(|p| p.name == name)
            .ok_or_else(|| format!("no proxy is called {name}: open it first"))
    }
}
