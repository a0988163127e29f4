//! Which targets a fault hits: by place, by name, or so many of them, drawn.

use super::kind::Usual;
use crate::dice;
use record::units::share;

/// So many places or names may be written.
const MAX_NAMED: usize = 1_000;

/// What a plan says about targets. Places and names narrow them down; of those that are left, a number is drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// `replica=2`: places among the targets, in the order in which they came, from 1.
    places: Vec<usize>,
    /// `name=local-*`: names, where a `*` stands for anything.
    names: Vec<String>,
    many: Option<Many>,
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Many {
    Count(usize),
    /// Rounded, one at least.
    Share(f64),
    /// `half`: rounded down, one at least.
    Half,
    /// `majority`: more than half.
    Majority,
    All,
}

impl Choice {
    /// Takes in one of `replica`, `name`, `count` and `share`.
    ///
    /// # Errors
    /// A sentence: no number, no share, or the second `count` or `share`.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
        let number = || {
            let number = text
                .parse::<usize>()
                .ok()
                .filter(|n| (1..=10_000).contains(n));
            number.ok_or_else(|| format!("{key}={text} is no number: give one from 1 to 10000"))
        };
        match key {
            "replica" => self.places.push(number()?),
            "name" if text.is_empty() || text.len() > 256 => {
                return Err("name= needs the name of a target, of at most 256 bytes: name=local-2, name=local-*".to_owned());
            }
            "name" => self.names.push(text.to_owned()),
            _ if self.many.is_some() => {
                return Err("count and share both say how many: give one of them, once".to_owned());
            }
            "count" => self.many = Some(Many::Count(number()?)),
            _ => {
                self.many = Some(match text {
                    "half" => Many::Half,
                    "majority" => Many::Majority,
                    "one" => Many::Count(1),
                    "all" => Many::All,
                    _ => Many::Share(
                        share(text).map_err(|e| format!("{e}; or half, majority, one, all"))?,
                    ),
                });
            }
        }
        if self.places.len() + self.names.len() > MAX_NAMED {
            return Err(format!(
                "more than {MAX_NAMED} targets are named: use name=local-*"
            ));
        }
        Ok(())
    }

    /// The places (from 0) of those that are hit, in their order. `names` are those of all targets that there are now;
    /// the same seed, fault and occurrence draw the same ones among the same.
    #[must_use]
    pub fn of(
        &self,
        names: &[&str],
        usual: Usual,
        seed: u64,
        fault: u64,
        occurrence: u64,
    ) -> Vec<usize> {
        let is_named = |place: usize, name: &str| {
            (self.places.is_empty() && self.names.is_empty())
                || self.places.contains(&(place + 1))
                || self.names.iter().any(|wanted| matches(wanted, name))
        };
        let mut left: Vec<usize> = (0..names.len())
            .filter(|&i| is_named(i, names[i]))
            .collect();
        let wanted = self.how_many(left.len(), usual);
        if wanted < left.len() {
            // Each target's lot is its own: those that come or go change nothing for the others.
            let seed = dice::throw(seed, fault, occurrence);
            left.sort_by_key(|&i| (dice::throw(seed, dice::named(names[i]), 0), i));
            left.truncate(wanted);
            left.sort_unstable();
        }
        left
    }

    fn how_many(&self, of: usize, usual: Usual) -> usize {
        let many = self.many.unwrap_or(match usual {
            // Who names targets means each of them.
            Usual::One if self.places.is_empty() && self.names.is_empty() => Many::Count(1),
            _ => Many::All,
        });
        match many {
            Many::Count(n) => n,
            Many::Share(share) if share <= 0.0 => 0,
            Many::Share(share) => ((of as f64 * share).round() as usize).max(1),
            Many::Half => (of / 2).max(1),
            Many::Majority => of / 2 + 1,
            Many::All => of,
        }
        .min(of)
    }

    /// For people: `one, drawn`, `2, drawn`, `replica 2`.
    #[must_use]
    pub fn shown(&self, usual: Usual) -> String {
        let who: Vec<String> = self
            .places
            .iter()
            .map(|place| format!("replica {place}"))
            .chain(self.names.iter().cloned())
            .collect();
        let of = if who.is_empty() {
            "the targets".to_owned()
        } else {
            who.join(", ")
        };
        match (self.many, who.is_empty()) {
            (None, true) if usual == Usual::One => "one of the targets, drawn".to_owned(),
            (None, true) | (Some(Many::All), true) => "all targets".to_owned(),
            (None | Some(Many::All), false) => of,
            (Some(Many::Count(n)), _) => format!("{n} of {of}, drawn"),
            (Some(Many::Share(share)), _) => format!("{}% of {of}, drawn", share * 100.0),
            (Some(Many::Half), _) => format!("half of {of}, drawn"),
            (Some(Many::Majority), _) => format!("more than half of {of}, drawn"),
        }
    }
}

