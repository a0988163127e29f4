//! Faults of the network, as far as a TCP proxy can do them: what each does to the bytes of a connection.
//!
//! A kind is a page: its entry in the table of kinds, its parameters, and its [`Effect`] on one direction of one
//! connection. Effects have no clock and no sockets: they are told the time, and asked about one chunk after the other.

pub mod bandwidth;
pub mod chunk;
pub mod corrupt;
pub mod effect;
pub mod latency;
pub mod limit_data;
pub mod loss;
pub mod partition;
pub mod refuse;
pub mod reset;
pub mod slice;
pub mod slow_close;
pub mod tally;
pub mod timeout;

#[cfg(test)]
mod bench_clock;

pub use tally::Counts;

use crate::plan::param::{Param, Params, Unit};
use effect::{Effect, Lot};

/// A fault of the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Toxic {
    /// Which way.
    pub way: Way,
    /// The share of the connections that are hit, from 0 to 1.
    pub toxicity: f64,
    /// What it does.
    pub does: Does,
}

/// Which directions of a connection are hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// Both.
    Both,
}

/// What a toxic does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Does {
    /// Everything comes later.
    Latency(latency::Latency),
    /// So many bytes a second.
    Bandwidth(bandwidth::Bandwidth),
    /// The end comes later.
    SlowClose(slow_close::SlowClose),
    /// Nothing comes, and what was sent is gone.
    Timeout(timeout::Timeout),
    /// The connection is reset.
    Reset(reset::Reset),
    /// Bytes come in small pieces.
    Slice(slice::Slice),
    /// The connection ends after so many bytes.
    LimitData(limit_data::LimitData),
    /// Some segments come a retransmission later, and all behind them.
    Loss(loss::Loss),
    /// Bits are flipped.
    Corrupt(corrupt::Corrupt),
    /// Nothing comes until it is over.
    Partition,
    /// No connection is accepted.
    Refuse(refuse::Existing),
}

/// Makes the effect on one direction of one connection. One for each toxic that is applied: connections that share
/// something, share it through this.
pub type Maker = Box<dyn Fn(Lot) -> Box<dyn Effect>>;

impl Toxic {
    /// What makes its effects; `None` for one that is not about bytes.
    #[must_use]
    pub fn maker(&self) -> Option<Maker> {
        Some(match self.does {
            Does::Latency(latency) => latency.maker(),
            Does::Bandwidth(bandwidth) => bandwidth.maker(),
            Does::SlowClose(slow) => slow.maker(),
            Does::Timeout(timeout) => timeout.maker(),
            Does::Reset(reset) => reset.maker(),
            Does::Slice(slice) => slice.maker(),
            Does::LimitData(limit) => limit.maker(),
            Does::Loss(loss) => loss.maker(),
            Does::Corrupt(corrupt) => corrupt.maker(),
            Does::Partition => partition::maker(),
            Does::Refuse(_) => return None,
        })
    }

    /// A toxic with the parameters that all kinds have.
    fn of(params: &Params, does: Does) -> Result<Self, String> {
        Ok(Self {
            way: Way::from_params(params)?,
            toxicity: params.share("toxicity")?,
            does,
        })
    }
}

impl Way {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(match params.text("side")? {
            "up" => Self::Up,
            "both" => Self::Both,
            _ => Self::Down,
        })
    }

    /// Whether a direction is hit.
    #[must_use]
    pub const fn hits(self, down: bool) -> bool {
        match self {
            Self::Up => !down,
            Self::Down => down,
            Self::Both => true,
        }
    }
}

const SIDES: Unit = Unit::Choice(&["up", "down", "both"]);

/// Which way, where a kind usually hits what the client reads.
const SIDE: Param = Param {
    name: "side",
    unit: SIDES,
    default: Some("down"),
    help: "up (client to server), down or both",
};

/// Which way, where a kind usually hits both.
const BOTH_SIDES: Param = Param {
    default: Some("both"),
    ..SIDE
};

/// How many connections.
const TOXICITY: Param = Param {
    name: "toxicity",
    unit: Unit::Share,
    default: Some("100%"),
    help: "the share of the connections that are hit, drawn",
};
