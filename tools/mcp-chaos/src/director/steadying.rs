//! Waits for the steady state, where one is asked for: nothing is broken before.

use super::dues::Due;
use super::ending::Over;
use super::{Director, Happening};
use crate::steady::condition::Condition;
use crate::steady::judge::Judge;
use crate::steady::probe::{self, Probed};
use crate::stream::place::Place;
use record::clock;
use record::kind::{Interval, Warning};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// The wait for a steady state.
pub(super) struct Steadying {
    wanted: Option<Wanted>,
}

struct Wanted {
    text: String,
    within: Duration,
    judge: Judge,
    /// Our own calls began then, in Unix microseconds: their seconds count from there.
    since_us: u64,
    /// Set, it ends them.
    over: Arc<AtomicBool>,
    /// What the last of them that failed was told.
    wrong: Option<String>,
}

impl Steadying {
    /// Of a condition, where there is one.
    ///
    /// # Errors
    /// A sentence on what may be written.
    pub fn of(text: Option<&str>, within: Duration) -> Result<Self, String> {
        let condition = text.map(Condition::parse).transpose()?;
        let wanted = condition.map(|condition| Wanted {
            text: condition.to_string(),
            within,
            judge: Judge::new(condition),
            since_us: 0,
            over: Arc::default(),
            wrong: None,
        });
        Ok(Self { wanted })
    }
}

impl Director {
    /// Whether a steady state is still waited for.
    pub(super) fn is_unsteady(&self) -> bool {
        self.steady.wanted.is_some()
    }

    /// t0 is known: from here on it is looked for, in the load that comes by or, upstream of it, with calls of our own.
    pub(super) fn begin_steady(&mut self) {
        let Some(wanted) = &mut self.steady.wanted else {
            return;
        };
        wanted.since_us = clock::unix_us();
        let from_us = self.instants.t0_us().unwrap_or(0).max(clock::mono_us());
        let limit_us = from_us + wanted.within.as_micros() as u64;
        self.dues.push(limit_us, Due::SteadyLimit);
        if self.place == Some(Place::Behind) {
            self.intervals.store(true, Relaxed);
            return;
        }
        let targets = self.roster.live();
        let targets = targets.iter().map(|seen| seen.target.clone()).collect();
        let tell = self.tell.clone();
        probe::begin(targets, &wanted.over, move |probed| {
            drop(tell.send(Happening::Probed(probed)));
        });
    }

    pub(super) fn interval(&mut self, interval: &Interval) {
        let wanted = self.steady.wanted.as_mut();
        if wanted.is_some_and(|wanted| wanted.judge.interval(interval)) {
            self.hold_steady();
        }
    }

    pub(super) fn probed(&mut self, probed: &Probed) {
        let Some(wanted) = &mut self.steady.wanted else {
            return;
        };
        if probed.wrong.is_some() {
            wanted.wrong.clone_from(&probed.wrong);
        }
        let in_us = probed.at_us.saturating_sub(wanted.since_us) % 1_000_000;
        let second_us = probed.at_us - in_us;
        if wanted.judge.call(second_us, probed.took_us) {
            self.hold_steady();
        }
    }

    /// It was there: faults count from now.
    fn hold_steady(&mut self) {
        self.intervals.store(false, Relaxed);
        if let Some(wanted) = self.steady.wanted.take() {
            wanted.over.store(true, Relaxed);
            self.say.note(&format!(
                "steady ({}): {}",
                wanted.text,
                wanted.judge.last()
            ));
            self.instants.steady(clock::mono_us());
            self.arm();
        }
    }

    /// It was not there in time.
    pub(super) fn miss_steady(&mut self) -> Option<Over> {
        let within = self.steady.wanted.as_ref()?.within;
        let within = format!("within {}", crate::plan::timing::time(within));
        let sentence = self.unsteady(&within)?;
        let stays = self.place != Some(Place::Behind) && record::is_pipe(rustix::stdio::stdout());
        if !stays {
            return Some(Over::Failed(sentence));
        }
        // A load that has begun goes on: through our proxies, perhaps, and it is whole without us.
        self.say.error(&sentence);
        self.write(Warning::new("fatal", record::cut(sentence)));
        self.has_failed = true;
        self.wind_down();
        None
    }

    /// The sentence, where a steady state is still waited for; it no longer is.
    pub(super) fn unsteady(&mut self, when: &str) -> Option<String> {
        self.intervals.store(false, Relaxed);
        let wanted = self.steady.wanted.take()?;
        wanted.over.store(true, Relaxed);
        let wrong = wanted
            .wrong
            .map_or_else(String::new, |wrong| format!(" ({wrong})"));
        Some(format!(
            "the steady state {:?} was not there {when}: {}{wrong}; nothing was applied: mend the servers, ask for less, or give it more --steady-within",
            wanted.text,
            wanted.judge.last(),
        ))
    }
}
