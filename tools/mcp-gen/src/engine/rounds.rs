//! Rounds: the calls of a sequence belong together, and each waits for the answer of the one before, whatever is due.
//!
//! A step that fails ends its round: the calls that would have followed count as `cancelled` where a schedule has them
//! due, and are not made where the next call comes from the last one's answer.

use super::call::Call;
use super::due::Drawn;
use super::worker::Worker;
use crate::menu::{Cursor, Step};
use crate::profile::Cell;
use protocol::outcome::Outcome;
use serde_json::Value;

/// What a client remembers of its sequences.
#[derive(Debug, Default)]
pub struct Rounds {
    /// Where its calls come due.
    pub due: Cursor,
    /// Where its calls are sent, perhaps far behind.
    pub sent: Cursor,
    /// The index of the first call of the round under way.
    begin: Option<u64>,
    /// How many of its steps are over and were fine.
    done: u16,
    /// Whether a step has failed.
    ended: bool,
    /// What its steps have taken from their answers.
    pub taken: Vec<Option<Cell>>,
}

/// Whether it is a call's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may be sent.
    Now,
    /// The step before is still under way.
    Later,
    /// A step before has failed.
    Never,
}

impl Rounds {
    fn begin(&mut self, index: u64, values: usize) {
        self.begin = Some(index);
        (self.done, self.ended) = (0, false);
        self.taken.clear();
        self.taken.resize(values, None);
    }

    /// Whether a step with this index belongs to the round under way.
    fn is_in(&self, step: &Step, index: u64) -> bool {
        self.begin.is_some() && self.begin == index.checked_sub(u64::from(step.number))
    }
}

impl Worker {
    /// Whether it is a call's turn: always, but for the later steps of a sequence.
    pub(super) fn turn(&self, c: usize, drawn: &Drawn) -> Turn {
        let Some(rounds) = &self.clients[c].rounds else {
            return Turn::Now;
        };
        let menu = &self.homes[usize::from(drawn.home)].menu;
        match &menu.dish(drawn.dish as usize).step {
            Some(step) if step.number > 0 => {
                // Another server may have another menu, on which the rest of the round is something else.
                let moved = drawn.home != self.clients[c].home();
                if moved || !rounds.is_in(step, drawn.index) || rounds.ended {
                    Turn::Never
                } else if rounds.done < step.number {
                    Turn::Later
                } else {
                    Turn::Now
                }
            }
            _ => Turn::Now,
        }
    }

    /// Closed model: whether a client may make its next call now. What a failed round has left is passed over.
    pub(super) fn may_go_on(&mut self, c: usize, now: u64) -> bool {
        if self.clients[c].rounds.is_none() {
            return true;
        }
        loop {
            let drawn = self.draw(c, self.clients[c].next_due, now, false);
            match (self.turn(c, &drawn), &mut self.clients[c].rounds) {
                (Turn::Never, Some(rounds)) => rounds.due.leave(drawn.index),
                (turn, _) => return turn == Turn::Now,
            }
        }
    }

    /// A call was handed to a connection: if it is the first of a sequence, its round begins.
    pub(super) fn begin_round(&mut self, c: usize, index: u64, home: u16, dish: usize) {
        let Some(rounds) = &mut self.clients[c].rounds else {
            return;
        };
        if let Some(step) = &self.homes[usize::from(home)].menu.dish(dish).step
            && step.number == 0
        {
            rounds.begin(index, step.values);
        }
    }

    /// Takes from a good answer what later steps need. Such answers are parsed in full.
    pub(super) fn learn(&mut self, c: usize, call: &Call, outcome: Outcome, message: &[u8]) {
        let menu = &self.homes[usize::from(call.home)].menu;
        let (Some(rounds), Some(step)) = (
            &mut self.clients[c].rounds,
            &menu.dish(call.dish as usize).step,
        ) else {
            return;
        };
        if outcome != Outcome::Ok || step.take.is_empty() || !rounds.is_in(step, call.index) {
            return;
        }
        let answer: Value = serde_json::from_slice(message).unwrap_or_default();
        let mut missing = None;
        for (place, pointer) in &step.take {
            match answer["result"].pointer(pointer) {
                Some(value) => rounds.taken[*place] = Some(Cell::from(value)),
                None => missing = Some(pointer.clone()),
            }
        }
        if let Some(pointer) = missing {
            rounds.ended = true;
            let method = menu.dish(call.dish as usize).template.method();
            let text = format!(
                "the result of a {method} has no {pointer}, so the sequence that takes it from there could not go on"
            );
            self.tell(
                "sequence_ended",
                text,
                Some("look at the server's answer, and at take in the profile"),
            );
        }
    }

    /// A call is over. Where it is a step of the round under way, the next one may go, or none of its round ever will.
    pub(super) fn end_step(
        &mut self,
        c: usize,
        index: u64,
        home: u16,
        dish: u32,
        outcome: Outcome,
    ) {
        let Some(rounds) = &mut self.clients[c].rounds else {
            return;
        };
        let menu = &self.homes[usize::from(home)].menu;
        if let Some(step) = &menu.dish(dish as usize).step
            && rounds.is_in(step, index)
        {
            if outcome == Outcome::Ok {
                rounds.done = step.number + 1;
            } else {
                rounds.ended = true;
            }
        }
    }
}
