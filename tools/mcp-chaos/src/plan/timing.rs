//! When a fault comes and how long it stays: once, again and again, or at random, always the same for the same seed.

use super::kind::{Kind, Lasts};
use super::range::Range;
use crate::dice;
use record::units::duration;
use std::time::Duration;

/// How long a fault stays that does not say it.
pub const USUAL_LENGTH: Duration = Duration::from_secs(30);
/// The longest that one may stay.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// Faults of one kind may follow each other this fast.
const SHORTEST_EVERY: Duration = Duration::from_millis(10);
/// As many times one fault may come.
const MOST_TIMES: u64 = 100_000;

/// What times count from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anchor {
    /// The instant of `ready`.
    T0,
    /// The first byte through the proxy; only upstream of mcp-gen.
    Traffic,
    /// The begin of a stage, by its name; only behind mcp-gen.
    Stage(String),
}

/// When a fault comes, how often, and how long it stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// What its times count from.
    pub anchor: Anchor,
    start: Range,
    length: Option<Range>,
    every: Option<Range>,
    times: Option<u64>,
    until: Option<Duration>,
    /// Over this time it grows to its full strength.
    pub ramp: Duration,
}

/// One coming of a fault, in microseconds from its anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its place among the comings of its fault, from 1.
    pub nth: u64,
    /// Its begin.
    pub start_us: u64,
    /// How long it stays; for what happens at an instant, how long it is waited for.
    pub length_us: u64,
}

impl Timing {
    /// Reads `20s`, `10s..60s`, `traffic`, `steady+10s`.
    ///
    /// # Errors
    /// A sentence on what may be written.
    pub fn at(text: &str) -> Result<Self, String> {
        let (anchor, start) = match text.split_once('+') {
            Some((name, offset)) => (anchor(name)?, offset),
            None if text.starts_with(|c: char| c.is_ascii_alphabetic()) => (anchor(text)?, "0s"),
            None => (Anchor::T0, text),
        };
        Ok(Self {
            anchor,
            start: Range::parse(start)?,
            length: None,
            every: None,
            times: None,
            until: None,
            ramp: Duration::ZERO,
        })
    }

    /// Sets how long it stays.
    ///
    /// # Errors
    /// A sentence: no duration, 0, or over a day.
    pub fn set_length(&mut self, text: &str) -> Result<(), String> {
        let length = Range::parse(text)?;
        if length.low.is_zero() || length.high > LONGEST {
            return Err(format!(
                "+{text}: a fault stays for more than 0 s and at most 24h"
            ));
        }
        self.length = Some(length);
        Ok(())
    }

