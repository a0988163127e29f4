//! A text that matches a pattern, made up along the pattern and then checked against it.

use super::matcher::in_set;
use super::random::Random;
use super::regex::{Node, Regex};

// Repetitions grow from their least number until the text is long enough, or we give up.
const GROWTH: [usize; 9] = [0, 1, 2, 4, 8, 16, 64, 256, 1024];
const ATTEMPTS: usize = 8;

/// A text that the pattern matches and `fits` likes; `None` where the pattern is beyond us.
pub(super) fn sample(
    pattern: &str,
    random: &mut Random,
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    let regex = Regex::parse(pattern)?;
    for extra in GROWTH {
        // Several times, since what look-ahead forbids is left to luck.
        for _ in 0..ATTEMPTS {
            let mut text = String::new();
            write(&regex.0, extra, random, &mut text);
            if text.len() <= super::MAX_TEXT_BYTES && fits(&text) && regex.is_match(&text) {
                return Some(text);
            }
        }
    }
    None
}

fn write(node: &Node, extra: usize, random: &mut Random, text: &mut String) {
    if text.len() > super::MAX_TEXT_BYTES {
        return;
    }
    match node {
        Node::Set(ranges, negated) => text.extend(character(ranges, *negated, random)),
        Node::Sequence(parts) => {
            for part in parts {
                write(part, extra, random, text);
            }
        }
        Node::Either(branches) => {
            write(&branches[random.below(branches.len())], extra, random, text);
        }
        Node::Repeat(inner, least, most) => {
            for _ in 0..least.saturating_add(extra).min(*most) {
                write(inner, extra, random, text);
            }
        }
        Node::Start | Node::End | Node::Boundary(_) | Node::Ahead(..) => {}
    }
}

fn character(ranges: &[(char, char)], negated: bool, random: &mut Random) -> Option<char> {
    if negated {
        // Letters first: what a negated set leaves open is seldom meant to be punctuation.
        let open: Vec<char> = ('a'..='z')
            .chain(' '..='~')
            .filter(|candidate| in_set(ranges, true, *candidate))
            .take(26)
            .collect();
        return (!open.is_empty()).then(|| open[random.below(open.len())]);
    }
    let (low, high) = *ranges.get(random.below(ranges.len().max(1)))?;
    let width = high as usize - low as usize + 1;
    char::from_u32(low as u32 + random.below(width) as u32).or(Some(low))
}
