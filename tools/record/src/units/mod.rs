//! Numbers with units, as people type them: `250ms`, `100/s`, `1%`, `512kB`.

mod duration;
mod instant;
mod rate;
mod share;
mod size;

pub use duration::{duration, show_us};
pub use instant::instant;
pub use rate::rate;
pub use share::share;
pub use size::size;

/// What is wrong with a number that somebody typed; the sentence says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: {expected}")]
pub struct UnitError {
    /// What was typed.
    pub text: String,
    /// What it should have been: duration, instant, rate, share or size.
    pub what: &'static str,
    /// How to write it.
    pub expected: &'static str,
}

/// Splits a leading decimal number from its unit; `None` where there is no number, or it is not finite.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let value: f64 = text[..end].replace('_', "").parse().ok()?;
    Some((value, &text[end..]))
}
