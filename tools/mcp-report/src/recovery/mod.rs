//! What each fault did to the load: before, during and after, when it showed, and when the load was back.

mod band;
mod course;
mod phase;
mod slots;
mod tally;
mod window;

pub use band::Band;
pub use course::{Course, Detected, Recovered};
pub use phase::Phase;
pub use tally::{Found, Tally};

use crate::outcome::Expected;
use crate::run::{FaultSeen, Run};
use slots::Slots;
use window::Window;

/// A fault and its course.
pub struct Judged<'a> {
    pub seen: &'a FaultSeen,
    pub course: Course,
    /// The ids of faults that went on, or had not been recovered from, meanwhile.
    pub overlaps: Vec<String>,
}

/// All faults of a run, in the order in which they began.
pub struct Recovery<'a> {
    pub faults: Vec<Judged<'a>>,
    /// The share of calls that may not fail.
    pub objective: f64,
    /// Calls of the measured stages that came to an end, but for those shed.
    pub ended: u64,
    /// The longest that seconds were added up, to save memory; 1 where they were not.
    pub added_up: i64,
}

impl<'a> Recovery<'a> {
    /// Looks at every fault.
    pub fn of(run: &'a Run, expected: &Expected, objective: f64) -> Self {
        let slots = Slots::of(run, expected);
        let mut seen: Vec<&FaultSeen> = run.happenings.faults.values().collect();
        // By its first record, so that one that could not be applied has its place, too.
        let first = |f: &FaultSeen| (f.fault.t_us, f.fault.at_us);
        seen.sort_by(|a, b| {
            first(a)
                .cmp(&first(b))
                .then_with(|| a.fault.id.cmp(&b.fault.id))
        });
        let windows: Vec<Option<Window>> = seen.iter().map(|f| Window::of(f, run)).collect();
        let mut faults: Vec<Judged<'a>> = Vec::new();
        // Where each of them held the load away from its steady state.
        let mut held: Vec<std::ops::Range<i64>> = Vec::new();
        for (seen, window) in seen.into_iter().zip(&windows) {
            let course = match window {
                None => Course::unknown(window::why_not(seen)),
                Some(window) => {
                    let next = windows.iter().flatten().map(|w| w.begin_us);
                    let next = next
                        .filter(|us| *us > window.end_us.unwrap_or(i64::MAX))
                        .min();
                    Course::of(&slots, run, window, next, &held)
                }
            };
            held.push(course.held.clone());
            faults.push(Judged {
                seen,
                course,
                overlaps: Vec::new(),
            });
        }
        for i in 0..faults.len() {
            let meets = |j: &usize| *j != i && meet(&held[i], &held[*j]);
            let others = (0..faults.len()).filter(meets);
            faults[i].overlaps = others.map(|j| faults[j].seen.fault.id.clone()).collect();
        }
        Self {
            faults,
            objective,
            ended: slots.ended(|at| run.seconds.is_measured(at.stage), run),
            added_up: run.seconds.added_up.max(1),
        }
    }

    /// The share of the run's error budget that so many failed calls are: the budget is what the objective lets fail of
    /// all calls that ended. `None` where no call ended.
    pub fn burnt(&self, failed: u64) -> Option<f64> {
        let budget = (1.0 - self.objective) * self.ended as f64;
        (budget > 0.0).then(|| failed as f64 / budget)
    }
}

fn meet(a: &std::ops::Range<i64>, b: &std::ops::Range<i64>) -> bool {
    a.start < b.end && b.start < a.end
}
