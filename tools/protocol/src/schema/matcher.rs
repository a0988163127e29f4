//! Matches a pattern by backtracking, with a bound on its steps: patterns come from the server, and
//! one that takes for ever is as good as one that does not match.

use super::regex::{Node, Regex, WORD};

const MAX_STEPS: usize = 100_000;
const MAX_TURNS: usize = 500;

impl Regex {
    /// Whether the pattern matches anywhere in the text, as JSON Schema has it.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let mut matcher = Matcher {
            text: &text,
            steps: 0,
        };
        (0..=text.len()).any(|at| matcher.node(&self.0, at, &mut |_, _| true))
    }
}

pub(super) fn in_set(ranges: &[(char, char)], negated: bool, character: char) -> bool {
    ranges
        .iter()
        .any(|(low, high)| (*low..=*high).contains(&character))
        != negated
}

struct Matcher<'a> {
    text: &'a [char],
    steps: usize,
}

/// What is to match after a node.
type Then<'t> = &'t mut dyn FnMut(&mut Matcher<'_>, usize) -> bool;

impl Matcher<'_> {
    fn node(&mut self, node: &Node, at: usize, then: Then<'_>) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return false;
        }
        match node {
            Node::Set(ranges, negated) => {
                self.text
                    .get(at)
                    .is_some_and(|character| in_set(ranges, *negated, *character))
                    && then(self, at + 1)
            }
            Node::Sequence(parts) => self.sequence(parts, at, then),
            Node::Either(branches) => branches.iter().any(|branch| self.node(branch, at, then)),
            Node::Repeat(inner, least, most) => self.repeat(inner, *least, *most, at, then),
            Node::Start => at == 0 && then(self, at),
            Node::End => at == self.text.len() && then(self, at),
            Node::Boundary(wanted) => {
                let is_word = |at: Option<usize>| {
                    at.and_then(|at| self.text.get(at))
                        .is_some_and(|character| in_set(&WORD, false, *character))
                };
                (is_word(at.checked_sub(1)) != is_word(Some(at))) == *wanted && then(self, at)
            }
            Node::Ahead(inner, wanted) => {
                self.node(inner, at, &mut |_, _| true) == *wanted && then(self, at)
            }
        }
    }

    fn sequence(&mut self, parts: &[Node], at: usize, then: Then<'_>) -> bool {
        match parts {
            [] => then(self, at),
            [first, rest @ ..] => self.node(first, at, &mut |matcher, at| {
                matcher.sequence(rest, at, then)
            }),
        }
    }

    fn repeat(
        &mut self,
        inner: &Node,
        least: usize,
        most: usize,
        at: usize,
        then: Then<'_>,
    ) -> bool {
        // Single characters are most repetitions: a loop, so that a long text needs no deep stack.
        if let Node::Set(ranges, negated) = inner {
            let run = self.text[at..]
                .iter()
                .take(most)
                .take_while(|character| in_set(ranges, *negated, **character))
                .count();
            return run >= least && (least..=run).rev().any(|length| then(self, at + length));
        }
        // Any other costs a few frames a turn; texts that we make up are short.
        if self.text.len() > MAX_TURNS {
            return false;
        }
        if most == 0 {
            return then(self, at);
        }
        let again = self.node(inner, at, &mut |matcher, next| {
            // A turn that takes nothing could be taken again for ever: all that are owed are paid.
            if next == at {
                return least > 0 && then(matcher, next);
            }
            let (least, most) = (least.saturating_sub(1), most.saturating_sub(1));
            matcher.repeat(inner, least, most, next, then)
        });
        again || (least == 0 && then(self, at))
    }
}
