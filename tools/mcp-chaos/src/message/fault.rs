//! A fault of messages: which ones it hits, and what is done with them.

use super::act::Act;
use super::filter::Filter;
use crate::action::Action;
use crate::plan::param::Params;

/// What a plan asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub(super) filter: Filter,
    pub(super) act: Act,
}

impl Fault {
    /// The action of a kind, of the parameters that all have and what is its own.
    ///
    /// # Errors
    /// A sentence: a parameter is missing.
    pub(super) fn action(params: &Params, act: Act) -> Result<Action, String> {
        Ok(Action::Message(Self {
            filter: Filter::from_params(params)?,
            act,
        }))
    }
}
