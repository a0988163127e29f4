//! Numbers within bounds, small ones first, since a tool may do something that many times.

use serde_json::{Map, Value};

use super::random::Random;

/// What a schema says about a number.
pub(super) struct Bounds {
    low: f64,
    low_open: bool,
    high: f64,
    high_open: bool,
    step: Option<f64>,
}

// Beyond 2^53 a double skips integers.
const FAR: f64 = 9_007_199_254_740_992.0;
// From how many of the smallest numbers one is picked.
const SPREAD: usize = 10;

impl Bounds {
    pub(super) fn of(schema: &Map<String, Value>) -> Self {
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        let flag = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        let mut bounds = Self {
            low: number("minimum").unwrap_or(f64::NEG_INFINITY),
            // Draft-04 style, which some generators still write.
            low_open: flag("exclusiveMinimum"),
            high: number("maximum").unwrap_or(f64::INFINITY),
            high_open: flag("exclusiveMaximum"),
            step: number("multipleOf").filter(|step| *step > 0.0),
        };
        if let Some(low) = number("exclusiveMinimum")
            && low >= bounds.low
        {
            (bounds.low, bounds.low_open) = (low, true);
        }
        if let Some(high) = number("exclusiveMaximum")
            && high <= bounds.high
        {
            (bounds.high, bounds.high_open) = (high, true);
        }
        bounds
    }

    pub(super) fn admit(&self, number: f64) -> bool {
        let above = number > self.low || (!self.low_open && number == self.low);
        let below = number < self.high || (!self.high_open && number == self.high);
        let stepped = self.step.is_none_or(|step| {
            let steps = number / step;
            (steps - steps.round()).abs() <= 1e-9 * steps.abs().max(1.0)
        });
        above && below && stepped
    }

    /// A number that the bounds admit, whole where that is possible and in any case if `integer`.
    pub(super) fn pick(&self, integer: bool, random: &mut Random) -> Option<Value> {
        let fine = |number: &f64| self.admit(*number) && (!integer || number.fract() == 0.0);
        let start = if self.low <= 1.0 && self.high >= 1.0 {
            1.0
        } else if self.low.is_finite() {
            self.low
        } else {
            self.high - SPREAD as f64
        };
        let whole: Vec<f64> = match self.step {
            None => (0..=SPREAD)
                .map(|offset| start.ceil() + offset as f64)
                .filter(fine)
                .take(SPREAD)
                .collect(),
            Some(step) => multiples(step, start)
                .filter(|number| integer || number.abs() <= FAR)
                .take(4 * SPREAD * SPREAD)
                .filter(fine)
                .take(SPREAD)
                .collect(),
        };
        if !whole.is_empty() {
            return Some(to_value(whole[random.below(whole.len())]));
        }
        // No whole number between the bounds: their middle, or an end that belongs.
        [(self.low + self.high) / 2.0, self.low, self.high]
            .into_iter()
            .find(|number| number.is_finite() && fine(number))
            .map(to_value)
    }
}

/// The multiples of `step` from `start` on. Counted in whole units of the step's last decimal
/// place, since 3 × 0.1 is not 0.3 in doubles.
fn multiples(step: f64, start: f64) -> impl Iterator<Item = f64> {
    let mut scale = 1.0;
    while (step * scale).fract() != 0.0 && scale < 1e12 {
        scale *= 10.0;
    }
    let unit = (step * scale).round();
    let first = (start / step).floor();
    (0_u32..).map(move |index| (first + f64::from(index)) * unit / scale)
}

fn to_value(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= FAR {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}
