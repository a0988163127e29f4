//! What a plan asks of the place where we stand.

use crate::plan::Plan;
use crate::plan::kind::{Lasts, Level};
use crate::plan::timing::Anchor;
use crate::stream::place::Place;

/// Whether the plan can be carried out anywhere.
///
/// # Errors
/// A sentence: it asks for both sides of mcp-gen at once.
pub fn check(plan: &Plan) -> Result<(), String> {
    match (in_path(plan), at_stage(plan)) {
        (Some(path), Some(stage)) => Err(format!(
            "{path} must stand upstream of mcp-gen, and {stage} behind it: use two mcp-chaos, one on each side"
        )),
        _ => Ok(()),
    }
}

/// The same, as a question that the reader asks once it knows where we stand.
pub fn by_place(plan: &Plan) -> Box<dyn Fn(Place) -> Result<(), String> + Send> {
    let (path, stage) = (in_path(plan), at_stage(plan));
    Box::new(move |place| match (place, &path, &stage) {
        (Place::Behind, Some(path), _) => Err(format!(
            "{path} lies in the path of the calls, and here, behind mcp-gen, none pass: put mcp-chaos in front of mcp-gen"
        )),
        (Place::Upstream, _, Some(stage)) => Err(format!(
            "{stage} counts from a stage, and stages are told by mcp-gen: put mcp-chaos behind it, or count from t0"
        )),
        _ => Ok(()),
    })
}

/// Whether targets are called through proxies of ours.
#[must_use]
pub fn needs_path(plan: &Plan) -> bool {
    in_path(plan).is_some()
}

/// Whether the messages on the way are looked at.
#[must_use]
pub fn splits(plan: &Plan) -> bool {
    plan.faults
        .iter()
        .any(|fault| fault.kind.level == Level::Message)
}

/// Whether something lasts, and so is to stand in the journal: to be taken back, or only to be seen.
#[must_use]
pub fn needs_undo(plan: &Plan) -> bool {
    plan.faults
        .iter()
        .any(|fault| fault.kind.lasts == Lasts::Window)
}

/// The first fault that works only in the path.
fn in_path(plan: &Plan) -> Option<String> {
    plan.faults.iter().zip(1..).find_map(|(fault, n)| {
        let is_in_path = fault.kind.level.in_path() || fault.timing.anchor == Anchor::Traffic;
        let what = match fault.kind.level.in_path() {
            true => fault.kind.name.to_owned(),
            false => format!("{}@traffic", fault.kind.name),
        };
        is_in_path.then(|| format!("f{n} ({what})"))
    })
}

/// The first fault whose times count from a stage.
fn at_stage(plan: &Plan) -> Option<String> {
    plan.faults
        .iter()
        .zip(1..)
        .find_map(|(fault, n)| match &fault.timing.anchor {
            Anchor::Stage(stage) => Some(format!("f{n} ({}@{stage})", fault.kind.name)),
            Anchor::T0 | Anchor::Traffic => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(faults: &[&str]) -> Plan {
        let faults: Vec<String> = faults.iter().map(|f| (*f).to_owned()).collect();
        Plan::of(None, &faults).unwrap()
    }

    #[test]
    fn what_counts_from_stages_stands_behind_and_what_counts_from_traffic_upstream() {
        let both = plan(&["kill@1s", "kill@traffic+1s", "pause@steady+1s"]);
        let wrong = check(&both).unwrap_err();
        assert!(wrong.contains("f2 (kill@traffic)") && wrong.contains("f3 (pause@steady)"));
        let stage = by_place(&plan(&["kill@steady+1s"]));
        assert!(stage(Place::Behind).is_ok());
        assert!(stage(Place::Upstream).unwrap_err().contains("behind it"));
        let traffic = by_place(&plan(&["kill@traffic+1s"]));
        assert!(traffic(Place::Upstream).is_ok());
        assert!(
            traffic(Place::Behind)
                .unwrap_err()
                .contains("in front of mcp-gen")
        );
    }

    #[test]
    fn only_what_lasts_needs_the_journal() {
        assert!(!needs_undo(&plan(&["kill@1s", "restart@2s"])));
        assert!(needs_undo(&plan(&["kill@1s", "pause@2s"])));
    }
}
