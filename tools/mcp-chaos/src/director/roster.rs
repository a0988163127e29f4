//! The targets by name, in the order in which they came, as they stand now.

use crate::stream::seen::Seen;

/// More would be no fleet but an accident.
const MAX_TARGETS: usize = 10_000;

/// All targets that were named.
#[derive(Debug, Default)]
pub struct Roster(Vec<Seen>);

impl Roster {
    /// Takes in a record: a known name is replaced, a new one added.
    pub fn put(&mut self, seen: Seen) {
        let key = seen.target.key();
        match self.0.iter().position(|s| s.target.key() == key) {
            Some(known) => self.0[known] = seen,
            None if self.0.len() < MAX_TARGETS => self.0.push(seen),
            None => {}
        }
    }

    /// Those that are there: not `gone`.
    #[must_use]
    pub fn live(&self) -> Vec<&Seen> {
        self.0.iter().filter(|s| !s.target.is_gone()).collect()
    }
}