    /// Takes in one of `every`, `times`, `until` and `ramp`.
    ///
    /// # Errors
    /// A sentence on what may be written.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
        match key {
            "every" => {
                let every = Range::parse(text)?;
                if every.low < SHORTEST_EVERY {
                    return Err("every= needs 10ms at least".to_owned());
                }
                self.every = Some(every);
            }
            "times" => {
                let times = text.parse().ok().filter(|n| (1..=MOST_TIMES).contains(n));
                self.times = Some(times.ok_or_else(|| {
                    format!("times={text}: give a number from 1 to {MOST_TIMES}")
                })?);
            }
            "until" => self.until = Some(duration(text).map_err(|e| e.to_string())?),
            _ => self.ramp = duration(text).map_err(|e| e.to_string())?,
        }
        Ok(())
    }

    /// Sees that all of it fits together and the kind.
    ///
    /// # Errors
    /// A sentence with what to change.
    pub fn check(&self, kind: &Kind) -> Result<(), String> {
        let name = kind.name;
        match (kind.lasts, self.length) {
            (Lasts::Instant, Some(_)) => {
                return Err(format!(
                    "{name} happens at an instant: leave its duration away"
                ));
            }
            (Lasts::Window, None) if self.every.is_some() || self.times.is_some() => {
                return Err(format!(
                    "{name} comes several times: say how long it stays each time, as in {name}:every=10s@5s+2s"
                ));
            }
            _ => {}
        }
        let longest = self.longest(kind.lasts);
        match self.every {
            Some(every) if kind.lasts == Lasts::Window && longest >= every.low => {
                return Err(format!(
                    "{name} would begin again before it has ended: make every= longer than its duration"
                ));
            }
            None if self.until.is_some() => {
                return Err("until= says when every= stops: give every=TIME, too".to_owned());
            }
            None if self.times.is_some_and(|n| n > 1) => {
                let room = self.start.high - self.start.low;
                let needs = longest.saturating_mul(self.times.unwrap_or(1) as u32);
                if !self.start.is_drawn() || (kind.lasts == Lasts::Window && needs > room) {
                    return Err(format!(
                        "times= needs every=TIME, or a range with room for all of them to be drawn from: {name}:times=3@10s..60s"
                    ));
                }
            }
            _ => {}
        }
        if !self.ramp.is_zero() && (!kind.ramps || self.ramp > self.shortest()) {
            return Err(if kind.ramps {
                "ramp= is longer than the fault stays: make it shorter".to_owned()
            } else {
                format!("{name} is there or not, and cannot grow: leave ramp= away")
            });
        }
        Ok(())
    }

    /// Whether it may come more than once.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.every.is_some() || self.times.is_some_and(|n| n > 1)
    }

    /// The time of the earliest coming, from the anchor.
    #[must_use]
    pub fn earliest(&self) -> Duration {
        self.start.low
    }

    fn longest(&self, lasts: Lasts) -> Duration {
        match (lasts, self.length) {
            (Lasts::Instant, _) => Duration::ZERO,
            (Lasts::Window, length) => length.map_or(USUAL_LENGTH, |l| l.high),
        }
    }

    fn shortest(&self) -> Duration {
        self.length.map_or(USUAL_LENGTH, |l| l.low)
    }

    /// All comings in their order, drawn for the `fault`-th fault of the plan.
    #[must_use]
    pub fn windows(&self, seed: u64, fault: u64) -> Windows {
        let mut windows = Windows {
            seed: dice::throw(seed, fault, u64::MAX),
            timing: self.clone(),
            drawn: Vec::new(),
            nth: 0,
            last_us: 0,
        };
        if self.every.is_none() && self.times.is_some_and(|n| n > 1) {
            windows.draw_all();
        }
        windows
    }

    /// For people: `at 20 s for 10 s`.
    #[must_use]
    pub fn shown(&self, lasts: Lasts) -> String {
        let from = match &self.anchor {
            Anchor::T0 => String::new(),
            Anchor::Traffic => " after the first byte of traffic".to_owned(),
            Anchor::Stage(stage) => format!(" after the begin of {stage}"),
        };
        let mut text = format!("at {}{from}", range(self.start));
        if let Some(every) = self.every {
            text += &format!(", every {}", range(every));
        }
        if let Some(times) = self.times {
            text += &format!(", {times} times");
        }
        if let Some(until) = self.until {
            text += &format!(", until {}", time(until));
        }
        if lasts == Lasts::Window {
            let usual = Range {
                low: USUAL_LENGTH,
                high: USUAL_LENGTH,
            };
            text += &format!(", for {}", range(self.length.unwrap_or(usual)));
        }
        if !self.ramp.is_zero() {
            text += &format!(", growing for {}", time(self.ramp));
        }
        text
    }
}

/// The comings of one fault, one after the other.
#[derive(Debug)]
pub struct Windows {
    seed: u64,
    timing: Timing,
    /// Where all lie at random within one range: all of them, the last one first.
    drawn: Vec<u64>,
    nth: u64,
    last_us: u64,
}

impl Windows {
    fn length_us(&self, nth: u64) -> u64 {
        let usual = Range {
            low: USUAL_LENGTH,
            high: USUAL_LENGTH,
        };
        self.timing
            .length
            .unwrap_or(usual)
            .draw_us(self.seed, nth, 2)
    }

    /// Begins at random, and none before the one ahead of it has ended: the lengths are taken out of the range, the
    /// begins drawn and sorted in what is left, and the lengths put back between them.
    fn draw_all(&mut self) {
        let Range { low, high } = self.timing.start;
        let times = self.timing.times.unwrap_or(1);
        let is_window = self.timing.length.is_some();
        let lengths: Vec<u64> = (1..=times)
            .map(|n| if is_window { self.length_us(n) } else { 0 })
            .collect();
        let room = (high - low).saturating_sub(Duration::from_micros(lengths.iter().sum()));
        let within = Range {
            low,
            high: low + room,
        };
        let mut begins: Vec<u64> = (1..=times)
            .map(|n| within.draw_us(self.seed, n, 1))
            .collect();
        begins.sort_unstable();
        let mut before = 0;
        for (begin, length) in begins.iter_mut().zip(&lengths) {
            *begin += before;
            before += length;
        }
        begins.reverse();
        self.drawn = begins;
    }
}

impl Iterator for Windows {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let nth = self.nth + 1;
        let timing = &self.timing;
        let start_us = match (timing.every, self.nth) {
            (None, _) if timing.times.is_some_and(|n| n > 1) => self.drawn.pop()?,
            (None, 1..) => return None,
            (_, 0) => timing.start.draw_us(self.seed, nth, 1),
            (Some(every), _) => self.last_us + every.draw_us(self.seed, nth, 1),
        };
        let is_late = timing
            .until
            .is_some_and(|until| start_us > until.as_micros() as u64);
        if is_late || nth > timing.times.unwrap_or(MOST_TIMES) {
            return None;
        }
        (self.nth, self.last_us) = (nth, start_us);
        Some(Window {
            nth,
            start_us,
            length_us: self.length_us(nth),
        })
    }
}

