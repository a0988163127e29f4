//! The board: the main thread puts up at each interval what the run has come to, and scrapes read it there.

use super::counts::Counts;
use crate::plan::Plan;
use crate::stages::Stages;
use crate::tally::{Cell, Key, Now};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What the run has come to at the end of an interval.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The run's id, once it is known.
    pub run: Option<String>,
    /// What was decided before the first call; with it the load has begun.
    pub plan: Option<Arc<Plan>>,
    /// The stages; a search for a knee adds to them.
    pub stages: Option<Arc<Stages>>,
    /// Ok calls per second of the last interval.
    pub ok_per_s: f64,
    /// By label of the plan.
    pub rows: BTreeMap<u16, Counts>,
}

/// Where the latest snapshot hangs. It is locked only to exchange a pointer, so neither side waits for the other's work.
#[derive(Debug, Default)]
pub struct Board(Mutex<Arc<Snapshot>>);

impl Board {
    /// The latest snapshot.
    #[must_use]
    pub fn read(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts up another.
    pub fn put(&self, snapshot: Snapshot) {
        let new = Arc::new(snapshot);
        let old = std::mem::replace(
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            new,
        );
        // By now the lock is open again, and freeing takes nobody's time.
        drop(old);
    }
}

/// The collector's side of the board.
#[derive(Debug)]
pub struct Publisher {
    board: Arc<Board>,
    /// What is put up next.
    next: Snapshot,
}

impl Publisher {
    /// One for a load that begins.
    #[must_use]
    pub fn new(board: Arc<Board>, plan: &Arc<Plan>) -> Self {
        let next = Snapshot {
            plan: Some(Arc::clone(plan)),
            stages: Some(Arc::clone(&plan.stages)),
            ..Snapshot::clone(&board.read())
        };
        board.put(next.clone());
        Self { board, next }
    }

    /// Adds a whole interval, which lasted `span_ns`, and puts up what it has come to.
    pub fn interval(&mut self, span_ns: u64, stages: &Arc<Stages>, cells: &BTreeMap<Key, Cell>) {
        for counts in self.next.rows.values_mut() {
            counts.now = Now::default();
        }
        for (key, cell) in cells {
            self.next.rows.entry(key.label).or_default().take(cell);
        }
        let ok: u64 = cells.values().map(|cell| cell.outcomes[0]).sum();
        self.next.ok_per_s = ok as f64 * 1e9 / span_ns.max(1) as f64;
        self.stages(stages);
    }

    /// Puts up other stages.
    pub fn stages(&mut self, stages: &Arc<Stages>) {
        self.next.stages = Some(Arc::clone(stages));
        self.board.put(self.next.clone());
    }
}
