//! `bandwidth`: so many bytes a second, each connection for itself or all of a target together.

use super::chunk::Chunk;
use super::effect::{Effect, Moment, Verdict};
use super::{Does, Maker, SIDE, TOXICITY, Toxic};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};
use std::cell::Cell;
use std::rc::Rc;

/// The kind.
pub const KIND: Kind = Kind {
    name: "bandwidth",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: true,
    params: PARAMS,
    help: "lets so many bytes a second through",
    applies: "{rate} for each {per}, for what goes {side}, on {toxicity} of the connections",
    undone_by: "the proxy, which lets what it still holds go at once",
    build: |params| {
        let bandwidth = Bandwidth::from_params(params)?;
        Toxic::of(params, Does::Bandwidth(bandwidth)).map(Action::Network)
    },
};

const PARAMS: &[Param] = &[
    Param {
        name: "rate",
        unit: Unit::Throughput,
        default: None,
        help: "how much, in each direction that is hit",
    },
    Param {
        name: "per",
        unit: Unit::Choice(&["connection", "target"]),
        default: Some("connection"),
        help: "whether each connection has it for itself, or all of a target share it",
    },
    SIDE,
    TOXICITY,
];

/// A piece takes so long to send at most: a slow line delivers a drop now and then, not a bucket once a second.
const PIECE_NS: f64 = 5e6;
/// No piece is larger, however fast the line is.
const PIECE_BYTES: f64 = 64.0 * 1024.0;
/// So much of what could have been sent may be made up for, after the reader or this process was late. Without a limit
/// a reader that stood still for a minute would be sent a minute's worth at once.
const MADE_UP_NS: u64 = 250_000_000;

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bytes per second.
    pub rate: u64,
    /// All connections of a target share it.
    pub shared: bool,
}

impl Bandwidth {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            rate: params.throughput("rate")?,
            shared: params.text("per")? == "target",
        })
    }

    pub(super) fn maker(self) -> Maker {
        let lines: [Rc<Cell<u64>>; 2] = Default::default();
        Box::new(move |lot| {
            let line = if self.shared {
                Rc::clone(&lines[usize::from(lot.down)])
            } else {
                Rc::default()
            };
            Box::new(Line {
                rate: self.rate as f64,
                free_ns: line,
                sending: None,
            })
        })
    }
}

/// A line that is busy while it sends. In nanoseconds, since a microsecond is a kilobyte at 1 GB/s.
struct Line {
    rate: f64,
    /// When it has sent all that it was given.
    free_ns: Rc<Cell<u64>>,
    /// The piece of the head that is on the line: its bytes, and when it will have been sent.
    sending: Option<(usize, u64)>,
}

impl Line {
    fn send(&self, head: &Chunk, moment: &Moment) -> (usize, u64) {
        let ns_per_byte = 1e9 / self.rate * moment.strength;
        let piece = (PIECE_NS / ns_per_byte).clamp(1.0, PIECE_BYTES) as usize;
        let len = head.len().min(piece);
        let begin_ns = (head.at_us * 1_000)
            .max(self.free_ns.get())
            .max((moment.now_us * 1_000).saturating_sub(MADE_UP_NS));
        (len, begin_ns + (len as f64 * ns_per_byte) as u64)
    }
}

impl Effect for Line {
    fn look(&mut self, head: &mut Chunk, moment: &Moment) -> Verdict {
        let (len, sent_ns) = match self.sending {
            Some(sending) => sending,
            None => self.send(head, moment),
        };
        self.sending = Some((len, sent_ns));
        self.free_ns.set(self.free_ns.get().max(sent_ns));
        // Up to the next microsecond, which is a rounding of this piece only: the line is free at its nanosecond.
        let at_us = sent_ns.div_ceil(1_000);
        if at_us > moment.now_us {
            return Verdict::Wait(at_us);
        }
        self.sending = None;
        moment.tally.add("bytes_slowed", len as u64);
        Verdict::Pass { len, at_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bench_clock::Bench;
    use crate::network::effect::{Dice, Lot};
    use crate::network::tally::Tally;

    const MEGABYTE: Bandwidth = Bandwidth {
        rate: 1_000_000,
        shared: false,
    };

    #[test]
    fn a_megabyte_a_second_is_a_megabyte_a_second_in_small_pieces() {
        let mut bench = Bench::new(&MEGABYTE.maker(), 7);
        for _ in 0..160 {
            bench.give(0, &[0; 65_536]);
        }
        let out = bench.run();
        let (last_us, bytes) = (
            out.last().unwrap().0,
            out.iter().map(|(_, b)| b.len() as u64).sum::<u64>(),
        );
        assert_eq!(bytes, 160 * 65_536);
        assert!(last_us.abs_diff(bytes) <= 2, "1 byte is 1 µs: {last_us}");
        assert!(out.iter().all(|(_, bytes)| bytes.len() <= 5_000));
        assert!(out.windows(2).all(|w| w[1].0 - w[0].0 <= 5_001));
    }

    #[test]
    fn an_idle_line_saves_nothing_up_and_a_late_waking_is_made_up_for() {
        let mut bench = Bench::new(&MEGABYTE.maker(), 7);
        bench.give(10_000_000, &[0; 1_000]);
        assert_eq!(bench.run_at(10_000_000), []);
        assert_eq!(bench.run_at(10_001_000).len(), 1);
        bench.give(20_000_000, &[0; 50_000]);
        bench.run_at(20_000_000);
        let late: usize = bench.run_at(20_030_000).iter().map(|(_, b)| b.len()).sum();
        assert_eq!(late, 30_000);
    }

    #[test]
    fn a_reader_that_stood_still_for_a_minute_is_not_sent_a_minutes_worth() {
        let mut bench = Bench::new(&MEGABYTE.maker(), 7);
        bench.give(0, &[0; 2_000_000]);
        bench.run_at(0);
        let out: usize = bench.run_at(60_000_000).iter().map(|(_, b)| b.len()).sum();
        assert!((250_000..=260_000).contains(&out), "{out}");
    }

    #[test]
    fn connections_of_one_target_share_a_line_where_that_was_asked_for() {
        for (shared, last_us) in [(false, 5_000), (true, 10_000)] {
            let maker = Bandwidth {
                rate: 1_000_000,
                shared,
            }
            .maker();
            let tally = Tally::default();
            let mut latest = 0;
            for connection in 1..=2 {
                let mut effect = maker(Lot {
                    dice: Dice::new(7, connection, true),
                    down: true,
                    since_us: 0,
                });
                let mut head = Chunk::bytes(0, vec![0; 5_000]);
                let moment = Moment {
                    now_us: 0,
                    strength: 1.0,
                    tally: &tally,
                };
                let Verdict::Wait(at_us) = effect.look(&mut head, &moment) else {
                    panic!("it takes no time");
                };
                latest = latest.max(at_us);
            }
            assert_eq!(latest, last_us);
        }
    }
}
