//! What a tool holds while it lives: its journal, its keeper, and the way to start processes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::entry::{Plan, monotonic_us};
use crate::guard::Guard;
use crate::journal::Journal;
use crate::settle::{Fate, take_back};
use crate::stop::Target;
use crate::{Child, CommandSpec, Effect, Error, Held, Mark, State, launch, log, sweep};

/// Grace for what a dead tool left behind: it had its time.
const SWEEP_GRACE: Duration = Duration::from_secs(2);
/// Grace when a tool ends without [`Undo::close`].
const DROP_GRACE: Duration = Duration::from_secs(2);

/// The undoing of one tool process. Dropping it undoes, too.
#[derive(Debug)]
pub struct Undo {
    state: State,
    journal: Arc<Mutex<Option<Journal>>>,
    guard: Mutex<Guard>,
    hurry: Arc<AtomicBool>,
    run: String,
    from: String,
    next: AtomicU64,
}

impl Undo {
    /// Opens the journal in the user's state folder, finishes what dead tools left behind, and starts the keeper.
    ///
    /// `tell` gets sentences for people: what was swept, that a keeper died.
    ///
    /// # Errors
    /// [`Error::NoState`], [`Error::State`], [`Error::Start`].
    pub fn open(
        run: &str,
        tool: &str,
        from: &str,
        tell: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, Error> {
        let state = State::of_user()?;
        for swept in sweep(&state, None, SWEEP_GRACE)? {
            for undone in swept.undone {
                tell(&format!(
                    "{} of an earlier run died without undoing; ended {undone}",
                    swept.from
                ));
            }
            for kept in swept.kept {
                tell(&format!(
                    "left alone, from {}: {kept}",
                    swept.path.display()
                ));
            }
        }
        let journal = Journal::create(&state, run, tool, from)?;
        let guard = match Guard::start(state.clone(), journal.path().to_owned(), tell) {
            Ok(guard) => guard,
            Err(error) => {
                journal.remove()?;
                return Err(error);
            }
        };
        Ok(Self {
            state,
            journal: Arc::new(Mutex::new(Some(journal))),
            guard: Mutex::new(guard),
            hurry: Arc::default(),
            run: run.to_owned(),
            from: from.to_owned(),
            next: AtomicU64::new(1),
        })
    }

    /// Starts a process: gated, written down, then let go. Returns once exec has worked.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Exec`] from exec; [`Error::Start`] and [`Error::State`] before it. Nothing runs then.
    pub fn launch(&self, spec: &CommandSpec) -> Result<Child, Error> {
        let program = spec.argv.first().ok_or(Error::EmptyCommand)?;
        let id = self.next_id(&spec.label);
        let mark = Mark {
            run: self.run.clone(),
            from: self.from.clone(),
            child: id.clone(),
        };
        let path = self.journal_path()?;
        let (log_path, log) = log::open(&self.state, &path, &spec.label)?;
        let gated = launch::spawn(spec, &mark, log)?;
        let deadline = spec
            .deadline
            .map(|deadline| monotonic_us() + deadline.as_micros() as u64);
        let plan = Plan::new(id.clone(), deadline, &Effect::Process(gated.plan.clone()));
        let target = Target {
            identity: gated.plan.identity.clone(),
            pgid: gated.plan.pgid,
            mark,
        };
        let planned = match lock(&self.journal).as_mut() {
            Some(journal) => journal.plan(plan),
            None => Err(closed()),
        };
        if let Err(error) = planned {
            gated.abandon();
            return Err(error);
        }
        match gated.open(program) {
            Ok(pidfd) => Ok(Child {
                id,
                target,
                pidfd,
                log_path,
                journal: Arc::clone(&self.journal),
                hurry: Arc::clone(&self.hurry),
            }),
            Err(error) => {
                if let Some(journal) = lock(&self.journal).as_mut() {
                    journal.done(&id)?;
                }
                Err(error)
            }
        }
    }

    /// Writes down something that is about to be applied; only after that may it be. The keeper takes it back after
    /// `deadline`, even while the tool lives.
    ///
    /// # Errors
    /// [`Error::State`] and [`Error::TooMany`]: then it must not be applied.
    pub fn hold(&self, label: &str, effect: Effect, deadline: Duration) -> Result<Held, Error> {
        let id = self.next_id(label);
        let deadline = monotonic_us() + deadline.as_micros() as u64;
        let plan = Plan::new(id.clone(), Some(deadline), &effect);
        match lock(&self.journal).as_mut() {
            Some(journal) => journal.plan(plan)?,
            None => return Err(closed()),
        }
        Ok(Held {
            id,
            effect,
            journal: Arc::clone(&self.journal),
        })
    }

    /// The pid of the keeper that stands now.
    pub fn keeper_pid(&self) -> i32 {
        lock(&self.guard).keeper_pid()
    }

    /// Ends the grace time of every stop that runs now or comes later: what does not go at once is killed.
    pub fn hurry(&self) {
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// Undoes all that is still open, side by side, removes the journal and sends the keeper away.
    /// From then on nothing can be launched; closing twice is closing once.
    ///
    /// # Errors
    /// [`Error::Left`] where a process outlived SIGKILL, [`Error::Kept`] where something else could not be taken back, [`Error::State`] where the journal can't be written: it stays then.
    pub fn close(&self, grace: Duration) -> Result<(), Error> {
        let Some(mut journal) = lock(&self.journal).take() else {
            return Ok(());
        };
        let open: Vec<Plan> = journal.open_plans().cloned().collect();
        let plans: Vec<&Plan> = open.iter().collect();
        let fates = take_back(&plans, journal.header(), grace, &self.hurry)
            .map_err(Error::state("/proc/sys/kernel/random/boot_id"))?;
        let mut kept = None;
        for (plan, fate) in plans.iter().zip(fates) {
            match fate {
                Fate::Gone | Fate::Undone(_) => journal.done(&plan.id)?,
                Fate::Kept(_, Some(pid)) => kept = Some(Error::Left(pid)),
                // Nobody but us writes into this journal, so it is no form of another version.
                Fate::Kept(phrase, None) => kept = Some(Error::Kept(phrase)),
            }
        }
        if let Some(error) = kept {
            return Err(error);
        }
        let path = journal.path().to_owned();
        journal.remove()?;
        lock(&self.guard).dismiss();
        log::remove_empty(&self.state, &path);
        Ok(())
    }

    /// Unique within the journal.
    fn next_id(&self, label: &str) -> String {
        format!("{label}-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn journal_path(&self) -> Result<std::path::PathBuf, Error> {
        lock(&self.journal)
            .as_ref()
            .map(|journal| journal.path().to_owned())
            .ok_or_else(closed)
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        // On failure the journal stays, and with it the keeper or the next sweep has its work.
        let _ = self.close(DROP_GRACE);
    }
}

fn closed() -> Error {
    Error::Start {
        what: "a process".to_owned(),
        source: std::io::Error::other("undoing has begun"),
    }
}

/// A panic in another thread leaves the journal as whole as any other moment does.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
