//! `swap_ids`: two answers exchange their ids, so that each client, or call, gets what another has asked for.

use super::MAX_IN_FLIGHT;
use super::act::Act;
use super::answer::Answer;
use super::call::Id;
use super::edit::splice;
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use std::collections::VecDeque;

/// The kind.
pub const KIND: Kind = Kind {
    name: "swap_ids",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: &[METHOD, TOOL, SESSION, NTH, RATE, AFTER, FIRST],
    help: "answers exchange ids with another request that waits, on their connection or, over HTTP, on any; without one counted as alone",
    applies: "{rate} of the answers to {method} carry the id of another request, whose answer carries theirs",
    undone_by: "answers carry their own ids",
    build: |params| Fault::action(params, Act::SwapIds),
};

/// A request that waits for its answer.
#[derive(Debug)]
struct Waiting {
    scope: u64,
    id: Id,
    /// The id that its answer is to carry, where another one has taken its own.
    given: Option<Id>,
}

/// The requests whose answers may exchange ids.
#[derive(Debug, Default)]
pub(super) struct Pool(VecDeque<Waiting>);

impl Pool {
    /// A request that the fault is about was sent.
    pub(super) fn asked(&mut self, scope: u64, id: Id) {
        if self.0.len() >= MAX_IN_FLIGHT {
            self.0.pop_front();
        }
        self.0.push_back(Waiting {
            scope,
            id,
            given: None,
        });
    }

    /// An answer has come: the id that it is to carry because another one has taken its own.
    pub(super) fn answered(&mut self, answer: &Answer<'_>) -> Option<Id> {
        let id = answer.id.as_ref()?;
        let at = self
            .0
            .iter()
            .position(|w| w.scope == answer.scope && w.id == *id)?;
        self.0.remove(at)?.given
    }

    /// The id of a request that waits, which gets this answer's id for its own.
    pub(super) fn partner(&mut self, answer: &Answer<'_>) -> Option<Id> {
        let id = answer.id.as_ref()?;
        let fits = |w: &&mut Waiting| w.scope == answer.scope && w.id != *id && w.given.is_none();
        let other = self.0.iter_mut().rev().find(fits)?;
        other.given = Some(id.clone());
        Some(other.id.clone())
    }
}

/// The answer with another id.
pub(super) fn apply(answer: &mut Answer<'_>, id: &Id) -> Result<(), &'static str> {
    let at = answer.parts()?.id_at;
    answer.replace(splice(&answer.text, at, id.raw().as_bytes()))
}
