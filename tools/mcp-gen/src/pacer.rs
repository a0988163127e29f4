//! The pacer: what makes a client's next call due, the clock or the last answer.

use clap::ValueEnum;

/// What the load is paced by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pacer {
    /// By the clock: each client's calls are due on a schedule, whatever becomes of them (open model).
    Clock(Arrivals),
    /// By answers: a user's next call is due when its last one is over and it has thought (closed model); how long,
    /// its profile says.
    Answers,
}

/// How calls on a schedule follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Arrivals {
    /// At equal distances: any change in the answers is the server's doing
    #[default]
    Constant,
    /// At random, as from many users who know nothing of each other: sometimes several at once
    Poisson,
}

impl Arrivals {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
        }
    }
}

impl Pacer {
    /// The model's name in records.
    #[must_use]
    pub const fn model(self) -> &'static str {
        match self {
            Self::Clock(_) => "open",
            Self::Answers => "closed",
        }
    }

    /// How calls follow each other, where the clock paces them.
    #[must_use]
    pub const fn arrivals(self) -> Option<Arrivals> {
        match self {
            Self::Clock(arrivals) => Some(arrivals),
            Self::Answers => None,
        }
    }
}
