//! The search: which rate to try next, and when the knee is found. It knows rates and judgements, and nothing of the load.

/// The bracket is as narrow as this share of its lower end when the search is over.
const CLOSE_ENOUGH: f64 = 0.025;
/// A server that cannot do one call a second, or this share of the first step, has no knee that is worth looking for.
const LEAST_PER_S: f64 = 1.0;
const LEAST_SHARE: f64 = 0.01;
/// So often a rate that was missed is met when it is tried again, before we believe it is the server that wavers.
const MOST_DOUBTS: usize = 3;
/// Doubling from 1/s to the most, and halving the last bracket, takes fewer.
const MOST_STEPS: usize = 60;

/// What a step showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The condition held.
    Met,
    /// It did not, though hardly: on a machine that was disturbed for a moment it looks the same.
    Missed,
    /// It did not by far: a queue grew that no moment's disturbance makes.
    Overloaded,
    /// The generator itself was late, so nobody knows.
    Late,
    /// The load did not stand yet, so nobody knows: who judges sees to it that it does at last.
    Unsettled,
}

/// Why the search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A little more is too much for the server.
    Server,
    /// The generator cannot make more.
    Generator,
    /// More than this is not tried.
    Search,
    /// No client could connect any more.
    Unreachable,
}

/// Where the search stands.
#[derive(Clone, Debug)]
pub struct Search {
    /// The highest rate that met the condition.
    good: Option<f64>,
    /// Those that did not, and whether by far.
    bad: Vec<(f64, bool)>,
    /// Whether the lowest of them is being tried once more: the last step of a search.
    verifies: bool,
    doubts: usize,
    now: f64,
    least: f64,
    most: f64,
    repeats: bool,
    steps: usize,
    over: Option<Limit>,
}

impl Search {
    /// Begins at a rate, and goes no higher than `most`.
    #[must_use]
    pub fn new(first: f64, most: f64) -> Self {
        Self {
            good: None,
            bad: Vec::new(),
            verifies: false,
            doubts: 0,
            now: tidy(first.min(most)),
            least: LEAST_PER_S.max(first * LEAST_SHARE),
            most,
            repeats: false,
            steps: 0,
            over: None,
        }
    }

    /// The rate that is being tried, or was last.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.now
    }

    /// Takes in what the current step showed, and moves on.
    pub fn take(&mut self, judgement: Judgement) {
        if judgement != Judgement::Unsettled {
            self.steps += 1;
        }
        match judgement {
            Judgement::Unsettled => return,
            Judgement::Late if !self.repeats => {
                self.repeats = true;
                return;
            }
            Judgement::Late => return self.over = Some(Limit::Generator),
            Judgement::Met => {
                self.good = Some(self.now);
                if self.verifies {
                    // Something disturbed the server when this was missed, and perhaps others.
                    self.doubts += 1;
                    self.bad.retain(|(bad, by_far)| *by_far && *bad > self.now);
                }
            }
            Judgement::Missed | Judgement::Overloaded => {
                self.bad
                    .push((self.now, judgement == Judgement::Overloaded));
                if self.verifies {
                    return self.over = Some(Limit::Server);
                }
            }
        }
        (self.repeats, self.verifies) = (false, false);
        let next = match (self.good, self.too_much()) {
            (Some(good), Some(bad)) if bad - good <= good * CLOSE_ENOUGH => {
                // One bad moment early in the search would hold it down for ever.
                if self.doubts >= MOST_DOUBTS || self.steps >= MOST_STEPS {
                    return self.over = Some(Limit::Server);
                }
                self.verifies = true;
                bad
            }
            (Some(good), Some(bad)) => (good + bad) / 2.0,
            (Some(good), None) => {
                if good >= self.most {
                    return self.over = Some(Limit::Search);
                }
                (good * 2.0).min(self.most)
            }
            (None, Some(bad)) => {
                if bad <= self.least {
                    return self.over = Some(Limit::Server);
                }
                (bad / 2.0).max(self.least)
            }
            (None, None) => self.now,
        };
        let next = tidy(next);
        if (next == self.now && !self.verifies) || self.steps >= MOST_STEPS {
            return self.over = Some(Limit::Server);
        }
        self.now = next;
    }

    /// Ends it: nobody is there who could be searched.
    pub fn give_up(&mut self) {
        self.over = Some(Limit::Unreachable);
    }

    /// Why it is over; `None` while it goes on.
    #[must_use]
    pub fn over(&self) -> Option<Limit> {
        self.over
    }

    /// The highest rate so far that met the condition.
    #[must_use]
    pub fn knee(&self) -> Option<f64> {
        self.good
    }

    /// The lowest rate so far that did not.
    #[must_use]
    pub fn too_much(&self) -> Option<f64> {
        self.bad.iter().map(|(bad, _)| *bad).reduce(f64::min)
    }

    /// Whether a step that missed the condition still counts: a rate as high may have been met since.
    #[must_use]
    pub fn is_too_much(&self, per_s: f64) -> bool {
        self.bad.iter().any(|(bad, _)| *bad == per_s)
    }
}

