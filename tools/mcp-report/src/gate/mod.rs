//! Gates: conditions under which the run fails, such as `p99{method="tools/call"} > 200ms`.

mod faults;
mod figure;
mod judge;
mod labels;
mod parse;
mod select;
mod value;

pub use judge::{Judged, State, judge};

use figure::Figure;
use labels::Labels;

/// A condition under which the run fails.
#[derive(Clone, Debug)]
pub struct Gate {
    /// As it was given.
    pub text: String,
    /// What is judged.
    pub figure: Figure,
    /// Of which calls.
    pub labels: Labels,
    /// How it compares.
    pub op: Op,
    /// With what: in µs, as a fraction, per second or a count, as the figure's unit says.
    pub limit: f64,
}

/// How a figure is compared with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    Unequal,
}

impl Op {
    /// Whether `value OP limit` is so. A value beyond all limits is infinite.
    #[allow(clippy::float_cmp)] // a gate with == means exactly that
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Equal => value == limit,
            Self::Unequal => value != limit,
        }
    }
}
