//! Steering: a load that goes on is paused, resumed, or given another rate, by new stages from a moment on.
//!
//! The plan's clock is not stopped: stages that were to come keep their instants, since faults upstream aim at those, and
//! the load ends when it was to end. What is not due in a pause is never made.

use crate::pacer::Pacer;
use crate::plan::Plan;
use crate::stages::{Ask, Change, Stage, Stages, Wanted};
use crate::wish::MAX_RATE_PER_THREAD;
use serde::Serialize;
use std::sync::Arc;

/// What somebody wants of a load that goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// No more calls are to be due.
    Pause,
    /// Calls are to be due again.
    Resume,
    /// So many calls are to be due a second, of all clients together.
    Rate(f64),
}

impl Order {
    /// The event that tells of it, and a sentence for people.
    #[must_use]
    pub fn told(self) -> (&'static str, String) {
        let (event, text) = match self {
            Self::Pause => (
                "paused",
                "no more calls are due until it is resumed".to_owned(),
            ),
            Self::Resume => ("resumed", "calls are due again".to_owned()),
            Self::Rate(per_s) => (
                "rate_changed",
                format!("{per_s} calls/s are due from now on"),
            ),
        };
        (event, format!("{text}, as was asked for over HTTP"))
    }
}

/// Why the load does not obey: a sentence, and the HTTP status for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 400 where the value is wrong, 409 where the load is not one to be steered so.
    pub status: u16,
    /// What is wrong, and what to do instead.
    pub text: String,
}

impl Refusal {
    /// There is no load to be steered.
    #[must_use]
    pub fn not_yet() -> Self {
        refused("the load is not there yet: targets are awaited, or asked what they offer")
    }
}

/// What the load turns to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// The stage that begins with it, or that stands already.
    pub stage: String,
    /// When that begins, in Unix microseconds.
    pub begins_us: u64,
    /// Calls per second of all clients together that it begins with; `null` where no clock paces them.
    pub asked_per_s: Option<f64>,
    /// Whether no calls are due from then on until it is resumed.
    pub paused: bool,
}

const PAUSE: &str = "paused";

/// Whether a stage is a pause that somebody ordered.
#[must_use]
pub fn is_pause(stage: &Stage) -> bool {
    stage
        .name
        .strip_prefix(PAUSE)
        .is_some_and(|n| n.starts_with('-'))
}

/// Each change adds stages, and each stage has rows of its own in every worker.
const MAX_CHANGES: usize = 1_000;

/// What was ordered so far of a load.
#[derive(Debug)]
pub struct Steering {
    planned: Arc<Stages>,
    pacer: Pacer,
    is_search: bool,
    comes_and_goes: bool,
    most_per_s: f64,
    is_paused: bool,
    /// In place of what the plan asks for, once it was given.
    rate_per_s: Option<f64>,
    changes: usize,
}

