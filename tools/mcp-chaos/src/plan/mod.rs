//! What is asked for: faults, each with a kind, its parameters, its targets and its times.

pub mod choose;
pub mod describe;
pub mod file;
pub mod kind;
pub mod param;
pub mod range;
pub mod spec;
pub mod timing;

use crate::action::Action;
use choose::Choice;
use kind::Kind;
use param::Params;
use timing::Timing;

/// More faults than this are no plan but an accident.
const MAX_FAULTS: usize = 1_000;

/// One fault that is asked for.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What it is.
    pub kind: &'static Kind,
    /// What is applied.
    pub action: Action,
    /// Its parameters, for records.
    pub params: Params,
    /// Which targets it hits.
    pub choice: Choice,
    /// When it comes.
    pub timing: Timing,
}

/// All that is asked for.
#[derive(Debug, Default)]
pub struct Plan {
    /// The faults, in the order in which they were given: the first is `f1`.
    pub faults: Vec<Fault>,
    /// The seed that the file names.
    pub seed: Option<u64>,
    /// The steady state that must be there first: `error_rate < 1% for 5s`.
    pub steady: Option<String>,
}

impl Plan {
    /// The file's plan, then the faults of the command line.
    ///
    /// # Errors
    /// A sentence with the way out.
    pub fn of(file: Option<&std::path::Path>, typed: &[String]) -> Result<Self, String> {
        let mut plan = file.map(file::read).transpose()?.unwrap_or_default();
        if plan.seed.is_some_and(|seed| seed >= 1 << 53) {
            return Err("the plan's seed is too large: give one below 2^53, which every JSON reader keeps exact".to_owned());
        }
        for text in typed {
            plan.faults.push(spec::parse(text)?);
        }
        if plan.faults.len() > MAX_FAULTS {
            return Err(format!(
                "{} faults are asked for: {MAX_FAULTS} are the most; every=TIME repeats one",
                plan.faults.len()
            ));
        }
        Ok(plan)
    }
}
