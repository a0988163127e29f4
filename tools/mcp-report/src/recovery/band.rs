//! The band of the steady state: within which figures of a second are those from before the fault.

use super::tally::{Found, Tally};
use record::Quantile;

/// Fewer seconds than this tell no band.
pub const FEWEST: usize = 5;
/// Modified z-scores beyond 3.5 are outliers (Iglewicz and Hoaglin 1993; NIST handbook, section 1.3.5.17). The score
/// is 0.6745 times the distance from the median, in median absolute deviations.
const DEVIATIONS: f64 = 3.5 / 0.6745;
/// Steady seconds are often all alike, so that the deviation is 0: smaller distances than these are nobody's concern.
const RATE_FLOOR: f64 = 0.01;
/// What a neighbour on a shared machine does to the p99 of a second.
const P99_FLOOR_US: f64 = 5_000.0;
const P99_FLOOR_SHARE: f64 = 0.5;
const OPEN_FLOOR: f64 = 5.0;
/// Of the calls that are due in a second.
const OPEN_FLOOR_SHARE: f64 = 0.05;

/// The upper edges of what is usual in a second. There are no lower ones: faster or fewer errors are no harm.
#[derive(Clone, Debug)]
pub struct Band {
    /// How many seconds it was taken from.
    pub seconds: usize,
    /// Of these: how many are outside of it themselves.
    pub outside: usize,
    /// Error rate, without what chance adds in a second of few calls.
    pub error_rate: f64,
    /// p99 of the response time in microseconds; `None` where too few seconds had an ok call.
    pub p99_us: Option<f64>,
    /// The p99 that is twice as far from the median as that.
    far_p99_us: f64,
    /// Calls due or in flight at the end of a second.
    pub open: f64,
    /// The error rate of all these seconds together.
    pub usual_rate: f64,
    /// Whether most of these seconds had calls that ended.
    is_busy: bool,
}

/// By what a second is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    ErrorRate,
    P99,
    Open,
    Silence,
}

impl Outside {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "error rate",
            Self::P99 => "p99",
            Self::Open => "unanswered calls",
            Self::Silence => "no answers",
        }
    }
}

impl Band {
    /// That of these seconds; `None` where they are too few.
    pub fn of(seconds: &[Tally]) -> Option<Self> {
        if seconds.len() < FEWEST {
            return None;
        }
        let rates = seconds.iter().filter_map(Tally::error_rate).collect();
        let error_rate = edge(rates, |_| RATE_FLOOR).unwrap_or(RATE_FLOOR);
        let p99s: Vec<f64> = seconds.iter().filter_map(p99_us).collect();
        let usual_p99_us = median(&sorted(p99s.clone())).unwrap_or(0.0);
        let p99_us = (p99s.len() >= FEWEST)
            .then(|| edge(p99s, |p99| P99_FLOOR_US.max(p99 * P99_FLOOR_SHARE)))
            .flatten();
        let due = sorted(seconds.iter().map(|s| s.due as f64).collect());
        let floor = OPEN_FLOOR.max(median(&due).unwrap_or(0.0) * OPEN_FLOOR_SHARE);
        let open = seconds.iter().map(|s| s.open as f64).collect();
        let mut sum = Tally::default();
        seconds.iter().for_each(|s| sum.add(s));
        let mut band = Self {
            seconds: seconds.len(),
            outside: 0,
            error_rate,
            p99_us,
            far_p99_us: p99_us.map_or(f64::INFINITY, |edge| 2.0 * edge - usual_p99_us),
            open: edge(open, |_| floor).unwrap_or(floor),
            usual_rate: sum.error_rate().unwrap_or(0.0),
            is_busy: 2 * seconds.iter().filter(|s| s.ended > 0).count() > seconds.len(),
        };
        band.outside = seconds.iter().filter(|s| band.left_by(s).is_some()).count();
        Some(band)
    }

    /// Whether the p99 of a second is so far outside that it needs no second one to be believed.
    pub fn is_far(&self, second: &Tally) -> bool {
        p99_us(second).is_some_and(|p99| p99 > self.far_p99_us)
    }

    /// By what a second is outside; `None` within the band.
    pub fn left_by(&self, second: &Tally) -> Option<Outside> {
        let p = self.usual_rate;
        // A second of few calls strays by chance alone: the limit of a p-chart, at the same distance.
        let chance = 3.5 * (p * (1.0 - p) / second.ended.max(1) as f64).sqrt();
        if second
            .error_rate()
            .is_some_and(|rate| rate > self.error_rate.max(p + chance))
        {
            return Some(Outside::ErrorRate);
        }
        if let (Some(limit), Some(p99)) = (self.p99_us, p99_us(second))
            && p99 > limit
        {
            return Some(Outside::P99);
        }
        if second.open as f64 > self.open {
            return Some(Outside::Open);
        }
        // Users of the closed model who all wait make no calls: what is open is no more than ever, and nothing ends.
        (self.is_busy && second.ended == 0 && second.open > 0).then_some(Outside::Silence)
    }
}

fn p99_us(second: &Tally) -> Option<f64> {
    match second.at(Quantile::P99) {
        Found::None => None,
        Found::Us(us) => Some(us as f64),
        Found::Beyond => Some(record::MAX_US as f64),
    }
}

