//! What is wrong with a profile, said with the place where it stands.

use std::fmt;
use std::ops::Range;

/// Something that cannot be, at a place of a TOML text.
pub struct Bad {
    origin: String,
    /// Line and column from 1, where the place is known.
    place: Option<(usize, usize)>,
    what: String,
}

impl Bad {
    /// `span` is in bytes of `text`.
    pub fn new(origin: &str, text: &str, span: Option<Range<usize>>, what: &str) -> Self {
        let place = span.and_then(|span| text.get(..span.start)).map(|before| {
            let line = before.rsplit('\n').next().unwrap_or("");
            (before.matches('\n').count() + 1, line.chars().count() + 1)
        });
        Self {
            origin: origin.to_owned(),
            place,
            // The parser's messages may have several lines, and a warning is one.
            what: what.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(
                f,
                "{}, line {line}, column {column}: {}",
                self.origin, self.what
            ),
            None => write!(f, "{}: {}", self.origin, self.what),
        }
    }
}

/// Where a key or the table of this name stands: good enough for a message about what the parser found no fault with.
pub fn key(text: &str, key: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let word = trimmed.trim_start_matches(['[', '"']);
        if word
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with([' ', '=', ']', '"', '\t']))
        {
            let start = at + line.len() - trimmed.len();
            return Some(start..start + key.len());
        }
        at += line.len();
    }
    None
}
