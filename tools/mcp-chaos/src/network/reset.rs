//! `reset`: the connection is reset on both sides, at once or after a while.

use super::chunk::Chunk;
use super::effect::{Effect, How, Lot, Moment, Verdict};
use super::{Does, Maker, TOXICITY, Toxic, Way};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "reset",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "resets connections (RST), those that there are and those that come",
    applies: "RST to both ends of {toxicity} of the connections, {after} after their begin or that of the fault",
    undone_by: "the proxy, which lets connections live again",
    build: |params| {
        Ok(Action::Network(Toxic {
            way: Way::Down,
            toxicity: params.share("toxicity")?,
            does: Does::Reset(Reset::from_params(params)?),
        }))
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "after",
        unit: Unit::Time { max_s: 3_600 },
        default: Some("0s"),
        help: "how long a connection lives, from its begin or that of the fault",
    },
    TOXICITY,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// In µs.
    pub after_us: u64,
}

impl Reset {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            after_us: params.time("after")?.as_micros() as u64,
        })
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |lot: Lot| {
            Box::new(Fuse {
                at_us: lot.since_us + self.after_us,
            })
        })
    }
}

struct Fuse {
    at_us: u64,
}

impl Effect for Fuse {
    fn look(&mut self, head: &mut Chunk, _: &Moment) -> Verdict {
        Verdict::whole(head, head.at_us)
    }

    fn closes(&self) -> Option<(u64, How)> {
        Some((self.at_us, How::Reset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    #[test]
    fn bytes_pass_until_it_is_time() {
        let reset = Reset { after_us: 10_000 };
        let mut bench = Bench::new(&reset.maker(), 7);
        bench.give(9_000, b"in time");
        assert_eq!(bench.run_at(9_000).len(), 1);
        bench.give(10_000, b"too late");
        assert_eq!(bench.run_at(10_000), []);
        assert_eq!(bench.closed, Some((10_000, How::Reset)));
    }
}
