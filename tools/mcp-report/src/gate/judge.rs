//! Judges a gate: takes its value and compares it.

use super::Gate;
use super::faults::worst;
use super::figure::{Audited, Figure, Span, Stat, Unit};
use super::select::select;
use super::value::{Value, value};
use crate::outcome::Expected;
use crate::recovery::Recovery;
use crate::run::{Figures, Key, Run};
use crate::show;
use record::kind::AbuseCount;
use std::collections::BTreeMap;

/// What became of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pass,
    Fail,
    TooFew,
    /// It is about nothing, or the run was not judged.
    NotJudged,
}

/// A gate with its value.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The gate, as it was given.
    pub gate: String,
    /// What became of it.
    pub state: State,
    /// The figure found, where it is a number.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: Unit,
    /// Whether it is a percentile or the like of what the server did to calls: what the generator's lag is held against.
    pub is_server_latency: bool,
    /// A sentence where the value alone does not tell.
    pub text: Option<String>,
}

impl Judged {
    /// The value as a person reads it.
    pub fn shown(&self) -> String {
        match (self.value, self.unit) {
            (None, _) if self.text.as_deref().is_some_and(|t| t.starts_with('>')) => {
                "> timeout".into()
            }
            (None, _) if self.text.as_deref().is_some_and(|t| t.starts_with("never")) => {
                "never".into()
            }
            (None, _) => "-".into(),
            (Some(value), unit) => shown(value, unit),
        }
    }
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Latency => show::latency(value),
        Unit::Share => show::share(value),
        Unit::Portion => show::portion(value),
        Unit::Rate => show::per_s(value),
        Unit::Count => show::count(value as u64),
    }
}

/// The knee of all generators together; 0 where no rate met the condition.
fn knee(run: &Run) -> Result<Value, String> {
    let found: Vec<_> = run.knees().collect();
    if found.is_empty() {
        return Err("no knee was searched for: see mcp-gen --find-knee".to_owned());
    }
    if found
        .iter()
        .any(|knee| knee.limited_by.as_deref() == Some("unreachable"))
    {
        return Ok(Value::Lost(
            "the search ended since no client could connect any more",
        ));
    }
    if found.len() > 1 && !run.knees_are_one_load() {
        return Err("the generators searched for different conditions, or their steps were not at the same times, so that each had a load of its own beside it and their knees don't add up: start them with one --start-at and the same flags, or gate each stream alone".to_owned());
    }
    Ok(Value::Is(
        found.iter().filter_map(|knee| knee.rate_per_s).sum(),
    ))
}

/// A count of all generators' audits.
fn audited(what: Audited, run: &Run) -> Result<Value, String> {
    let audits = run.audits()?;
    if audits.is_empty() {
        return Err("no call was audited: see mcp-gen --audit".to_owned());
    }
    Ok(Value::Is(
        audits.iter().map(|a| what.of(a)).sum::<u64>() as f64
    ))
}

/// How servers took the bad behaviour of all generators.
fn abuse(figure: Figure, run: &Run) -> Result<Value, String> {
    let counts = run.abuse();
    if counts.is_empty() {
        return Err("nobody behaved badly: see mcp-gen --abuse".to_owned());
    }
    let wrong: u64 = counts.values().map(AbuseCount::wrong).sum();
    let tried: u64 = counts.values().map(AbuseCount::tried).sum();
    Ok(match (figure, tried) {
        // Where nothing could be tried, nothing was taken well.
        (_, 0) => Value::Nothing,
        (Figure::AbuseWrong, _) => Value::Is(wrong as f64),
        _ => Value::Is((tried - wrong) as f64 / tried as f64),
    })
}

/// Takes the value of a gate, and compares.
pub fn judge(
    gate: &Gate,
    run: &Run,
    rows: &BTreeMap<Key, Figures>,
    recovery: &Recovery<'_>,
    expected: &Expected,
) -> Judged {
    let found = match gate.figure {
        Figure::Fault(what) => worst(what, &gate.labels, gate.op, gate.limit, recovery),
        Figure::Knee => knee(run),
        Figure::Audit(what) => audited(what, run),
        Figure::AbuseWrong | Figure::AbuseRight => abuse(gate.figure, run),
        figure => select(gate, run, rows).map(|of| value(figure, &gate.labels, &of, expected)),
    };
    let state = |value: f64| {
        if gate.op.holds(value, gate.limit) {
            State::Fail
        } else {
            State::Pass
        }
    };
    let (state, value, text) = match found {
        Err(why) => (State::NotJudged, None, Some(why)),
        Ok(Value::Nothing) => (
            State::NotJudged,
            None,
            Some("there is nothing to take it from".to_owned()),
        ),
        Ok(Value::Lost(why)) => (State::Fail, None, Some(why.to_owned())),
        Ok(Value::Is(value)) => (state(value), Some(value), None),
        Ok(Value::Of { value, text }) => {
            let text = format!("it is {} of {text}", shown(value, gate.figure.unit()));
            (state(value), Some(value), Some(text))
        }
        Ok(Value::Not { text }) => (state(f64::INFINITY), None, Some(text)),
        Ok(Value::BeyondTimeout { never, of }) => {
            let share = show::share(never as f64 / of as f64);
            let text = format!(
                "> timeout: {} of {} calls ({share}) never came back",
                show::count(never),
                show::count(of)
            );
            (state(f64::INFINITY), None, Some(text))
        }
        Ok(Value::TooFew {
            value,
            calls,
            needed,
        }) => {
            let text = format!(
                "{} calls are too few: this takes {}, so run longer or at a higher rate",
                show::count(calls),
                show::count(needed)
            );
            (State::TooFew, value, Some(text))
        }
    };
    Judged {
        gate: gate.text.clone(),
        state,
        value,
        unit: gate.figure.unit(),
        is_server_latency: matches!(
            gate.figure,
            Figure::Latency(Span::Response | Span::Service, Stat::At(_))
        ),
        text,
    }
}
