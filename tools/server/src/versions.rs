//! How often each text resource has changed: by the tool `touch`, or all of them by `--change-every`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counts changes; a text that never changed has version 0.
#[derive(Default)]
pub(crate) struct Versions {
    /// Changes of all texts.
    all: AtomicU64,
    /// Changes of single ones; the catalogue bounds how many there are.
    single: Mutex<HashMap<usize, u64>>,
}

impl Versions {
    /// Changes one text, and gives its version.
    pub(crate) fn touch(&self, n: usize) -> u64 {
        let mut single = self.single.lock().unwrap_or_else(PoisonError::into_inner);
        let count = single.entry(n).or_default();
        *count += 1;
        *count + self.all.load(Ordering::Relaxed)
    }

    /// Changes all of them.
    pub(crate) fn touch_all(&self) {
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, n: usize) -> u64 {
        let single = self.single.lock().unwrap_or_else(PoisonError::into_inner);
        single.get(&n).copied().unwrap_or_default() + self.all.load(Ordering::Relaxed)
    }
}