impl Steering {
    /// Nothing was ordered yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            planned: Arc::clone(&plan.stages),
            pacer: plan.pacer,
            is_search: plan.knee.is_some(),
            comes_and_goes: plan.comes_and_goes,
            most_per_s: MAX_RATE_PER_THREAD * f64::from(plan.threads),
            is_paused: false,
            rate_per_s: None,
            changes: 0,
        }
    }

    /// The stages from `at_ns` on, where they are to be others than `now`; `None` where nothing changes.
    ///
    /// # Errors
    /// It makes no sense for this load, or at this time.
    pub fn take(
        &mut self,
        order: Order,
        now: &Stages,
        at_ns: u64,
    ) -> Result<Option<Stages>, Refusal> {
        let at_ns = at_ns.max(now.load_start_ns());
        self.allows(order)?;
        if at_ns >= now.load_end_ns() {
            return Err(refused("the load is over"));
        }
        match order {
            Order::Pause | Order::Resume => {
                let pause = order == Order::Pause;
                if self.is_paused == pause {
                    return Ok(None);
                }
                self.is_paused = pause;
            }
            Order::Rate(per_s) => {
                self.rate_per_s = Some(per_s);
                // Told now, heard when it is resumed.
                if self.is_paused {
                    return Ok(None);
                }
            }
        }
        self.changes += 1;
        Ok(Some(now.extended(at_ns, self.rest(now, at_ns))))
    }

    fn allows(&self, order: Order) -> Result<(), Refusal> {
        if self.is_search {
            return Err(refused(
                "a search for a knee sets the rate itself, and judges its steps by it; POST /api/v1/stop ends it",
            ));
        }
        if self.comes_and_goes {
            return Err(refused(
                "--stages says how many clients there are at each time, and each has its own schedule; stages of rates ('rate 100..1000/s in 60s') can be paused and given another rate",
            ));
        }
        if self.changes >= MAX_CHANGES {
            return Err(refused("a run takes 1000 changes, and it has had them"));
        }
        let Order::Rate(per_s) = order else {
            return Ok(());
        };
        if self.pacer == Pacer::Answers {
            return Err(refused(
                "in the closed model (--closed) answers and --think pace the calls, and there is no rate; the load can be paused and resumed",
            ));
        }
        if per_s > self.most_per_s {
            return Err(Refusal {
                status: 400,
                text: format!(
                    "{per_s} calls/s are more than {} for the threads of this run, which no schedule can keep",
                    self.most_per_s
                ),
            });
        }
        Ok(())
    }

    /// What follows the stages that stand, from `at_ns` on.
    fn rest(&self, now: &Stages, at_ns: u64) -> Vec<Wanted> {
        let stands: Vec<&str> = now
            .all()
            .iter()
            .filter(|s| s.start_ns < at_ns)
            .map(|s| s.name.as_str())
            .collect();
        let unused = |name: &str, first: usize| {
            (first..)
                .map(|n| format!("{name}-{n}"))
                .find(|name| !stands.contains(&name.as_str()))
                .unwrap_or_default()
        };
        let mut to_come = self.planned.all()[self.planned.loaded()]
            .iter()
            .filter(|s| s.end_ns > at_ns);
        if self.is_paused {
            let clients = to_come.next_back().map_or(0.0, |s| s.ask.clients.to);
            return vec![Wanted {
                name: unused(PAUSE, 1),
                length_ns: self.planned.load_end_ns() - at_ns,
                ask: Ask {
                    clients: Change::none(clients),
                    per_s: Some(Change::none(0.0)),
                    at_once: false,
                },
            }];
        }
        to_come
            .map(|stage| {
                let mut ask = stage.ask.between(stage.way(at_ns), 1.0);
                if let Some(per_s) = self.rate_per_s {
                    ask.per_s = Some(Change::none(per_s));
                }
                Wanted {
                    name: if stands.contains(&stage.name.as_str()) {
                        unused(&stage.name, 2)
                    } else {
                        stage.name.clone()
                    },
                    length_ns: stage.end_ns - stage.start_ns.max(at_ns),
                    ask,
                }
            })
            .collect()
    }
}

