//! What clients do with toxics: add, change and remove them.

use super::asked::{self, NewToxic};
use super::book::{Entry, MAX_TOXICS};
use super::fields::Fields;
use super::refusal::Refusal;
use super::state::State;
use crate::dice;
use crate::proxy::{Applied, What};
use std::time::Duration;

impl State {
    /// Adds a toxic, and gives its name.
    pub(super) fn add(&mut self, proxy: &str, new: NewToxic) -> Result<String, Refusal> {
        let shown = self.find(proxy)?;
        let is_taken = self.book.toxic(proxy, &new.name).is_some()
            || shown.toxics.iter().any(|t| t.id == new.name);
        if is_taken {
            return Err(Refusal::new(
                409,
                format!(
                    "toxic already exists: give {:?} another name, or change it",
                    new.name
                ),
            ));
        }
        if shown.toxics.len() >= MAX_TOXICS {
            return Err(Refusal::new(
                400,
                format!("a proxy has at most {MAX_TOXICS} toxics: remove some"),
            ));
        }
        let made = new.of.make(&new.values, new.stream, new.toxicity)?;
        let entry = Entry {
            id: self.book.next_id(),
            changes: 0,
            name: new.name.clone(),
            of: new.of,
            stream: new.stream,
            toxicity: new.toxicity,
            values: new.values,
            made,
        };
        self.put_in(proxy, &entry)?;
        let all = self.book.toxics.entry(proxy.to_owned()).or_default();
        all.push(entry);
        Ok(new.name)
    }

    /// Gives a toxic other attributes, or another toxicity. Connections keep it, and what it holds back stays in order.
    pub(super) fn adjust(
        &mut self,
        proxy: &str,
        name: &str,
        fields: &Fields,
    ) -> Result<(), Refusal> {
        let old = self.own(proxy, name)?;
        let values = asked::values(fields, old.of, &old.values)?;
        let toxicity = fields.number("toxicity")?.unwrap_or(old.toxicity);
        let entry = Entry {
            made: old.of.make(&values, old.stream, toxicity)?,
            changes: old.changes + 1,
            toxicity,
            values,
            ..old.clone()
        };
        self.ended(proxy, old.fault(), Err("it was changed"));
        self.put_in(proxy, &entry)?;
        let all = self.book.toxics.entry(proxy.to_owned()).or_default();
        if let Some(place) = all.iter_mut().find(|e| e.id == entry.id) {
            *place = entry;
        }
        Ok(())
    }

    /// Takes a toxic away.
    pub(super) fn remove(&mut self, proxy: &str, name: &str) -> Result<(), Refusal> {
        let entry = self.own(proxy, name)?;
        self.lift(proxy, &entry);
        Ok(())
    }

    /// Takes away all toxics that clients have put on a proxy.
    pub(super) fn lift_all(&mut self, proxy: &str) {
        let all = self.book.toxics.get(proxy).cloned();
        for entry in all.unwrap_or_default() {
            self.lift(proxy, &entry);
        }
    }

    /// A toxic that a client has put in.
    fn own(&self, proxy: &str, name: &str) -> Result<Entry, Refusal> {
        let shown = self.find(proxy)?;
        if let Some(entry) = self.book.toxic(proxy, name) {
            return Ok(entry.clone());
        }
        match shown.toxics.iter().any(|t| t.id == name) {
            true => Err(Refusal::new(
                409,
                format!("{name:?} is a fault of the plan: the plan ends it, and nobody changes it"),
            )),
            false => Err(Refusal::no_toxic(name)),
        }
    }

    fn put_in(&mut self, proxy: &str, entry: &Entry) -> Result<(), Refusal> {
        let applied = Applied {
            id: entry.id.clone(),
            what: What::Toxic(entry.made.toxic),
            toxicity: entry.toxicity,
            seed: dice::throw(self.seed, dice::named(&entry.id), dice::named(proxy)),
            ramp: Duration::ZERO,
        };
        let put_in = self.carrier.apply(proxy, applied);
        put_in.map_err(|e| Refusal::new(500, e))?;
        self.began(proxy, entry.fault());
        Ok(())
    }

    fn lift(&mut self, proxy: &str, entry: &Entry) {
        // It may be gone with its proxy in this very moment; then there is nothing left to take away.
        let lifted = self.carrier.lift(proxy, &entry.id);
        if let Some(all) = self.book.toxics.get_mut(proxy) {
            all.retain(|e| e.id != entry.id);
            if all.is_empty() {
                self.book.toxics.remove(proxy);
            }
        }
        match lifted {
            Ok(counts) => self.ended(proxy, entry.fault(), Ok(counts)),
            Err(text) => self.ended(proxy, entry.fault(), Err(&text)),
        }
    }
}
