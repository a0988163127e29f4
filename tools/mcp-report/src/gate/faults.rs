//! The value of a figure of faults: the worst over those that a gate is about.

use super::Op;
use super::labels::Labels;
use super::value::Value;
use crate::recovery::{Detected, Judged, Recovered, Recovery};
use crate::show;

/// What is judged of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// From its begin to the first second that shows it.
    Detect,
    /// From its end until the load was back.
    Recover,
    /// The share of the run's error budget that it took.
    Burnt,
    /// Calls that failed beyond the rate before.
    Lost,
}

impl Aftermath {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "detect_time" => Self::Detect,
            "recovery_time" => Self::Recover,
            "budget_burnt" => Self::Burnt,
            "calls_lost" => Self::Lost,
            _ => return None,
        })
    }
}

/// The worst value, with a sentence that names its fault where there are several. A fault of which nothing is known
/// leaves the gate unjudged, unless another fails it: an experiment that went wrong is no pass.
pub fn worst(
    what: Aftermath,
    labels: &Labels,
    op: Op,
    limit: f64,
    recovery: &Recovery<'_>,
) -> Result<Value, String> {
    let chosen: Vec<&Judged<'_>> = recovery
        .faults
        .iter()
        .filter(|f| is_about(labels, f))
        .collect();
    if chosen.is_empty() {
        return Err(none(recovery));
    }
    let mut unknown = Vec::new();
    let mut worst: Option<(f64, String)> = None;
    for fault in chosen {
        let id = &fault.seen.fault.id;
        match value(what, fault, recovery) {
            Err(why) => unknown.push(format!("{id}: {why}")),
            Ok((value, never)) => {
                let text = match never {
                    Some(why) => format!("never, of {id}: {why}"),
                    None => format!("{id} {}", fault.seen.fault.kind),
                };
                let beats = worst.as_ref().is_none_or(|(least, _)| match op {
                    Op::Below | Op::AtMost => value < *least,
                    Op::Equal | Op::Unequal => op.holds(value, limit) && !op.holds(*least, limit),
                    Op::Above | Op::AtLeast => value > *least,
                });
                if beats {
                    worst = Some((value, text));
                }
            }
        }
    }
    match worst {
        Some((value, text)) if unknown.is_empty() || op.holds(value, limit) => {
            Ok(if value.is_finite() {
                Value::Of { value, text }
            } else {
                Value::Not { text }
            })
        }
        _ => Err(unknown.join("; ")),
    }
}

/// A fault's value; one that is infinite comes with the reason.
fn value(
    what: Aftermath,
    fault: &Judged<'_>,
    recovery: &Recovery<'_>,
) -> Result<(f64, Option<String>), String> {
    let course = &fault.course;
    let unknown = || match (&course.recovered, &course.detected) {
        (Recovered::Unknown(why), _) | (_, Detected::Unknown(why)) => why.clone(),
        _ => "there are no calls to take it from".to_owned(),
    };
    match what {
        Aftermath::Detect => match &course.detected {
            Detected::After(us, ..) => Ok((*us as f64, None)),
            Detected::Never => Ok((f64::INFINITY, Some("no second left the band".to_owned()))),
            Detected::Unknown(why) => Err(why.clone()),
        },
        Aftermath::Recover => match &course.recovered {
            Recovered::After(us) => Ok((*us as f64, None)),
            Recovered::Never(why) => Ok((f64::INFINITY, Some(why.clone()))),
            Recovered::Unknown(why) => Err(why.clone()),
        },
        Aftermath::Burnt => {
            let burnt = course.failed.and_then(|failed| recovery.burnt(failed));
            burnt.map(|share| (share, None)).ok_or_else(unknown)
        }
        Aftermath::Lost => course.lost.map(|n| (n as f64, None)).ok_or_else(unknown),
    }
}

fn is_about(labels: &Labels, fault: &Judged<'_>) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
    is(&labels.fault, &fault.seen.fault.id) && is(&labels.kind, &fault.seen.fault.kind)
}

fn none(recovery: &Recovery<'_>) -> String {
    if recovery.faults.is_empty() {
        return "no fault was applied: see mcp-chaos".to_owned();
    }
    let all = recovery.faults.iter().map(|f| &f.seen.fault);
    let mut shown: Vec<String> = all
        .take(20)
        .map(|f| format!("{} {}", f.id, f.kind))
        .collect();
    if recovery.faults.len() > shown.len() {
        let more = recovery.faults.len() - shown.len();
        shown.push(format!("{} more", show::count(more as u64)));
    }
    format!("no such fault was applied (faults: {})", shown.join(", "))
}
