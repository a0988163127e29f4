//! `drip`: the answer trickles in, piece by piece.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// More pieces than this are no drip but a burden for the relay: what is left comes in the last one.
const MAX_PIECES: usize = 10_000;

/// The kind.
pub const KIND: Kind = Kind {
    name: "drip",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "answers come in small pieces; what is behind them on their connection waits",
    applies: "{rate} of the answers to {method} come in pieces of {size}, one every {pause}",
    undone_by: "answers come at once; one that trickles goes on to its end",
    build: |params| Fault::action(params, Act::Drip(Drip::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "size",
        unit: Unit::Size { max_bytes: 1 << 20 },
        default: Some("64B"),
        help: "the size of a piece",
    },
    Param {
        name: "pause",
        unit: Unit::Time { max_s: 60 },
        default: Some("10ms"),
        help: "the time from one to the next",
    },
    METHOD,
    TOOL,
    SESSION,
    NTH,
    RATE,
    AFTER,
    FIRST,
];

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drip {
    size: usize,
    pause_us: u64,
}

impl Drip {
    fn from_params(params: &Params) -> Result<Self, String> {
        let size = params.size("size")?;
        if size == 0 {
            return Err("size=0B is no piece: give size=1B or more".to_owned());
        }
        Ok(Self {
            size: usize::try_from(size).unwrap_or(usize::MAX),
            pause_us: params.time("pause")?.as_micros() as u64,
        })
    }

    pub(super) fn apply(&self, answer: &mut Answer<'_>) -> Applied {
        answer.verdict.drip = Some(*self);
        Ok(())
    }

    /// The pieces, each with the time at which it goes, counted from the first one, in microseconds.
    pub(super) fn pieces(self, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = bytes;
        let mut n = 0;
        std::iter::from_fn(move || {
            let size = match n + 1 < MAX_PIECES {
                true => self.size.min(rest.len()),
                false => rest.len(),
            };
            let (piece, behind) = rest.split_at(size);
            rest = behind;
            n += 1;
            (!piece.is_empty()).then(|| (self.pause_us * (n as u64 - 1), piece))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_and_not_too_many() {
        let drip = Drip {
            size: 2,
            pause_us: 10,
        };
        let all: Vec<_> = drip.pieces(b"abcde").collect();
        assert_eq!(all, [(0, &b"ab"[..]), (10, b"cd"), (20, b"e")]);
        let much = vec![0; 1 << 20];
        let all: Vec<_> = drip.pieces(&much).collect();
        assert_eq!(all.len(), MAX_PIECES);
        assert_eq!(
            all.iter().map(|(_, piece)| piece.len()).sum::<usize>(),
            much.len()
        );
    }
}
