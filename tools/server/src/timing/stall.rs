//! Windows in which no answer leaves the server, written `1s/10s`: the last second of every ten.

use std::str::FromStr;
use std::time::Duration;

use super::SpecError;

/// All answers are held for `held` in every `every`.
///
/// With `t` = the server's start on CLOCK_MONOTONIC (first line of the truth file), the windows are
/// `[t + k·every + every − held, t + (k+1)·every)` for k = 0, 1, …: the first one comes at the end of
/// the first period, so that a client finds a server that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// How long a window lasts; shorter than `every`.
    pub held: Duration,
    /// From the end of one window to the end of the next.
    pub every: Duration,
}

impl Stall {
    /// When an answer that is done at `done_ns` leaves; `start_ns` is the server's start.
    pub(crate) fn release_ns(self, start_ns: u64, done_ns: u64) -> u64 {
        let (held, every) = (self.held.as_nanos() as u64, self.every.as_nanos() as u64);
        let into = done_ns.saturating_sub(start_ns) % every;
        if into >= every - held {
            done_ns + (every - into)
        } else {
            done_ns
        }
    }
}

impl FromStr for Stall {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        text.split_once('/')
            .and_then(|(held, every)| {
                let held = record::units::duration(held).ok()?;
                let every = record::units::duration(every).ok()?;
                (held < every && !held.is_zero()).then_some(Self { held, every })
            })
            .ok_or_else(|| SpecError {
                text: text.to_owned(),
                what: "stall",
                expected: "write 1s/10s: held for 1 s in every 10 s, the first shorter than the second",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Stall;

    #[test]
    fn an_answer_done_in_the_window_leaves_at_its_end_and_any_other_at_once() {
        let stall: Stall = "1s/10s".parse().unwrap();
        const S: u64 = 1_000_000_000;
        let start = 5 * S;
        for (done, leaves) in [
            (0, 0),
            (8, 8),
            (9, 10),
            (10, 10),
            (18, 18),
            (19, 20),
            (25, 25),
        ] {
            assert_eq!(
                stall.release_ns(start, start + done * S),
                start + leaves * S,
                "done at {done} s"
            );
        }
        assert_eq!(
            stall.release_ns(start, start + 9 * S - 1),
            start + 9 * S - 1
        );
        assert_eq!(stall.release_ns(start, start + 10 * S - 1), start + 10 * S);
    }

    #[test]
    fn a_window_as_long_as_its_period_is_refused() {
        for text in ["10s/10s", "1s", "0s/1s", "1s/0s", "a/b"] {
            assert!(text.parse::<Stall>().is_err(), "{text}");
        }
    }
}
