//! What a fault did, in numbers.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a fault did: names and numbers, such as `connections`, `chunks_delayed`, `bytes_dropped`.
pub type Counts = BTreeMap<&'static str, u64>;

/// The counts of one toxic, added to by all its connections, which are served by one thread.
#[derive(Debug, Default)]
pub struct Tally(RefCell<Counts>);

impl Tally {
    /// Adds to one.
    pub fn add(&self, name: &'static str, n: u64) {
        *self.0.borrow_mut().entry(name).or_default() += n;
    }

    /// All of them.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.borrow().clone()
    }
}