impl Limit {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Generator => "generator",
            Self::Search => "search",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Whole calls per second, where that is no loss: a person is to read them.
fn tidy(per_s: f64) -> f64 {
    if per_s >= 100.0 { per_s.round() } else { per_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(now: f64, capacity: f64) -> Judgement {
        match now / capacity {
            ..=1.0 => Judgement::Met,
            ..=1.1 => Judgement::Missed,
            _ => Judgement::Overloaded,
        }
    }

    /// Searches a server with this capacity, and tells the knee and the number of steps.
    fn find(first: f64, most: f64, capacity: f64) -> (Option<f64>, Option<Limit>, usize) {
        let mut search = Search::new(first, most);
        while search.over().is_none() {
            search.take(judge(search.now(), capacity));
        }
        (search.knee(), search.over(), search.steps)
    }

    #[test]
    fn it_comes_close_from_above_and_below_within_few_steps() {
        for capacity in [3.0, 47.0, 800.0, 999.0, 1_000.0, 123_456.0] {
            for first in [1.0, 90.0, 5_000.0] {
                if capacity < first * LEAST_SHARE {
                    continue;
                }
                let (knee, limit, steps) = find(first, 5e6, capacity);
                let knee = knee.expect("there is one");
                assert!(
                    knee <= capacity && knee >= capacity * 0.97,
                    "{first} {capacity}: {knee}"
                );
                assert!(limit == Some(Limit::Server) && steps < 30, "{steps}");
            }
        }
    }

    #[test]
    fn a_server_that_can_do_nothing_and_one_without_a_limit_end_it_too() {
        assert_eq!(find(400.0, 5e6, 0.0), (None, Some(Limit::Server), 8));
        let (knee, limit, _) = find(400.0, 10_000.0, f64::INFINITY);
        assert_eq!((knee, limit), (Some(10_000.0), Some(Limit::Search)));
    }

    #[test]
    fn a_moment_of_disturbance_does_not_hold_the_search_down() {
        for disturbed in [0..1, 0..3, 4..6, 6..7] {
            let mut search = Search::new(600.0, 5e6);
            while search.over().is_none() {
                let judgement = match disturbed.contains(&search.steps) {
                    true => Judgement::Missed,
                    false => judge(search.now(), 800.0),
                };
                search.take(judgement);
            }
            let knee = search.knee().expect("there is one");
            assert!((776.0..=800.0).contains(&knee), "{disturbed:?}: {knee}");
            assert!(search.steps < 40, "{disturbed:?}: {}", search.steps);
        }
    }

    #[test]
    fn an_unsettled_step_is_tried_again_and_proves_nothing() {
        let mut search = Search::new(100.0, 1e6);
        search.take(Judgement::Unsettled);
        assert_eq!((search.now(), search.knee()), (100.0, None));
        assert_eq!((search.too_much(), search.over()), (None, None));
        search.take(Judgement::Met);
        assert_eq!(search.now(), 200.0);
    }

    #[test]
    fn a_late_step_is_repeated_once_and_then_the_generator_is_the_limit() {
        let mut search = Search::new(100.0, 1e6);
        search.take(Judgement::Late);
        assert_eq!((search.now(), search.over()), (100.0, None));
        search.take(Judgement::Met);
        search.take(Judgement::Late);
        assert_eq!(
            (search.now(), search.over()),
            (200.0, None),
            "a new step, a new chance"
        );
        search.take(Judgement::Late);
        assert_eq!(
            (search.over(), search.knee()),
            (Some(Limit::Generator), Some(100.0))
        );
    }
}
