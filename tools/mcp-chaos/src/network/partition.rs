//! `partition`: nothing passes until it is over, and then everything does.
//!
//! Bytes are not even read, so they stay with the kernels of both ends, and flow resumes when the fault is over, as after
//! a real partition that was shorter than the patience of TCP (a quarter of an hour in Linux). A real one loses segments,
//! which are sent again; neither end can tell the difference. A new connection is accepted, which a real partition would
//! not do, but nobody is asked at the other end until it is over; one whose client has given up by then is forgotten.

use super::chunk::Chunk;
use super::effect::{Effect, Moment, Verdict};
use super::{BOTH_SIDES, Does, Maker, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::Param;

/// The kind.
pub const KIND: Kind = Kind {
    name: "partition",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::One,
    ramps: false,
    params: PARAMS,
    help: "lets nothing through, and nobody connect; what was sent meanwhile arrives when it is over",
    applies: "no byte passes for what goes {side}, on {toxicity} of the connections, and new ones reach nobody",
    undone_by: "the proxy, which lets everything flow again",
    build: |params| Toxic::of(params, Does::Partition).map(Action::Network),
};

const PARAMS: &[Param] = &[BOTH_SIDES, TOXICITY];

pub(super) fn maker() -> Maker {
    Box::new(|_| Box::new(Wall))
}

struct Wall;

impl Effect for Wall {
    fn look(&mut self, _: &mut Chunk, _: &Moment) -> Verdict {
        Verdict::Hold
    }

    fn stops_reading(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    #[test]
    fn it_holds_and_spoils_nothing() {
        let mut bench = Bench::new(&maker(), 7);
        bench.give(5, b"waits");
        assert_eq!(bench.run(), []);
        assert_eq!((bench.closed, bench.leaves()), (None, None));
    }
}
