//! How long a run is held up: until its reader leaves, a signal, its time is up, or it fails.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use record::signal;
use undo::Undo;

use crate::replica::News;

/// After the first signal what stands downstream still writes its summary; the servers stay for it so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// Ctrl-C ends a reader, too, and that it left may be noticed before our own signal. Exiting with 0 then would let
/// bash go on with its script: the last stage to end decides, and that is the one that undoes.
const SIGNAL_BEHIND_READER: Duration = Duration::from_millis(50);

/// What the main thread is told by the others.
pub enum Happening {
    /// Nobody reads stdout any more.
    ReaderLeft,
    /// This signal came, the n-th of all.
    Signal(i32, u32),
    /// A replica (by index) has something to say.
    News(usize, News),
}

/// Why a run is over.
#[derive(Debug, PartialEq, Eq)]
pub enum Over {
    /// The reader of stdout left.
    ReaderLeft,
    /// The time of `--for` is up.
    TimeUp,
    /// By this signal.
    Signal(i32),
    /// For the reason in this sentence.
    Failed(String),
}

/// What to do next.
pub enum Step {
    /// Hear a replica.
    News(usize, News),
    /// Say that the first signal came; the wait goes on.
    Interrupted,
    /// Wind down.
    Over(Over),
}

/// The main thread's wait.
pub struct Hold {
    told: Receiver<Happening>,
    until: Option<Instant>,
    brake: Arc<Brake>,
    /// Somebody may be using the servers.
    in_use: bool,
}

impl Hold {
    /// Begins to watch signals. The returned [`Brake`] must learn of the undoing.
    ///
    /// # Errors
    /// The kernel refused a signal handler.
    pub fn begin() -> io::Result<(Self, Sender<Happening>, Arc<Brake>)> {
        let (tell, told) = channel();
        let brake = Arc::new(Brake::default());
        let (on_signal, to_brake) = (tell.clone(), Arc::clone(&brake));
        signal::watch(move |number, nth| {
            to_brake.signal(number, nth);
            drop(on_signal.send(Happening::Signal(number, nth)));
        })?;
        let hold = Self {
            told,
            until: None,
            brake: Arc::clone(&brake),
            in_use: false,
        };
        Ok((hold, tell, brake))
    }

    /// From now on the servers are in use, and `hold_for` counts.
    pub fn ready(&mut self, hold_for: Option<Duration>) {
        self.until = hold_for.map(|time| Instant::now() + time);
        // Into a file or a terminal nobody downstream winds down, so there is nobody to wait for.
        self.in_use = record::is_pipe(rustix::stdio::stdout());
    }

    /// Waits for the next thing that matters.
    pub fn next(&mut self) -> Step {
        let happening = match self.until {
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                self.told.recv_timeout(left)
            }
            None => self.told.recv().map_err(RecvTimeoutError::from),
        };
        match happening {
            Ok(Happening::News(index, news)) => Step::News(index, news),
            Ok(Happening::Signal(_, 1)) if self.in_use => {
                self.until = Some(Instant::now() + PATIENCE);
                Step::Interrupted
            }
            Ok(Happening::Signal(number, _)) => Step::Over(Over::Signal(number)),
            Ok(Happening::ReaderLeft) => {
                std::thread::sleep(SIGNAL_BEHIND_READER);
                Step::Over(self.brake.because(Over::ReaderLeft))
            }
            // Disconnected can't be: the signal thread holds a sender for ever.
            Err(_) => Step::Over(self.brake.because(Over::TimeUp)),
        }
    }
}

/// What a signal does while the main thread is busy undoing.
#[derive(Default)]
pub struct Brake {
    undo: OnceLock<Arc<Undo>>,
    undone: AtomicBool,
    /// The number of the first signal, 0 for none.
    first: AtomicI32,
}

impl Brake {
    /// From now on a second signal takes the grace time from the undoing.
    pub fn covers(&self, undo: &Arc<Undo>) {
        let _ = self.undo.set(Arc::clone(undo));
    }

    /// Nothing is left to undo: a reader that does not read must not hold us any more.
    pub fn undone(&self) {
        self.undone.store(true, Relaxed);
    }

    /// Why the run is over: a signal, where one came, counts more than a reader that left or a time that is up.
    pub fn because(&self, over: Over) -> Over {
        match (self.first.load(Relaxed), over) {
            (0, over) | (_, over @ Over::Failed(_)) => over,
            (number, _) => Over::Signal(number),
        }
    }

    fn signal(&self, number: i32, nth: u32) {
        let _ = self.first.compare_exchange(0, number, Relaxed, Relaxed);
        // At the third nothing of ours is waited for: the keeper finishes the undoing.
        if self.undone.load(Relaxed) || nth > 2 {
            signal::die_of(number);
        }
        if nth > 1
            && let Some(undo) = self.undo.get()
        {
            undo.hurry();
        }
    }
}
