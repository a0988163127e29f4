//! Which messages a fault hits: the parameters that all kinds of this level have, and the decision about the n-th match.

use super::call::Call;
use super::names::{Name, Names};
use crate::dice;
use crate::plan::param::{Param, Params, Unit};

/// `method`
pub const METHOD: Param = Param {
    name: "method",
    unit: Unit::Text { max_bytes: 256 },
    default: Some("tools/call"),
    help: "requests of this method and their answers, * for all but the handshake; notifications only where named",
};
/// `tool`
pub const TOOL: Param = Param {
    name: "tool",
    unit: Unit::Text { max_bytes: 256 },
    default: Some("*"),
    help: "those about this tool, prompt or resource, * for any",
};
/// `session`
pub const SESSION: Param = Param {
    name: "session",
    unit: Unit::Text { max_bytes: 256 },
    default: None,
    help: "over HTTP, those of this session, * for all that have one",
};
/// `nth`
pub const NTH: Param = Param {
    name: "nth",
    unit: Unit::Count {
        min: 1,
        max: 1_000_000_000,
    },
    default: Some("1"),
    help: "every n-th of them",
};
/// `rate`
pub const RATE: Param = Param {
    name: "rate",
    unit: Unit::Share,
    default: Some("100%"),
    help: "each of these with this probability",
};
/// `after`
pub const AFTER: Param = Param {
    name: "after",
    unit: Unit::Count {
        min: 0,
        max: 1_000_000_000,
    },
    default: Some("0"),
    help: "the first so many that match are spared",
};
/// `first`
pub const FIRST: Param = Param {
    name: "first",
    unit: Unit::Count {
        min: 1,
        max: 1_000_000_000,
    },
    default: None,
    help: "only the first so many that match after those",
};

/// Which messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    method: String,
    tool: String,
    session: Option<String>,
    nth: u64,
    rate: f64,
    after: u64,
    first: Option<u64>,
}

impl Filter {
    /// From a fault's parameters.
    ///
    /// # Errors
    /// A sentence: one is missing.
    pub fn from_params(params: &Params) -> Result<Self, String> {
        let session = params.has("session").then(|| params.text("session"));
        let first = params.has("first").then(|| params.count("first"));
        Ok(Self {
            method: params.text("method")?.to_owned(),
            tool: params.text("tool")?.to_owned(),
            session: session.transpose()?.map(str::to_owned),
            nth: params.count("nth")?,
            rate: params.share("rate")?,
            after: params.count("after")?,
            first: first.transpose()?,
        })
    }

    /// Whether the n-th message that matches, from 1 on, is hit: a function of the seed and n alone.
    pub(super) fn chooses(&self, seed: u64, n: u64) -> bool {
        let Some(n) = n.checked_sub(self.after).filter(|n| *n > 0) else {
            return false;
        };
        self.first.is_none_or(|first| n <= first)
            && n.is_multiple_of(self.nth)
            && dice::fraction(seed, n, 0) < self.rate
    }
}

/// The same with numbers in place of names.
#[derive(Debug)]
pub(super) struct Matcher {
    /// `None`: any.
    method: Option<Name>,
    name: Option<Name>,
    /// 0: any, as long as there is one.
    session: Option<u64>,
}

impl Matcher {
    pub(super) fn new(filter: &Filter, names: &mut Names) -> Self {
        let mut asked = |text: &str| (text != "*").then(|| names.asked(text));
        Self {
            method: asked(&filter.method),
            name: asked(&filter.tool),
            session: filter.session.as_ref().map(|id| match id.as_str() {
                "*" => 0,
                id => dice::named(id).max(1),
            }),
        }
    }

    pub(super) fn matches(&self, call: &Call) -> bool {
        let method = match self.method {
            Some(method) => method == call.method,
            None => !call.notice && !call.method.is_handshake(),
        };
        let session = match self.session {
            None => true,
            Some(0) => call.session != 0,
            Some(session) => session == call.session,
        };
        method && session && self.name.is_none_or(|name| name == call.name)
    }

    /// Whether any method will do, and so also a request that carries no message.
    pub(super) fn takes_all(&self) -> bool {
        self.method.is_none() && self.name.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(nth: u64, rate: f64, after: u64, first: Option<u64>) -> Filter {
        Filter {
            method: "*".into(),
            tool: "*".into(),
            session: None,
            nth,
            rate,
            after,
            first,
        }
    }

    #[test]
    fn the_nth_match_is_hit_or_not_by_its_number_and_the_seed_alone() {
        let hits =
            |filter: Filter| -> Vec<u64> { (1..=12).filter(|n| filter.chooses(7, *n)).collect() };
        assert_eq!(hits(filter(3, 1.0, 0, None)), [3, 6, 9, 12]);
        assert_eq!(hits(filter(3, 1.0, 2, None)), [5, 8, 11]);
        assert_eq!(hits(filter(1, 1.0, 2, Some(3))), [3, 4, 5]);
        let tenth = filter(1, 0.1, 0, None);
        let all: Vec<u64> = (1..=10_000).filter(|n| tenth.chooses(7, *n)).collect();
        // Three standard deviations of a binomial distribution.
        assert!((910..=1_090).contains(&all.len()), "{}", all.len());
        let again: Vec<u64> = (1..=10_000).filter(|n| tenth.chooses(7, *n)).collect();
        assert_eq!(all, again);
        assert!((1..=100).any(|n| tenth.chooses(8, n) != tenth.chooses(7, n)));
    }

    #[test]
    fn a_star_spares_the_handshake_and_notifications_which_must_be_named() {
        let mut names = Names::default();
        let call = |names: &mut Names, method: &str, notice| Call {
            method: names.seen(method),
            notice,
            ..Call::unknown(0)
        };
        let any = Matcher::new(&filter(1, 1.0, 0, None), &mut names);
        let told = call(&mut names, "notifications/progress", true);
        assert!(any.matches(&call(&mut names, "tools/list", false)));
        assert!(!any.matches(&call(&mut names, "initialize", false)));
        assert!(!any.matches(&told));
        for method in ["initialize", "notifications/progress"] {
            let mut named = filter(1, 1.0, 0, None);
            named.method = method.into();
            let named = Matcher::new(&named, &mut names);
            let call = call(&mut names, method, method != "initialize");
            assert!(named.matches(&call));
        }
    }
}
