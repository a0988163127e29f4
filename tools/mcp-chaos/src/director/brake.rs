//! What a signal does while the director is busy taking things back.

use record::signal;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use undo::Undo;

/// Between the thread that hears signals and the director.
#[derive(Default)]
pub struct Brake {
    undo: OnceLock<Arc<Undo>>,
    undone: AtomicBool,
}

impl Brake {
    /// From now on a second signal takes the grace time from the undoing.
    pub fn covers(&self, undo: &Arc<Undo>) {
        let _ = self.undo.set(Arc::clone(undo));
    }

    /// Nothing is left to take back: a reader that does not read must not hold us any more.
    pub fn undone(&self) {
        self.undone.store(true, Relaxed);
    }

    /// The n-th signal came. Returns where it does not end the process.
    pub fn signal(&self, number: i32, nth: u32) {
        // At the third nothing of ours is waited for: the keeper takes back what is left.
        if nth > 2 || (nth > 1 && self.undone.load(Relaxed)) {
            signal::die_of(number);
        }
        if nth > 1
            && let Some(undo) = self.undo.get()
        {
            undo.hurry();
        }
    }
}
