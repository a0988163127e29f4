//! Something that is applied, other than a process of our own, and is taken back with its tool.

use std::sync::{Arc, Mutex};

use crate::journal::Journal;
use crate::owner::lock;
use crate::{Effect, Error};

/// Stands in the journal. Dropping it takes nothing back: [`crate::Undo::close`] or the keeper does.
#[derive(Debug)]
pub struct Held {
    pub(crate) id: String,
    pub(crate) effect: Effect,
    pub(crate) journal: Arc<Mutex<Option<Journal>>>,
}

impl Held {
    /// What is applied.
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Takes it back and writes that down; whether there still was anything to take back.
    ///
    /// # Errors
    /// [`Error::Kept`] where it is applied still: the journal keeps it, closing and the next start try again.
    pub fn release(self) -> Result<bool, Error> {
        let was_there = match self.effect.undo() {
            Some(undone) => undone.map_err(Error::Kept)?,
            None => false,
        };
        self.forget().map(|()| was_there)
    }

    /// Writes that there is nothing to take back: it was never applied, or another entry holds the same.
    ///
    /// # Errors
    /// [`Error::State`] where the journal can't be written.
    pub fn forget(self) -> Result<(), Error> {
        // None: the tool's undoing has begun, and writes this down itself.
        match lock(&self.journal).as_mut() {
            Some(journal) => journal.done(&self.id),
            None => Ok(()),
        }
    }
}
