//! To which resources the clients of a profile subscribe, and how many of them do.

use super::unit;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// More subscriptions of one client than this are refused by the reference server, and wanted by nobody.
pub const MOST: usize = 1_000;

/// The resources that clients want to hear of.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribe {
    /// URIs; `*` stands for any characters.
    pub resources: Vec<String>,
    /// How many of those each client subscribes to, from 1 to [`MOST`].
    pub count: usize,
    /// The share of the clients, from 0 to 1.
    pub share: f64,
}

impl Default for Subscribe {
    /// All clients, to all resources.
    fn default() -> Self {
        Self {
            resources: vec!["*".to_owned()],
            count: MOST,
            share: 1.0,
        }
    }
}

impl Subscribe {
    /// Whether a resource is one of those.
    #[must_use]
    pub fn wants(&self, uri: &str) -> bool {
        self.resources.iter().any(|pattern| fits(pattern, uri))
    }
}

/// Whether a text is what a pattern says: each `*` is any characters, or none.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, mut pattern)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    // Taking each piece at its first place leaves most for those that follow.
    while let Some((piece, rest)) = pattern.split_once('*') {
        match text.split_once(piece) {
            Some((_, behind)) => (text, pattern) = (behind, rest),
            None => return false,
        }
    }
    text.ends_with(pattern)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    resources: Option<Patterns>,
    count: Option<usize>,
    #[serde(default = "all", deserialize_with = "unit::share")]
    share: f64,
}

fn all() -> f64 {
    1.0
}

impl<'de> Deserialize<'de> for Subscribe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table {
            resources,
            count,
            share,
        } = Table::deserialize(deserializer)?;
        let resources = match resources {
            None => Self::default().resources,
            Some(Patterns::One(pattern)) => vec![pattern],
            Some(Patterns::Several(patterns)) => patterns,
        };
        let count = count.unwrap_or(MOST);
        if count == 0 || count > MOST || resources.is_empty() {
            return Err(D::Error::custom(format!(
                "subscribe needs resources = \"PATTERN\" and a count from 1 to {MOST}"
            )));
        }
        Ok(Self {
            resources,
            count,
            share,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters_or_none() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "a", false),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("*b*b", "ab", false),
            ("a*b*c", "a1b2b3c", true),
            ("file:///x", "file:///x", true),
            ("file:///x", "file:///xy", false),
            ("mcpipe://text/*", "mcpipe://bytes/1", false),
        ] {
            assert_eq!(fits(pattern, text), is, "{pattern} {text}");
        }
    }
}
