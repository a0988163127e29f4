//! The faults of the run: their windows, and what each did to the load.

use crate::recovery::{Band, Course, Detected, Found, Judged, Phase, Recovered, Recovery, Tally};
use crate::run::{Run, signed};
use record::Quantile;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A fault, its window, and its course. docs/RECOVERY.md defines the figures. What is absent could not be told, and
/// `why` says for what reason.
#[derive(Serialize, JsonSchema)]
pub struct FaultReport {
    /// Its id within the run.
    pub id: String,
    /// `kill`, `latency`, ….
    pub kind: String,
    /// The targets it hit, by name.
    pub targets: Vec<String>,
    /// Its parameters, as given or drawn.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// `began`, `ended` or `failed`: the last that was heard of it.
    pub state: String,
    /// In Unix microseconds.
    pub began_us: Option<u64>,
    /// In Unix microseconds.
    pub ended_us: Option<u64>,
    /// When it began, in microseconds since t0.
    pub began_t_us: Option<i64>,
    /// When it ended, in microseconds since t0.
    pub ended_t_us: Option<i64>,
    /// Why it could not be applied, or what undoing it found.
    pub text: Option<String>,
    /// The ids of faults that went on, or had not been recovered from, meanwhile: figures of these seconds are of all of them.
    pub overlaps: Vec<String>,
    /// The steady state before it.
    pub before: Option<PhaseReport>,
    /// While it was there; of what is over at once (`kill`), until the figures were back.
    pub during: Option<PhaseReport>,
    /// From its end until the figures were back.
    pub recovering: Option<PhaseReport>,
    /// From then on, for a minute at most.
    pub after: Option<PhaseReport>,
    /// What is usual in a second before it, of all calls.
    pub band: Option<BandReport>,
    /// The same of the targets that were hit; absent where it hit all.
    pub hit_band: Option<BandReport>,
    /// From its begin to the end of the first second outside of a band, in microseconds.
    pub detect_us: Option<u64>,
    /// By what that second was outside: `error rate`, `p99`, `unanswered calls` or `no answers`, and where.
    pub detected_by: Option<String>,
    /// From its end (of what is over at once, its begin) to the first second back inside, in microseconds.
    pub recover_us: Option<u64>,
    /// `yes`, `never` (the load went on, and the figures did not come back), or `unknown`.
    pub recovered: String,
    /// Why a figure is absent.
    pub why: Option<String>,
    /// Calls that failed from its begin until the load was back, beyond the rate before.
    pub calls_lost: Option<u64>,
    /// All calls that failed in that time, as a share of what the objective lets fail in the run; 1 is all of it.
    pub budget_burnt: Option<f64>,
}

/// The figures of a phase.
#[derive(Serialize, JsonSchema)]
pub struct PhaseReport {
    /// Its begin, in microseconds since t0; of the steady state, that of the first second it is taken from.
    pub from_t_us: i64,
    /// How long it lasted.
    pub lasted_us: u64,
    /// Of all calls.
    pub all: CallsReport,
    /// Of the calls whose home is a target that was hit; absent where it hit all.
    pub hit: Option<CallsReport>,
    /// Of the other calls; absent where it hit all targets.
    pub others: Option<CallsReport>,
}

/// Calls that came to an end in a phase.
#[derive(Serialize, JsonSchema)]
pub struct CallsReport {
    /// How many, but for those that were shed.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// `failed` over `calls`; absent without calls.
    pub error_rate: Option<f64>,
    /// Calls that were ok, per second.
    pub ok_per_s: Option<f64>,
    /// How many of the failed ones never came back, and count as slower than any limit.
    pub never: u64,
    /// The median response time; absent without ok calls, or where it falls among those that never came back.
    pub p50_us: Option<u64>,
    /// The 99th percentile, likewise.
    pub p99_us: Option<u64>,
}

/// The upper edges of what is usual in a second.
#[derive(Serialize, JsonSchema)]
pub struct BandReport {
    /// How many seconds it was taken from.
    pub seconds: u64,
    /// How many of those are outside of it themselves: where many are, detection and recovery say little.
    pub outside: u64,
    /// A fraction; in a second of few calls chance is added.
    pub error_rate: f64,
    /// Of the response time; absent where too few seconds had ok calls.
    pub p99_us: Option<f64>,
    /// Calls due or in flight when a second is over.
    pub open: f64,
}

impl FaultReport {
    /// All of them, in the order in which they began.
    pub fn all(recovery: &Recovery<'_>, run: &Run) -> Vec<Self> {
        let faults = recovery.faults.iter();
        faults.map(|fault| Self::of(fault, recovery, run)).collect()
    }