fn refused(text: &str) -> Refusal {
    Refusal {
        status: 409,
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pacer::Arrivals;

    const S: u64 = 1_000_000_000;

    fn stage(name: &str, seconds: u64, from: f64, to: f64) -> Wanted {
        Wanted {
            name: name.to_owned(),
            length_ns: seconds * S,
            ask: Ask {
                clients: Change::none(4.0),
                per_s: Some(Change { from, to }),
                at_once: false,
            },
        }
    }

    /// A load of three stages from 1 s on, which ends at 31 s.
    fn steering() -> (Steering, Stages) {
        let load = vec![
            stage("warm-up", 2, 100.0, 100.0),
            stage("ramp-1", 8, 100.0, 900.0),
            stage("hold-2", 20, 900.0, 900.0),
        ];
        let stages = Stages::new(0, S, load, S);
        let steering = Steering {
            planned: Arc::new(stages.clone()),
            pacer: Pacer::Clock(Arrivals::Constant),
            is_search: false,
            comes_and_goes: false,
            most_per_s: 1e6,
            is_paused: false,
            rate_per_s: None,
            changes: 0,
        };
        (steering, stages)
    }

    fn told(stages: &Stages) -> Vec<(String, u64, f64, f64)> {
        let load = &stages.all()[stages.loaded()];
        let told = load.iter().map(|s| {
            let per_s = s.ask.per_s.unwrap_or_default();
            (s.name.clone(), s.start_ns / S, per_s.from, per_s.to)
        });
        told.collect()
    }

    fn line(name: &str, start_s: u64, from: f64, to: f64) -> (String, u64, f64, f64) {
        (name.to_owned(), start_s, from, to)
    }

    #[test]
    fn a_pause_takes_calls_away_and_moves_nothing() {
        let (mut steering, stages) = steering();
        let paused = steering
            .take(Order::Pause, &stages, 5 * S)
            .unwrap()
            .unwrap();
        assert_eq!(
            told(&paused),
            [
                line("warm-up", 1, 100.0, 100.0),
                line("ramp-1", 3, 100.0, 300.0),
                line("paused-1", 5, 0.0, 0.0)
            ]
        );
        assert_eq!(steering.take(Order::Pause, &paused, 6 * S), Ok(None));
        let resumed = steering
            .take(Order::Resume, &paused, 7 * S)
            .unwrap()
            .unwrap();
        assert_eq!(
            told(&resumed)[2..],
            [
                line("paused-1", 5, 0.0, 0.0),
                line("ramp-1-2", 7, 500.0, 900.0),
                line("hold-2", 11, 900.0, 900.0)
            ]
        );
        assert_eq!(resumed.load_end_ns(), stages.load_end_ns());
        let (before, after) = (stages.course(), resumed.course());
        assert_eq!(before.count_at(5 * S), after.count_at(5 * S));
        assert_eq!(after.count_at(7 * S), after.count_at(5 * S));
        let again = steering
            .take(Order::Pause, &resumed, 12 * S)
            .unwrap()
            .unwrap();
        assert_eq!(told(&again)[5], line("paused-2", 12, 0.0, 0.0));
    }

    #[test]
    fn a_rate_holds_from_then_on_also_where_it_was_told_in_a_pause() {
        let (mut steering, stages) = steering();
        let faster = steering
            .take(Order::Rate(50.0), &stages, 2 * S)
            .unwrap()
            .unwrap();
        assert_eq!(
            told(&faster),
            [
                line("warm-up", 1, 100.0, 100.0),
                line("warm-up-2", 2, 50.0, 50.0),
                line("ramp-1", 3, 50.0, 50.0),
                line("hold-2", 11, 50.0, 50.0)
            ]
        );
        let paused = steering
            .take(Order::Pause, &faster, 12 * S)
            .unwrap()
            .unwrap();
        assert_eq!(steering.take(Order::Rate(70.0), &paused, 13 * S), Ok(None));
        let resumed = steering
            .take(Order::Resume, &paused, 14 * S)
            .unwrap()
            .unwrap();
        assert_eq!(told(&resumed)[5..], [line("hold-2-2", 14, 70.0, 70.0)]);
    }

    #[test]
    fn an_order_before_the_load_counts_from_its_begin_and_one_overtaken_leaves_no_stage() {
        let (mut steering, stages) = steering();
        let paused = steering
            .take(Order::Pause, &stages, S / 2)
            .unwrap()
            .unwrap();
        assert_eq!(told(&paused), [line("paused-1", 1, 0.0, 0.0)]);
        let resumed = steering.take(Order::Resume, &paused, S).unwrap().unwrap();
        assert_eq!(told(&resumed), told(&stages));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let status = |steering: &mut Steering, order, at_ns| {
            let (_, stages) = self::steering();
            steering.take(order, &stages, at_ns).unwrap_err().status
        };
        let (mut plain, _) = steering();
        assert_eq!(status(&mut plain, Order::Rate(2e6), S), 400);
        assert_eq!(status(&mut plain, Order::Pause, 31 * S), 409);
        let (mut closed, stages) = steering();
        closed.pacer = Pacer::Answers;
        assert_eq!(status(&mut closed, Order::Rate(1.0), S), 409);
        assert!(closed.take(Order::Pause, &stages, S).is_ok());
        let (mut search, _) = steering();
        search.is_search = true;
        assert_eq!(status(&mut search, Order::Pause, S), 409);
        let (mut crowd, _) = steering();
        crowd.comes_and_goes = true;
        assert_eq!(status(&mut crowd, Order::Rate(1.0), S), 409);
    }
}