fn anchor(name: &str) -> Result<Anchor, String> {
    let is_name = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match name {
        "t0" => Ok(Anchor::T0),
        "traffic" => Ok(Anchor::Traffic),
        _ if is_name => Ok(Anchor::Stage(name.to_owned())),
        _ => Err(format!(
            "@{name} is no instant: write @20s, @10s..60s, @traffic+5s or @steady+10s"
        )),
    }
}

fn range(range: Range) -> String {
    if range.is_drawn() {
        format!("{} to {}", time(range.low), time(range.high))
    } else {
        time(range.low)
    }
}

/// A time for people: `20 s`, `250 ms`.
pub fn time(time: Duration) -> String {
    match time.as_micros() {
        us @ 1..1_000_000 if us % 1_000 == 0 => format!("{} ms", us / 1_000),
        us => format!("{} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::kind;

    fn timing(at: &str, length: Option<&str>, set: &[(&str, &str)]) -> Timing {
        let mut timing = Timing::at(at).unwrap();
        if let Some(length) = length {
            timing.set_length(length).unwrap();
        }
        for (key, text) in set {
            timing.set(key, text).unwrap();
        }
        timing
    }

    fn all(timing: &Timing, seed: u64) -> Vec<(u64, u64)> {
        timing
            .windows(seed, 1)
            .map(|w| (w.start_us / 1_000, w.length_us / 1_000))
            .collect()
    }

    #[test]
    fn once_again_and_again_and_until_a_time() {
        assert_eq!(all(&timing("20s", Some("10s"), &[]), 7), [(20_000, 10_000)]);
        assert_eq!(all(&timing("20s", None, &[]), 7), [(20_000, 30_000)]);
        let every = timing("5s", Some("1s"), &[("every", "10s"), ("times", "3")]);
        assert_eq!(
            all(&every, 7),
            [(5_000, 1_000), (15_000, 1_000), (25_000, 1_000)]
        );
        let until = timing("5s", Some("1s"), &[("every", "10s"), ("until", "26s")]);
        assert_eq!(all(&until, 7).len(), 3);
    }

    #[test]
    fn windows_at_random_lie_in_their_range_apart_and_are_the_seeds_own() {
        let three = timing("10s..60s", Some("2s..5s"), &[("times", "8")]);
        three.check(kind::named("pause").unwrap()).unwrap();
        for seed in 0..100 {
            let drawn = all(&three, seed);
            assert_eq!(drawn, all(&three, seed));
            assert_eq!(drawn.len(), 8);
            assert!(
                drawn[0].0 >= 10_000 && drawn[7].0 + drawn[7].1 <= 60_001,
                "{drawn:?}"
            );
            assert!(
                drawn.windows(2).all(|w| w[0].0 + w[0].1 <= w[1].0 + 1),
                "{drawn:?}"
            );
        }
        assert_ne!(all(&three, 1), all(&three, 2));
        let jittered = timing("1s", None, &[("every", "8s..12s"), ("times", "50")]);
        let gaps: Vec<u64> = all(&jittered, 7)
            .windows(2)
            .map(|w| w[1].0 - w[0].0)
            .collect();
        assert!(
            gaps.iter().all(|g| (8_000..=12_000).contains(g)) && gaps[0] != gaps[1],
            "{gaps:?}"
        );
    }

    #[test]
    fn anchors_have_names_and_what_is_no_instant_is_told() {
        let anchor = |text| Timing::at(text).map(|t| (t.anchor, t.start.low.as_secs()));
        assert_eq!(
            anchor("steady+10s"),
            Ok((Anchor::Stage("steady".to_owned()), 10))
        );
        assert_eq!(anchor("traffic"), Ok((Anchor::Traffic, 0)));
        assert_eq!(anchor("t0+5"), Ok((Anchor::T0, 5)));
        for text in ["", "-1s", "9s..3s", "steady+", "a b+1s", "10s+5s"] {
            assert!(Timing::at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_a_sentence() {
        for (kind, timing, words) in [
            ("kill", timing("1s", Some("2s"), &[]), "instant"),
            (
                "pause",
                timing("1s", None, &[("every", "10s")]),
                "how long it stays",
            ),
            (
                "pause",
                timing("1s", Some("10s"), &[("every", "5s")]),
                "longer than its duration",
            ),
            ("kill", timing("1s", None, &[("times", "3")]), "@10s..60s"),
            (
                "pause",
                timing("1s..9s", Some("5s"), &[("times", "3")]),
                "room",
            ),
            ("kill", timing("1s", None, &[("until", "3s")]), "every=TIME"),
            (
                "pause",
                timing("1s", Some("5s"), &[("ramp", "2s")]),
                "cannot grow",
            ),
            (
                "cpu",
                timing("1s", Some("5s"), &[("ramp", "6s")]),
                "longer than",
            ),
        ] {
            let wrong = timing.check(kind::named(kind).unwrap()).unwrap_err();
            assert!(wrong.contains(words), "{kind}: {wrong}");
        }
    }
}