    fn of(judged: &Judged<'_>, recovery: &Recovery<'_>, run: &Run) -> Self {
        let (seen, course) = (judged.seen, &judged.course);
        let t0_us = run.t0_us;
        // Seconds begin at t0, or, in a stream without one, at its first interval.
        let base = run.seconds.base_us.unwrap_or(0);
        let since_t0 = base - t0_us.map_or(base, signed);
        let phase = |of: &Option<Phase>| of.as_ref().map(|p| PhaseReport::of(p, since_t0));
        let (detect_us, detected_by) = detected(course);
        let recover_us = match course.recovered {
            Recovered::After(us) => Some(us),
            _ => None,
        };
        let phases = &course.phases;
        Self {
            id: seen.fault.id.clone(),
            kind: seen.fault.kind.clone(),
            targets: seen.fault.targets.clone(),
            parameters: seen.fault.parameters.clone(),
            state: seen.state.clone(),
            began_us: seen.began.map(|i| i.at_us),
            ended_us: seen.ended.map(|i| i.at_us),
            began_t_us: seen.began.and_then(|i| i.since(t0_us)),
            ended_t_us: seen.ended.and_then(|i| i.since(t0_us)),
            text: seen.text.clone(),
            overlaps: judged.overlaps.clone(),
            before: phase(&phases.before),
            during: phase(&phases.during),
            recovering: phase(&phases.recovering),
            after: phase(&phases.after),
            band: course.band.as_ref().map(BandReport::of),
            hit_band: course.hit_band.as_ref().map(BandReport::of),
            detect_us,
            detected_by,
            recover_us,
            recovered: word(&course.recovered).to_owned(),
            why: why(course),
            calls_lost: course.lost,
            budget_burnt: course.failed.and_then(|failed| recovery.burnt(failed)),
        }
    }
}

fn detected(course: &Course) -> (Option<u64>, Option<String>) {
    let Detected::After(us, by, at_hit) = course.detected else {
        return (None, None);
    };
    let at = if at_hit { " of the targets hit" } else { "" };
    (Some(us), Some(format!("{}{at}", by.name())))
}

fn word(recovered: &Recovered) -> &'static str {
    match recovered {
        Recovered::After(_) => "yes",
        Recovered::Never(_) => "never",
        Recovered::Unknown(_) => "unknown",
    }
}

/// Why something is absent; what has no window has one reason for everything.
fn why(course: &Course) -> Option<String> {
    let mut whys = Vec::new();
    match &course.detected {
        Detected::After(..) => {}
        Detected::Never => whys.push("no second left the band".to_owned()),
        Detected::Unknown(why) => whys.push(why.clone()),
    }
    match &course.recovered {
        Recovered::After(_) => {}
        Recovered::Never(why) | Recovered::Unknown(why) => {
            if !whys.contains(why) {
                whys.push(why.clone());
            }
        }
    }
    if course.is_elsewhere {
        whys.push(
            "calls are counted for none of its targets, so the figures are those of all calls"
                .to_owned(),
        );
    }
    (!whys.is_empty()).then(|| whys.join("; "))
}

impl PhaseReport {
    fn of(phase: &Phase, since_t0: i64) -> Self {
        let calls = |tally: &Tally| CallsReport::of(tally, phase.lasted_us);
        let sides = phase.sides.as_ref();
        Self {
            from_t_us: phase.from_us.saturating_add(since_t0),
            lasted_us: phase.lasted_us.unsigned_abs(),
            all: calls(&phase.all),
            hit: sides.map(|(hit, _)| calls(hit)),
            others: sides.map(|(_, others)| calls(others)),
        }
    }
}

impl CallsReport {
    fn of(tally: &Tally, lasted_us: i64) -> Self {
        let at = |quantile: Quantile| match tally.at(quantile) {
            Found::Us(us) => Some(us),
            Found::None | Found::Beyond => None,
        };
        Self {
            calls: tally.ended,
            failed: tally.failed,
            error_rate: tally.error_rate(),
            ok_per_s: (lasted_us > 0).then(|| tally.ok as f64 * 1e6 / lasted_us as f64),
            never: tally.never,
            p50_us: Quantile::parse("50").and_then(at),
            p99_us: at(Quantile::P99),
        }
    }
}

impl BandReport {
    fn of(band: &Band) -> Self {
        Self {
            seconds: band.seconds as u64,
            outside: band.outside as u64,
            error_rate: band.error_rate,
            p99_us: band.p99_us,
            open: band.open,
        }
    }
}
