//! Figures of rounds: their median and range.

use std::fmt;

/// One figure, taken in each round.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// Adds a round's.
    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Those of all rounds.
    pub fn of(figures: impl Iterator<Item = f64>) -> Self {
        Self(figures.collect())
    }

    /// One after the other.
    pub fn each(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().copied()
    }

    /// The median; of an even number the upper one of the middle two, which flatters nobody.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The figures of each round divided by those of another column in the same round.
    pub fn ratios(&self, to: &Self) -> Self {
        Self(self.0.iter().zip(&to.0).map(|(a, b)| a / b).collect())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.0.iter().fold((f64::MAX, f64::MIN), |(low, high), x| {
            (low.min(*x), high.max(*x))
        });
        if self.0.iter().any(|x| x.is_nan()) {
            return f.pad("-");
        }
        let digits = if high < 100.0 { 2 } else { 0 };
        write!(
            f,
            "{:.digits$} ({low:.digits$} to {high:.digits$})",
            self.median()
        )
    }
}
