//! The hunt: judges each step by what the collector has added up, and tells what comes next.

use super::Knee;
use super::search::{Judgement, Limit, Search};
use crate::collect::Collector;
use crate::stages::{Stage, Stages, Wanted};
use crate::tally::Cell;
use protocol::outcome::Outcome;
use record::clock;
use record::kind::{self, KneeStep};
use std::time::Duration;

/// Lag below this never matters.
const LAG_FLOOR_US: u64 = 1_000;
const MAX_SHED: f64 = 0.001;
/// A server that keeps up has no more calls waiting at the end of a step than at its begin, but for this share of the
/// step's calls: without it, a rate a little above the capacity would pass, as the queue takes long to grow.
const MAX_GROWTH: f64 = 0.01;
/// With more than this there is no doubt that it is too much for the server.
const OVERLOAD: f64 = 0.1;

/// So much longer than calls take a step is to settle.
const SETTLE_MARGIN: f64 = 1.1;
/// Fewer than this share of the calls that were to be due: not all clients are connected.
const MIN_DUE: f64 = 0.9;
/// So often a step waits for clients to connect, before it is judged by those that are.
const MOST_WAITS: u32 = 10;

/// A server that restarts is back by then; one that is away for longer is no longer the one that was searched.
const GIVE_UP_NS: u64 = 3_000_000_000;

/// A search under way.
#[derive(Debug)]
pub struct Hunt {
    knee: Knee,
    search: Search,
    steps: Vec<KneeStep>,
    /// How often in a row the step was repeated since clients were not connected.
    waits: u32,
    /// Whether it was repeated since the first calls were not back when it began.
    settles_longer: bool,
    /// How long calls took at the last rate that was met.
    calls_take: Duration,
}

/// What a step came to.
struct Seen {
    calls: Cell,
    /// Calls in flight or waiting at its begin and at its end.
    before: u64,
    after: u64,
    /// So many calls its rate makes in its time.
    wanted: f64,
    /// How long it settled.
    settle: Duration,
}

impl Seen {
    /// How long its calls took, but for the slowest of them.
    fn calls_take(&self) -> Duration {
        let p99_us = self
            .calls
            .response
            .as_ref()
            .map_or(0, |r| r.quantile_us(0.99));
        Duration::from_micros(p99_us)
    }

    /// Whether there were fewer calls than the rate makes, by more than Poisson arrivals explain.
    fn lacks_calls(&self) -> bool {
        let scheduled = self.calls.scheduled as f64;
        scheduled < MIN_DUE * self.wanted - 4.0 * self.wanted.sqrt() || scheduled == 0.0
    }
}

impl Hunt {
    /// A search whose first step is planned.
    #[must_use]
    pub fn new(knee: Knee) -> Self {
        Self {
            search: knee.search(),
            knee,
            steps: Vec::new(),
            waits: 0,
            settles_longer: false,
            calls_take: Duration::ZERO,
        }
    }

    /// Judges the current step, if all of its calls are over, and gives the stages that come next: none at the end of
    /// the search. A sentence tells people what was seen.
    pub fn look(&mut self, collector: &Collector) -> Option<(Vec<Wanted>, String)> {
        let stages = collector.stages();
        // The last stage with calls is the pause.
        let step = stages.loaded().end.checked_sub(2)?;
        if self.search.over().is_none() && collector.latest.cut_off_ns >= GIVE_UP_NS {
            return Some((Vec::new(), self.give_up(&stages.all()[step])));
        }
        if self.search.over().is_some() || !collector.is_settled(stages.all()[step].end_ns) {
            return None;
        }
        let per_s = self.search.now();
        let length = |at: usize| {
            let stage = &stages.all()[at];
            Duration::from_nanos(stage.end_ns - stage.start_ns)
        };
        let seen = Seen {
            calls: collector.calls_of(step),
            before: collector.standing_at_begin(step),
            after: collector.standing_at_begin(step + 1),
            wanted: per_s * length(step).as_secs_f64(),
            settle: length(step - 1),
        };
        let (judgement, figures) = self.judge(&seen);
        let calls_take = seen.calls_take().mul_f64(SETTLE_MARGIN);
        if judgement == Judgement::Met {
            self.calls_take = calls_take;
        }
        let mut settle = self.calls_take;
        if judgement == Judgement::Unsettled {
            settle = settle.max(calls_take);
            let waits = seen.lacks_calls();
            self.waits += u32::from(waits);
            self.settles_longer |= !waits;
        } else {
            (self.waits, self.settles_longer) = (0, false);
        }
        let word = match judgement {
            Judgement::Met => "met",
            Judgement::Missed | Judgement::Overloaded => "missed",
            Judgement::Late => "late",
            Judgement::Unsettled => "unsettled",
        };
        let stage = stages.all()[step].name.clone();
        let text = format!("{stage}: {per_s}/s, {word}: {figures}");
        self.steps.push(KneeStep {
            stage,
            rate_per_s: per_s,
            judgement: word.to_owned(),
            figures,
        });
        self.search.take(judgement);
        let doubted =
            |s: &&mut KneeStep| s.judgement == "missed" && !self.search.is_too_much(s.rate_per_s);
        for step in self.steps.iter_mut().filter(doubted) {
            "doubted".clone_into(&mut step.judgement);
        }
        let next = match self.search.over() {
            Some(_) => Vec::new(),
            None => self
                .knee
                .stages(self.steps.len() + 1, self.search.now(), settle),
        };
        Some((next, text))
    }

