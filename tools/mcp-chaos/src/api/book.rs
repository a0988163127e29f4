//! What clients have put in: proxies, toxics, and proxies that they took down. Everything else that the relay has is the
//! pipeline's, and only looked at.

use super::types::{Made, Stream, Type};
use record::kind::Fault;
use std::collections::BTreeMap;

/// More proxies would be no test any more.
pub const MAX_PROXIES: usize = 1_000;
/// So many toxics on one proxy, those of the plan included.
pub const MAX_TOXICS: usize = 100;

/// A toxic that a client put in.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The id that the relay has it by, and the records: `api-3`.
    pub id: String,
    /// How often it was changed: from then on its records are those of `api-3.2` and so on, since another fault began.
    pub changes: u32,
    /// What the client calls it.
    pub name: String,
    /// Its type.
    pub of: &'static Type,
    /// Which way.
    pub stream: Stream,
    /// The share of the connections.
    pub toxicity: f64,
    /// In the order of the type's attributes.
    pub values: Vec<f64>,
    /// What these come to.
    pub made: Made,
}

impl Entry {
    /// What its records have in common.
    pub fn fault(&self) -> Fault {
        let id = match self.changes {
            0 => self.id.clone(),
            n => format!("{}.{}", self.id, n + 1),
        };
        Fault {
            id,
            kind: self.made.kind.to_owned(),
            parameters: self.made.parameters.clone(),
            ..Fault::default()
        }
    }
}

/// What the records of a proxy that was taken down have in common.
pub fn down(id: &str) -> Fault {
    Fault {
        id: id.to_owned(),
        kind: "down".to_owned(),
        ..Fault::default()
    }
}

/// A proxy that a client made.
#[derive(Debug, Clone)]
pub struct Own {
    /// What is behind it, as the client wrote it.
    pub upstream: String,
}

/// All that clients have put in, by proxy.
#[derive(Debug, Default)]
pub struct Book {
    /// Proxies.
    pub own: BTreeMap<String, Own>,
    /// Toxics, in the order in which they came.
    pub toxics: BTreeMap<String, Vec<Entry>>,
    /// Proxies that were taken down, and the ids of that fault.
    pub down: BTreeMap<String, String>,
    ids: u64,
}

impl Book {
    /// An id that nothing had before.
    pub fn next_id(&mut self) -> String {
        self.ids += 1;
        format!("api-{}", self.ids)
    }

    /// A toxic by the client's name.
    pub fn toxic(&self, proxy: &str, name: &str) -> Option<&Entry> {
        self.toxics.get(proxy)?.iter().find(|e| e.name == name)
    }

    /// A toxic by the relay's id.
    pub fn by_id(&self, proxy: &str, id: &str) -> Option<&Entry> {
        self.toxics.get(proxy)?.iter().find(|e| e.id == id)
    }

    /// Takes out the toxics of which this holds, by proxy and the relay's id.
    pub fn take_toxics(&mut self, is_gone: impl Fn(&str, &str) -> bool) -> Vec<(String, Entry)> {
        let mut taken = Vec::new();
        for (proxy, entries) in &mut self.toxics {
            let gone = entries.extract_if(.., |entry| is_gone(proxy, &entry.id));
            taken.extend(gone.map(|entry| (proxy.clone(), entry)));
        }
        self.toxics.retain(|_, entries| !entries.is_empty());
        taken
    }
}
