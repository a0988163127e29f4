//! The value of a figure, of the calls that a gate is about.

use super::figure::{Figure, Span, Stat};
use super::labels::Labels;
use super::select::Selected;
use crate::outcome::{Expected, never_came};
use record::Histogram;

/// What a figure comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// In µs, as a fraction, per second, or a count.
    Is(f64),
    /// Slower than any limit, since this many of so many calls never came back.
    BeyondTimeout { never: u64, of: u64 },
    /// The same, of the fault that the text names.
    Of { value: f64, text: String },
    /// It never happened, and so is beyond any limit.
    Not { text: String },
    /// There is nothing to take it from.
    Nothing,
    /// The server was lost before it could be found: that is no pass, whatever the limit.
    Lost(&'static str),
    /// A percentile of too few calls.
    TooFew {
        value: Option<f64>,
        calls: u64,
        needed: u64,
    },
}

/// Takes a figure from the calls.
pub fn value(figure: Figure, labels: &Labels, of: &Selected, expected: &Expected) -> Value {
    let counts = &of.figures.counts;
    let share = |part: u64, whole: u64| match whole {
        0 => Value::Nothing,
        _ => Value::Is(part as f64 / whole as f64),
    };
    match figure {
        Figure::Latency(span, stat) => latency(span, stat, of),
        Figure::ErrorRate => {
            let shed = counts
                .errors
                .get(crate::outcome::SHED)
                .copied()
                .unwrap_or(0);
            share(
                expected.errors(&counts.errors),
                counts.outcomes().saturating_sub(shed),
            )
        }
        Figure::Rate => {
            // An expected error counts as ok; whether it came within its stage is not recorded, so all of them do.
            let ok = counts
                .ok_in_stage
                .saturating_add(expected.expected(&counts.errors));
            match of.span_us {
                0 => Value::Nothing,
                span => Value::Is(ok as f64 * 1e6 / span as f64),
            }
        }
        Figure::Achieved => share(counts.sent, counts.scheduled),
        Figure::Errors => Value::Is(match &labels.class {
            Some(class) => counts.errors.get(class).copied().unwrap_or(0),
            None => expected.errors(&counts.errors),
        } as f64),
        Figure::Scheduled => Value::Is(counts.scheduled as f64),
        Figure::Ok => Value::Is(counts.ok as f64),
        // They are no matter of rows.
        Figure::Knee
        | Figure::Audit(_)
        | Figure::Fault(_)
        | Figure::AbuseWrong
        | Figure::AbuseRight => Value::Nothing,
    }
}

fn latency(span: Span, stat: Stat, of: &Selected) -> Value {
    let figures = &of.figures;
    let errors = &figures.counts.errors;
    let none = Histogram::default();
    let (histogram, never): (&Histogram, u64) = match span {
        Span::Response => (&figures.response, never_came(errors, false)),
        Span::Service => (&figures.service, never_came(errors, true)),
        Span::Lag => (&figures.lag, 0),
        Span::Wait => (&figures.wait, 0),
        Span::Connect => (&figures.connect, 0),
        Span::Part(part) => (figures.anatomy.get(part).unwrap_or(&none), 0),
        Span::Heard(sound) => {
            let heard = figures.heard.as_deref();
            (heard.map_or(&none, |heard| heard.times(sound)), 0)
        }
    };
    let calls = histogram.count().saturating_add(never);
    if calls == 0 {
        return Value::Nothing;
    }
    let found = match stat {
        Stat::At(q) => q.of(histogram, never).map(|us| us as f64),
        // The largest is the percentile at 100 %: one call that never came, and it is beyond.
        Stat::Max => (never == 0).then(|| histogram.max_us() as f64),
        Stat::Mean if histogram.is_empty() => None,
        Stat::Mean => Some(histogram.mean_us()),
        Stat::Min if histogram.is_empty() => None,
        Stat::Min => Some(histogram.min_us() as f64),
    };
    if let Stat::At(q) = stat
        && calls < q.needed()
    {
        return Value::TooFew {
            value: found,
            calls,
            needed: q.needed(),
        };
    }
    found.map_or(Value::BeyondTimeout { never, of: calls }, Value::Is)
}