    /// Ends the search, in whichever stage of a step: nobody is there who could answer.
    fn give_up(&mut self, step: &Stage) -> String {
        self.search.give_up();
        let figures = "no client could connect any more".to_owned();
        if step.start_ns <= clock::mono_ns() {
            self.steps.push(KneeStep {
                stage: step.name.clone(),
                rate_per_s: self.search.now(),
                judgement: "unreachable".to_owned(),
                figures: figures.clone(),
            });
        }
        format!("{}: {figures}", step.name)
    }

    /// Whether the search ended since no client could connect any more.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.search.over() == Some(Limit::Unreachable)
    }

    fn judge(&self, seen: &Seen) -> (Judgement, String) {
        let calls = &seen.calls;
        if seen.lacks_calls() && self.waits < MOST_WAITS {
            let text = format!(
                "{} of {:.0} calls were due, since clients were not connected",
                calls.scheduled, seen.wanted
            );
            return (Judgement::Unsettled, text);
        }
        let held = self.knee.condition.of(calls);
        let scheduled = calls.scheduled.max(1) as f64;
        let shed = calls.outcomes[Outcome::Shed.index()] as f64 / scheduled;
        let lag_us = calls.lag.as_ref().map_or(0, |lag| lag.quantile_us(0.99));
        let limit_us = LAG_FLOOR_US.max(self.knee.condition.least_us().unwrap_or(0) / 10);
        // What is in flight at an instant goes up and down by itself, as the root of its number.
        let grown = seen.after.saturating_sub(seen.before) as f64;
        let grows = grown > MAX_GROWTH * scheduled + 2.0 * (seen.after as f64).sqrt();
        let met = held.met && !grows;
        let mut figures = held.figures;
        if grows {
            figures += &format!(", {grown} more calls waited at the end than at the begin");
        }
        if shed > MAX_SHED || (!met && lag_us > limit_us) {
            figures += &format!(
                ", lag p99 {}, {:.2} % shed",
                record::units::show_us(lag_us),
                shed * 100.0
            );
            return (Judgement::Late, figures);
        }
        // What grew may have been only calls on their way, where the first ones were not back when the step began. With
        // too much load it looks the same once; where they have settled for as long, it is a queue.
        if held.met && grows && !self.settles_longer && seen.calls_take() > seen.settle {
            figures += ", as the first were not back yet";
            return (Judgement::Unsettled, figures);
        }
        let judgement = match met {
            true => Judgement::Met,
            false if grown > OVERLOAD * scheduled => Judgement::Overloaded,
            false => Judgement::Missed,
        };
        (judgement, figures)
    }

    /// What was found, for the record; also of a search that was interrupted, in these stages.
    #[must_use]
    pub fn record(&self, stages: &Stages) -> kind::Knee {
        let mut steps = self.steps.clone();
        // A step that nobody came to judge is not to be taken for one that met the condition.
        let last = stages.all()[stages.loaded()].iter();
        let now = clock::mono_ns();
        let mut last = last
            .rev()
            .filter(|s| s.name.starts_with("knee-") && s.start_ns <= now);
        if let (None, Some(stage)) = (self.search.over(), last.next())
            && !steps.iter().any(|step| step.stage == stage.name)
        {
            steps.push(KneeStep {
                stage: stage.name.clone(),
                rate_per_s: self.search.now(),
                judgement: "interrupted".to_owned(),
                figures: "the run ended before".to_owned(),
            });
        }
        kind::Knee {
            condition: self.knee.condition.text.clone(),
            rate_per_s: self.search.knee(),
            too_much_per_s: self.search.too_much(),
            limited_by: self.search.over().map(|l| l.name().to_owned()),
            steps,
        }
    }

    /// What was found, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let condition = &self.knee.condition.text;
        let found = match self.search.knee() {
            Some(knee) => {
                format!("the knee is at {knee}/s: the highest rate tried with {condition}")
            }
            None => format!("no rate that was tried has {condition}"),
        };
        let beyond = match (self.search.over(), self.search.too_much()) {
            (None, _) => "; the search was cut short".to_owned(),
            (Some(Limit::Server), Some(bad)) => format!("; {bad}/s were too many"),
            (Some(Limit::Search), _) => "; more was not tried".to_owned(),
            (Some(Limit::Generator), _) => "; beyond that the generator itself was late".to_owned(),
            (Some(Limit::Server), None) => String::new(),
            (Some(Limit::Unreachable), _) => "; then no client could connect any more".to_owned(),
        };
        found + &beyond
    }

    /// Whether the generator was what ended the search.
    #[must_use]
    pub fn is_generators_limit(&self) -> bool {
        self.search.over() == Some(Limit::Generator)
    }
}
