//! `timeout`: a black hole: what is sent is taken and gone; the connection may end after a while.

use super::chunk::Chunk;
use super::effect::{Effect, How, Lot, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "timeout",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "swallows all bytes, and closes the connection after a while",
    applies: "a black hole for what goes {side}, on {toxicity} of the connections; each is closed after {after} (0s: never)",
    undone_by: "the proxy; connections of which something was swallowed are reset, since their streams have holes",
    build: |params| {
        let timeout = Timeout::from_params(params)?;
        Toxic::of(params, Does::Timeout(timeout)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "after",
        unit: Unit::Time { max_s: 3_600 },
        default: Some("0s"),
        help: "when a connection is closed, from its begin or that of the fault; 0s for never",
    },
    SIDE,
    TOXICITY,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// In µs; 0 for never.
    pub after_us: u64,
}

impl Timeout {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            after_us: params.time("after")?.as_micros() as u64,
        })
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |lot: Lot| {
            Box::new(Hole {
                closes_us: (self.after_us > 0).then(|| lot.since_us + self.after_us),
                has_swallowed: false,
            })
        })
    }
}

struct Hole {
    closes_us: Option<u64>,
    has_swallowed: bool,
}

impl Effect for Hole {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        self.has_swallowed = true;
        moment.tally.add("bytes_dropped", head.len() as u64);
        Verdict::Swallow
    }

    fn closes(&self) -> Option<(u64, How)> {
        self.closes_us.map(|at_us| (at_us, How::Close))
    }

    /// By RST: a reader that takes the end of the connection for the end of an answer must not be told so.
    fn leaves(&self) -> Option<How> {
        self.has_swallowed.then_some(How::Reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;
    use crate::network::chunk::Item;

    #[test]
    fn nothing_comes_out_and_only_what_has_no_hole_may_go_on() {
        let mut bench = Bench::new(&Timeout { after_us: 0 }.maker(), 7);
        assert_eq!(bench.leaves(), None);
        bench.give(5, b"lost");
        bench.end(6, Item::End);
        assert_eq!(bench.run(), []);
        assert_eq!((bench.closed, &bench.ends[..]), (None, &[][..]));
        assert_eq!(bench.leaves(), Some(How::Reset));
        assert_eq!(bench.counts()["bytes_dropped"], 4);
    }

    #[test]
    fn it_closes_after_its_time_without_a_byte() {
        let timeout = Timeout { after_us: 300_000 };
        let mut bench = Bench::new(&timeout.maker(), 7);
        bench.run_at(299_999);
        assert_eq!(bench.closed, None);
        bench.run_at(300_000);
        assert_eq!(bench.closed, Some((300_000, How::Close)));
    }
}
