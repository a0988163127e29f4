//! `slow_close`: bytes pass, the end of the stream comes later.

use super::chunk::{Chunk, Item};
use super::effect::{Effect, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "slow_close",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "delays the end of a connection, and nothing else",
    applies: "{delay} of delay for the end of what goes {side}, on {toxicity} of the connections",
    undone_by: "the proxy, which lets ends that wait go at once",
    build: |params| {
        let slow = SlowClose::from_params(params)?;
        Toxic::of(params, Does::SlowClose(slow)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "delay",
        unit: Unit::Time { max_s: 3_600 },
        default: Some("1s"),
        help: "how much later the FIN is passed on",
    },
    SIDE,
    TOXICITY,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowClose {
    /// In µs.
    pub delay_us: u64,
}

impl SlowClose {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            delay_us: params.time("delay")?.as_micros() as u64,
        })
    }

    pub(super) fn maker(self) -> Maker {
        Box::new(move |_| Box::new(self))
    }
}

impl Effect for SlowClose {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        if head.item != Item::End {
            return Verdict::whole(head, head.at_us);
        }
        let due_us = head.at_us + self.delay_us;
        if due_us > moment.now_us {
            return Verdict::Wait(due_us);
        }
        moment.tally.add("ends_delayed", 1);
        Verdict::whole(head, due_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;

    #[test]
    fn bytes_go_at_once_and_the_end_comes_later() {
        let slow = SlowClose { delay_us: 500_000 };
        let mut bench = Bench::new(&slow.maker(), 7);
        bench.give(1_000, b"last words");
        bench.end(1_000, Item::End);
        assert_eq!(bench.run_at(1_000), [(1_000, b"last words".to_vec())]);
        assert_eq!(bench.ends, []);
        bench.run();
        assert_eq!(bench.ends, [(501_000, Item::End)]);
    }
}
