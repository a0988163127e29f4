//! `limit_data`: the connection is closed after so many bytes.

use super::chunk::{Chunk, Item};
use super::effect::{Effect, How, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "limit_data",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "closes a connection after so many bytes",
    applies: "the end of {toxicity} of the connections after {size} that went {side} since the fault began",
    undone_by: "the proxy, which lets connections live again",
    build: |params| {
        let limit = LimitData::from_params(params)?;
        Toxic::of(params, Does::LimitData(limit)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "size",
        unit: Unit::Size { max_bytes: 1 << 40 },
        default: None,
        help: "how much passes",
    },
    SIDE,
    TOXICITY,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitData {
    /// Bytes that pass.
    pub bytes: u64,
}

impl LimitData {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            bytes: params.size("size")?,
        })
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |lot| {
            Box::new(Quota {
                left: self.bytes,
                last_us: lot.since_us,
            })
        })
    }
}

struct Quota {
    left: u64,
    last_us: u64,
}

impl Effect for Quota {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        if !matches!(head.item, Item::Bytes(_)) {
            return Verdict::whole(head, head.at_us);
        }
        let len = (head.len() as u64).min(self.left);
        if len == 0 {
            // Not reached: it closes before it is asked.
            return Verdict::Swallow;
        }
        self.left -= len;
        self.last_us = self.last_us.max(head.at_us);
        if self.left == 0 {
            moment.tally.add("connections_cut", 1);
        }
        Verdict::Pass {
            len: len as usize,
            at_us: head.at_us,
        }
    }

    fn closes(&self) -> Option<(u64, How)> {
        (self.left == 0).then_some((self.last_us, How::Close))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    #[test]
    fn exactly_so_many_bytes_pass() {
        let mut bench = Bench::new(&LimitData { bytes: 7 }.maker(), 7);
        bench.give(10, b"12345");
        bench.give(20, b"67890");
        let out = bench.run();
        assert_eq!(out, [(10, b"12345".to_vec()), (20, b"67".to_vec())]);
        assert_eq!(bench.closed, Some((20, How::Close)));
        assert_eq!(bench.counts()["connections_cut"], 1);
    }
}
