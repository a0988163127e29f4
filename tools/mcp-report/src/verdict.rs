//! The verdict: PASS, FAIL, INVALID, or NONE for a run that is not judged; and the exit status that goes with it.

use crate::gate::{Judged, State};

/// What is concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Pass,
    Fail,
    Invalid,
    None,
}

impl Word {
    /// As in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
            Self::None => "NONE",
        }
    }
}

/// A verdict with its reasons.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub word: Word,
    /// A sentence each.
    pub reasons: Vec<String>,
    /// The exit status.
    pub exit: u8,
}

/// What the verdict depends on.
pub struct Grounds<'a> {
    /// Why a tool gave up, or why there is nothing to report.
    pub fatal: Vec<String>,
    /// Whether the run was cut short by a signal.
    pub interrupted: bool,
    /// What is missing in the stream, and what does not balance.
    pub torn: Vec<String>,
    /// Why the figures are the generator's and not the server's.
    pub saturated: Vec<String>,
    /// The gates with their values.
    pub gates: &'a [Judged],
    /// Whether any call was measured.
    pub measured: bool,
}

impl Verdict {
    /// Weighs the grounds. FAIL wins over INVALID, except over a torn stream and a saturated generator: their figures
    /// are not the server's, so neither is the failure.
    pub fn of(grounds: Grounds<'_>) -> Self {
        let sentence = |wanted: State| move |g: &&Judged| g.state == wanted;
        let failed: Vec<String> = grounds
            .gates
            .iter()
            .filter(sentence(State::Fail))
            .map(failure)
            .collect();
        let unjudged = grounds
            .gates
            .iter()
            .filter(|g| matches!(g.state, State::TooFew | State::NotJudged))
            .map(|g| format!("{}: {}", g.gate, g.text.as_deref().unwrap_or("not judged")));
        let mut doubtful: Vec<String> = unjudged.collect();
        if !grounds.measured {
            doubtful.insert(
                0,
                "no call was measured: no stage besides connect, warm-up and drain has any, and no step of a search that met its condition".into(),
            );
        }
        let mut invalid = grounds.torn;
        invalid.extend(grounds.saturated);

        if !grounds.fatal.is_empty() {
            return Self {
                word: Word::None,
                reasons: grounds.fatal,
                exit: 2,
            };
        }
        if grounds.interrupted {
            let mut reasons =
                vec!["the run was interrupted, so its gates are not judged".to_owned()];
            reasons.extend(invalid);
            return Self {
                word: Word::None,
                reasons,
                exit: 3,
            };
        }
        if !invalid.is_empty() {
            invalid.extend(failed);
            invalid.extend(doubtful);
            return Self {
                word: Word::Invalid,
                reasons: invalid,
                exit: 3,
            };
        }
        if !failed.is_empty() {
            let mut reasons = failed;
            reasons.extend(doubtful);
            return Self {
                word: Word::Fail,
                reasons,
                exit: 1,
            };
        }
        if !doubtful.is_empty() {
            return Self {
                word: Word::Invalid,
                reasons: doubtful,
                exit: 3,
            };
        }
        Self {
            word: Word::Pass,
            reasons: Vec::new(),
            exit: 0,
        }
    }
}

fn failure(gate: &Judged) -> String {
    match &gate.text {
        Some(text) => format!("{}: {text}", gate.gate),
        None => format!("{}: it is {}", gate.gate, gate.shown()),
    }
}
