//! A connection whose messages are looked at: what is read goes through its conversation, and what comes of it goes on
//! when its time has come.

use super::later::Later;
use crate::message::{Conversation, Pass, Rules, Side, Wire};
use std::cell::RefCell;
use std::rc::Rc;

/// A connection's messages.
pub struct Talk {
    conversation: Conversation,
    /// What is to become of them: the same for all connections of a proxy.
    rules: Rc<RefCell<Rules>>,
    later: Later,
    /// Kept, since it is filled again and again.
    passes: Vec<Pass>,
}

impl Talk {
    /// Nothing was said yet on the `nth` connection of its proxy.
    pub fn new(wire: Wire, nth: u64, rules: &Rc<RefCell<Rules>>) -> Self {
        Self {
            conversation: Conversation::new(wire, nth),
            rules: Rc::clone(rules),
            later: Later::default(),
            passes: Vec::new(),
        }
    }

    /// Bytes came from one side.
    pub fn read(&mut self, from: Side, bytes: &[u8], now_us: u64) {
        let rules = &mut self.rules.borrow_mut();
        self.conversation
            .read(from, bytes, now_us, rules, &mut self.passes);
        self.passes.drain(..).for_each(|pass| self.later.push(pass));
    }

    /// One side has no more to say.
    pub fn ended(&mut self, from: Side, now_us: u64) {
        let rules = &mut self.rules.borrow_mut();
        self.conversation
            .ended(from, now_us, rules, &mut self.passes);
        self.passes.drain(..).for_each(|pass| self.later.push(pass));
    }

    /// One side was reset.
    pub fn broke(&mut self, now_us: u64) {
        self.later.push(Pass::Close {
            at_us: now_us,
            reset: true,
        });
    }

    /// What is to go on now.
    pub fn due(&mut self, now_us: u64) -> Option<Pass> {
        if self.conversation.due_us().is_some_and(|us| us <= now_us) {
            let rules = &mut self.rules.borrow_mut();
            self.conversation.tick(now_us, rules, &mut self.passes);
            self.passes.drain(..).for_each(|pass| self.later.push(pass));
        }
        self.later.pop(now_us)
    }

    /// When the next is to go on (CLOCK_MONOTONIC, µs).
    pub fn next_us(&self) -> Option<u64> {
        match (self.later.next_us(), self.conversation.due_us()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// How many bytes wait for one side.
    pub fn held(&self, to: Side) -> usize {
        self.later.held(to)
    }
}

impl Drop for Talk {
    /// However it ended: the others need not remember it.
    fn drop(&mut self) {
        let rules = &mut self.rules.borrow_mut();
        for side in [Side::Client, Side::Server] {
            self.conversation.ended(side, 0, rules, &mut self.passes);
        }
    }
}