/// The upper edge of what is usual among these values; `floor` is the least distance from a median.
fn edge(values: Vec<f64>, floor: impl Fn(f64) -> f64) -> Option<f64> {
    let values = sorted(values);
    let middle = median(&values)?;
    let distances = sorted(values.iter().map(|v| (v - middle).abs()).collect());
    let deviation = median(&distances)?;
    // Latencies have a longer tail than the score thinks of: a second such as there were several proves nothing.
    let spared = values.len() / 20;
    let highest = *values.get(values.len() - 1 - spared.max(1))?;
    Some((middle + (DEVIATIONS * deviation).max(floor(middle))).max(highest))
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    Some(if sorted.len().is_multiple_of(2) {
        f64::midpoint(*sorted.get(half - 1)?, upper)
    } else {
        upper
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(ok: u64, failed: u64, us: u64) -> Tally {
        let mut tally = Tally {
            due: ok + failed,
            ended: ok + failed,
            ok,
            failed,
            ..Tally::default()
        };
        (0..ok).for_each(|_| tally.response.record(us));
        tally
    }

    #[test]
    fn four_seconds_tell_no_band() {
        let steady = vec![second(100, 0, 1_000); 4];
        assert!(Band::of(&steady).is_none());
    }

    #[test]
    fn steady_seconds_all_alike_leave_room_for_the_floors_and_no_more() {
        let band = Band::of(&vec![second(1_000, 0, 1_000); 10]).unwrap();
        assert_eq!(band.left_by(&second(990, 10, 5_900)), None);
        assert_eq!(
            band.left_by(&second(989, 11, 900)),
            Some(Outside::ErrorRate)
        );
        assert_eq!(band.left_by(&second(1_000, 0, 6_100)), Some(Outside::P99));
        let mut waiting = second(1_000, 0, 1_000);
        waiting.open = 50;
        assert_eq!(band.left_by(&waiting), None);
        waiting.open = 51;
        assert_eq!(band.left_by(&waiting), Some(Outside::Open));
    }

    #[test]
    fn a_wide_steady_state_has_a_wide_band_and_one_wild_second_does_not_widen_it() {
        // 10, 12, … 28 ms: the median is 19 ms, the deviation 5 ms.
        let mut steady: Vec<Tally> = (5..15).map(|i| second(100, 0, i * 2_000)).collect();
        let limit = Band::of(&steady).unwrap().p99_us.unwrap();
        assert!(
            (limit - (19_000.0 + 5_000.0 * 3.5 / 0.6745)).abs() < 60.0,
            "{limit}"
        );
        steady[3] = second(100, 0, 3_000_000);
        let band = Band::of(&steady).unwrap();
        assert!(band.p99_us.unwrap() < 60_000.0);
        assert_eq!(band.outside, 1);
    }

    #[test]
    fn seconds_such_as_there_were_several_before_are_usual() {
        // Three of forty take some 80 ms, and the others 1 ms: the deviation is 0.
        let mut steady = vec![second(100, 0, 1_000); 37];
        steady.extend([80_000, 90_000, 70_000].map(|us| second(100, 0, us)));
        let band = Band::of(&steady).unwrap();
        assert_eq!(band.left_by(&second(100, 0, 70_000)), None);
        assert_eq!(band.left_by(&second(100, 0, 71_000)), Some(Outside::P99));
        assert_eq!(band.outside, 2, "one of twenty");
    }

    #[test]
    fn errors_that_chance_explains_do_not_leave_the_band() {
        // One call of a hundred fails, of 50 a second: 0, 0, 1, 0, 1 ….
        let steady: Vec<Tally> = (0..60).map(|i| second(50 - i % 2, i % 2, 1_000)).collect();
        let band = Band::of(&steady).unwrap();
        assert_eq!(
            (band.left_by(&second(48, 2, 1_000)), band.outside),
            (None, 0)
        );
        assert_eq!(
            band.left_by(&second(45, 5, 1_000)),
            Some(Outside::ErrorRate)
        );
    }

    #[test]
    fn a_second_of_few_calls_has_more_room_than_one_of_many() {
        let band = Band::of(&vec![second(990, 10, 1_000); 10]).unwrap();
        assert_eq!(
            band.left_by(&second(970, 30, 1_000)),
            Some(Outside::ErrorRate)
        );
        // 2 of 50 are 4 %, and happen once in eleven such seconds; 3 are 6 %, beyond 1 + 3.5 × 1.4 %.
        assert_eq!(band.left_by(&second(48, 2, 1_000)), None);
        assert_eq!(
            band.left_by(&second(47, 3, 1_000)),
            Some(Outside::ErrorRate)
        );
    }

    #[test]
    fn a_second_in_which_nothing_ends_is_outside_only_while_calls_wait() {
        let mut steady = second(100, 0, 1_000);
        steady.open = 20;
        let band = Band::of(&vec![steady; 10]).unwrap();
        let mut still = second(0, 0, 0);
        assert_eq!(band.left_by(&still), None);
        still.open = 20;
        assert_eq!(band.left_by(&still), Some(Outside::Silence));
    }
}