/// Whether a name is as wanted, where a `*` stands for any text.
fn matches(wanted: &str, name: &str) -> bool {
    let Some((head, rest)) = wanted.split_once('*') else {
        return wanted == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('*').collect();
    let (last, middle) = parts.split_last().unwrap_or((&"", &[]));
    for part in middle {
        // The first place is the best one: it leaves the most for those behind.
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["local-1", "local-2", "local-3", "local-4", "other"];

    fn choice(given: &[(&str, &str)]) -> Choice {
        let mut choice = Choice::default();
        for (key, text) in given {
            choice.set(key, text).unwrap();
        }
        choice
    }

    #[test]
    fn places_and_names_mean_all_of_them_and_a_number_draws_among_them() {
        let of = |given: &[(&str, &str)], usual| choice(given).of(&NAMES, usual, 7, 1, 1);
        assert_eq!(of(&[("replica", "2")], Usual::One), [1]);
        assert_eq!(of(&[("replica", "9")], Usual::One), [0usize; 0]);
        assert_eq!(of(&[("name", "local-*")], Usual::One), [0, 1, 2, 3]);
        assert_eq!(of(&[("name", "*-3"), ("replica", "5")], Usual::One), [2, 4]);
        assert_eq!(of(&[], Usual::All).len(), 5);
        assert_eq!(of(&[], Usual::One).len(), 1);
        for (key, text, many) in [
            ("count", "2", 2),
            ("count", "9", 5),
            ("share", "50%", 3),
            ("share", "1%", 1),
            ("share", "0%", 0),
            ("share", "half", 2),
            ("share", "majority", 3),
            ("share", "one", 1),
            ("share", "all", 5),
        ] {
            assert_eq!(of(&[(key, text)], Usual::One).len(), many, "{key}={text}");
        }
        let drawn = of(&[("name", "local-*"), ("count", "2")], Usual::One);
        assert!(
            drawn.len() == 2 && drawn.iter().all(|&i| i < 4),
            "{drawn:?}"
        );
    }

    #[test]
    fn the_same_seed_draws_the_same_and_all_come_up_in_time() {
        let two = choice(&[("count", "2")]);
        let draw = |seed, n| two.of(&NAMES, Usual::One, seed, 1, n);
        assert_eq!(draw(7, 3), draw(7, 3));
        let mut seen = [0; 5];
        for n in 0..1_000 {
            draw(7, n).into_iter().for_each(|i| seen[i] += 1);
        }
        assert!(seen.iter().all(|&n| (330..470).contains(&n)), "{seen:?}");
    }

    #[test]
    fn wrong_choices_are_sentences() {
        for (key, text) in [
            ("replica", "0"),
            ("count", "many"),
            ("share", "200%"),
            ("name", ""),
        ] {
            assert!(Choice::default().set(key, text).is_err(), "{key}={text}");
        }
        let mut twice = choice(&[("count", "2")]);
        assert!(
            twice
                .set("share", "50%")
                .unwrap_err()
                .contains("one of them")
        );
    }
}
