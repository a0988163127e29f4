//! The state behind the API: who carries out, and what clients have put in.

use super::asked::Asked;
use super::book::{Book, down};
use super::carrier::Carrier;
use super::refusal::Refusal;
use super::told::Told;
use super::{metrics, shown};
use crate::network::Counts;
use crate::proxy::Shown;
use control::Answer;
use record::kind::Fault;
use serde_json::{Map, Value, json};

/// The state. One request after the other has it.
pub struct State {
    pub(super) carrier: Carrier,
    pub(super) book: Book,
    /// The seed of all that is drawn.
    pub(super) seed: u64,
    /// What is to be told of.
    pub(super) told: Vec<Told>,
    is_over: bool,
}

impl State {
    /// Nothing was put in yet.
    pub fn new(carrier: Carrier, seed: u64) -> Self {
        Self {
            carrier,
            book: Book::default(),
            seed,
            told: Vec::new(),
            is_over: false,
        }
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn carry_out(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        if self.is_over && !asked.only_looks() {
            return Err(Refusal::new(
                503,
                "the run winds down, and nothing is broken any more",
            ));
        }
        self.forget_what_is_gone();
        match asked {
            Asked::Version => Ok(version()),
            Asked::Metrics => Ok(Answer {
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                ..Answer::json(200, metrics::text(&self.carrier.list()))
            }),
            Asked::Proxies => {
                let all = self.carrier.list();
                let all: Map<String, Value> = all
                    .iter()
                    .map(|p| (p.name.clone(), shown::proxy(p, &self.book)))
                    .collect();
                Ok(Answer::of(200, &all))
            }
            Asked::Proxy(name) => self.show(200, &name),
            Asked::Create(new) => {
                let name = self.create(new)?;
                self.show(201, &name)
            }
            Asked::Populate(all) => self.populate(all),
            Asked::Reset => {
                self.reset();
                Ok(nothing())
            }
            Asked::Change(name, change) => {
                self.change(&name, change)?;
                self.show(200, &name)
            }
            Asked::Delete(name) => {
                self.delete(&name)?;
                Ok(nothing())
            }
            Asked::Toxics(proxy) => {
                let proxy = self.find(&proxy)?;
                Ok(Answer::of(200, &shown::toxics(&proxy, &self.book)))
            }
            Asked::Toxic(proxy, name) => self.show_toxic(&proxy, &name),
            Asked::Add(proxy, new) => {
                let name = self.add(&proxy, new)?;
                self.show_toxic(&proxy, &name)
            }
            Asked::Adjust(proxy, name, fields) => {
                self.adjust(&proxy, &name, &fields)?;
                self.show_toxic(&proxy, &name)
            }
            Asked::Remove(proxy, name) => {
                self.remove(&proxy, &name)?;
                Ok(nothing())
            }
        }
    }

    /// Takes back all that was put in, and takes no more.
    pub fn wind_down(&mut self) {
        self.is_over = true;
        self.forget_what_is_gone();
        self.reset();
    }

    /// A proxy, whoever made it.
    pub(super) fn find(&self, name: &str) -> Result<Shown, Refusal> {
        let all = self.carrier.list();
        let found = all.into_iter().find(|p| p.name == name);
        found.ok_or_else(|| Refusal::no_proxy(name))
    }

    fn show(&self, status: u16, name: &str) -> Result<Answer, Refusal> {
        let proxy = self.find(name)?;
        Ok(Answer::of(status, &shown::proxy(&proxy, &self.book)))
    }

    fn show_toxic(&self, proxy: &str, name: &str) -> Result<Answer, Refusal> {
        let proxy = self.find(proxy)?;
        let own = self.book.toxic(&proxy.name, name);
        // What the plan put in is known by the id that its records have.
        let id = own.map_or(name, |entry| entry.id.as_str());
        let applied = proxy.toxics.iter().find(|t| t.id == id);
        let applied = applied.ok_or_else(|| Refusal::no_toxic(name))?;
        let value = shown::toxic(applied, &proxy.name, &self.book);
        Ok(Answer::of(200, &value))
    }

    /// The pipeline shuts proxies, too, and opens them again; what was on them has ended with that.
    fn forget_what_is_gone(&mut self) {
        let all = self.carrier.list();
        let find = |name: &str| all.iter().find(|p| p.name == name);
        self.book.own.retain(|name, _| find(name).is_some());
        let gone = self.book.take_toxics(|proxy, id| {
            find(proxy).is_none_or(|p| p.toxics.iter().all(|t| t.id != id))
        });
        for (proxy, entry) in gone {
            self.ended(&proxy, entry.fault(), Err("its proxy is gone"));
        }
        let up = |name: &String| find(name).is_none_or(|p| p.enabled);
        let up: Vec<String> = self.book.down.keys().filter(|n| up(n)).cloned().collect();
        for name in up {
            if let Some(id) = self.book.down.remove(&name) {
                self.ended(&name, down(&id), Err("the target came or went"));
            }
        }
    }

    /// Tells that a fault began.
    pub(super) fn began(&mut self, proxy: &str, fault: Fault) {
        self.told.push(Told::now(Fault {
            state: "began".to_owned(),
            targets: vec![proxy.to_owned()],
            seed: Some(self.seed),
            ..fault
        }));
    }

    /// Tells that a fault ended: what it did, or why nobody knows that.
    pub(super) fn ended(&mut self, proxy: &str, fault: Fault, counts: Result<Counts, &str>) {
        let text = counts.as_ref().err().map(|text| (*text).to_owned());
        let counts = counts.unwrap_or_default().into_iter();
        self.told.push(Told::now(Fault {
            state: "ended".to_owned(),
            targets: vec![proxy.to_owned()],
            seed: Some(self.seed),
            counts: counts.map(|(name, n)| (name.to_owned(), n)).collect(),
            text,
            ..fault
        }));
    }
}

/// Clients ask which Toxiproxy this is: the one whose API is spoken here, and who speaks it.
fn version() -> Answer {
    let version = format!("2.12.0+mcp-chaos.{}", env!("CARGO_PKG_VERSION"));
    Answer::of(200, &json!({ "version": version }))
}

fn nothing() -> Answer {
    Answer::json(204, String::new())
}
