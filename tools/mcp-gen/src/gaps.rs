//! The gaps between the calls of a Poisson process: thrown by dice for each index, and added up on the way.

use crate::dice;

/// Beats are counted in this many parts. With whole numbers a sum is the same from whichever side it is reached, so an
/// instant stays a function of (seed, client, index); and 2^64 of these are 10^12 calls of one client.
const PARTS: f64 = (1u64 << 24) as f64;
/// Keeps these throws apart from those that choose what is called.
const SALT: u64 = 0x706f_6973_736f_6e21;

/// The calls of a client in beats, one a beat on average, with gaps that are exponentially distributed.
///
/// The place of a call is the sum of all gaps up to it. Calls come due one after the other, so two marks suffice: one at
/// those that come due, one at those that wait, each a gap away from the next that is asked for. A client that
/// connects late is the only one to jump; that costs 10 ns for each call that it has missed.
#[derive(Clone, Debug)]
pub struct Gaps {
    seed: u64,
    client: u64,
    ahead: Mark,
    behind: Mark,
}

/// A call whose place is known, in parts of a beat.
#[derive(Clone, Copy, Debug)]
struct Mark {
    index: u64,
    at: u64,
}

impl Gaps {
    /// Those of a client.
    #[must_use]
    pub fn new(seed: u64, client: u32) -> Self {
        let nowhere = Mark { index: 0, at: 0 };
        let mut gaps = Self {
            seed: seed ^ SALT,
            client: u64::from(client),
            ahead: nowhere,
            behind: nowhere,
        };
        let first = Mark {
            index: 0,
            at: gaps.gap(0),
        };
        (gaps.ahead, gaps.behind) = (first, first);
        gaps
    }

    /// The place of a call, in beats.
    pub fn beat(&mut self, index: u64) -> f64 {
        self.ahead = self.walk(self.ahead, index);
        self.ahead.at as f64 / PARTS
    }

    /// The same, for calls far behind those that come due.
    pub fn beat_behind(&mut self, index: u64) -> f64 {
        let far = |mark: Mark| mark.index.abs_diff(index);
        let from = if far(self.ahead) < far(self.behind) {
            self.ahead
        } else {
            self.behind
        };
        self.behind = self.walk(from, index);
        self.behind.at as f64 / PARTS
    }

    /// The first call that lies at `beats` or later, give or take the rounding of `beats`.
    pub fn first_from(&mut self, beats: f64) -> u64 {
        let wanted = (beats * PARTS) as u64;
        let mut mark = self.ahead;
        while mark.at >= wanted && mark.index > 0 {
            mark = self.walk(mark, mark.index - 1);
        }
        while mark.at < wanted {
            mark = self.walk(mark, mark.index + 1);
        }
        self.ahead = mark;
        mark.index
    }

    fn walk(&self, mut mark: Mark, index: u64) -> Mark {
        while mark.index < index {
            mark.index += 1;
            mark.at = mark.at.saturating_add(self.gap(mark.index));
        }
        while mark.index > index {
            mark.at -= self.gap(mark.index);
            mark.index -= 1;
        }
        mark
    }

    fn gap(&self, index: u64) -> u64 {
        // 1 - u lies above 0, and the largest gap is 37 beats.
        let u = 1.0 - dice::fraction(self.seed, self.client, index);
        (-u.ln() * PARTS).round() as u64
    }
}
