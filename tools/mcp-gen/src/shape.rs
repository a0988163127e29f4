//! The shape of the load as it is given with --stages: `0..500 clients in 5m, hold 3m, ..25 in 2m`.

use crate::wish::MAX_CLIENTS;
use record::units;
use std::str::FromStr;

/// More stages than anybody reads; each has rows of its own in records and in memory.
const MAX_LEGS: usize = 256;

/// The shape of the load: what changes, and how it does, leg by leg.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// What the numbers count.
    pub of: Quantity,
    /// One after the other; never empty.
    pub legs: Vec<Leg>,
}

/// What the numbers of a shape count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Clients, each with its own rate, or its own users in the closed model.
    Clients,
    /// Calls per second of all clients together.
    Rate,
}

/// A leg: a stage of the load, in which the level changes evenly or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// What it is and its place in the list: `ramp-1`, `hold-2`, `step-3`, `spike-4`, `storm-5`.
    pub name: String,
    /// The level at its begin.
    pub from: f64,
    /// The level at its end.
    pub to: f64,
    /// How long it takes, in nanoseconds; never 0.
    pub length_ns: u64,
    /// Whether the clients that it brings all connect at its begin.
    pub at_once: bool,
}

impl Shape {
    /// The highest level.
    #[must_use]
    pub fn peak(&self) -> f64 {
        let ends = self.legs.iter().map(|l| l.from.max(l.to));
        ends.fold(0.0, f64::max)
    }
}

/// A word of the text, and where it stands, in characters from 1.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    at: usize,
}

impl Word<'_> {
    fn wrong(self, what: impl std::fmt::Display) -> String {
        format!("character {}: {:?}: {what}", self.at, self.text)
    }
}

/// One stage of the list: what is left of its words.
struct Item<'a> {
    words: Vec<Word<'a>>,
    /// The first one, and what to point at when something is missing.
    begin: Word<'a>,
}

const FORMS: &str = "write '0..500 clients in 5m', '..25 in 2m', 'hold 3m', 'step 200/s for 10s' or 'spike 5000/s for 5s'";

impl<'a> Item<'a> {
    fn next(&mut self, expected: &str) -> Result<Word<'a>, String> {
        if self.words.is_empty() {
            return Err(self
                .begin
                .wrong(format_args!("{expected} is missing; {FORMS}")));
        }
        Ok(self.words.remove(0))
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.words.first().is_some_and(|w| w.text == word);
        if found {
            self.words.remove(0);
        }
        found
    }

    fn time(&mut self, lead: &str) -> Result<u64, String> {
        if !self.eat(lead) && lead == "in" && self.eat("for") {
            return Err(self.begin.wrong("a ramp ends 'in 5m', not 'for 5m'"));
        }
        let word = self.next("how long it takes")?;
        let time = units::duration(word.text).map_err(|e| word.wrong(e))?;
        if time.is_zero() {
            return Err(word.wrong("a stage takes longer than nothing; for clients who all connect at one instant write 'storm 500 for 10s'"));
        }
        match self.words.first() {
            Some(more) => Err(more.wrong("a comma stands between stages")),
            None => Ok(time.as_nanos() as u64),
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = items(text)?;
        let of = quantity(&items)?;
        let mut legs: Vec<Leg> = Vec::new();
        // What the next stage begins with: a spike goes back to what was before.
        let mut level: Option<f64> = None;
        for mut item in items {
            // The word of the quantity stands for people: the numbers say it too, or the first stage does.
            item.words
                .retain(|w| !matches!(w.text, "rate" | "client" | "clients"));
            let before = |w: Word| {
                level.ok_or_else(|| w.wrong("nothing stands before it: begin with a range such as 0..500 clients, or 'step 100/s for 10s'"))
            };
            let head = item.next("what it does")?;
            let (kind, from, to, length_ns) = match head.text {
                "hold" => {
                    let level = before(head)?;
                    ("hold", level, level, item.time("for")?)
                }
                "storm" => {
                    let word = item.next("how many clients")?;
                    let to = of.level(word, word.text)?;
                    ("storm", to, to, item.time("for")?)
                }
                "step" | "spike" => {
                    let word = item.next("the level")?;
                    let to = of.level(word, word.text)?;
                    let kind = if head.text == "step" { "step" } else { "spike" };
                    if kind == "spike" {
                        before(head)?;
                    }
                    (kind, to, to, item.time("for")?)
                }
                range => match range.split_once("..") {
                    Some((from, to)) => {
                        let unit = to.find('/').map_or("", |at| &to[at..]);
                        let from = match from {
                            "" => before(head)?,
                            from if from.contains('/') => of.level(head, from)?,
                            from => of.level(head, &format!("{from}{unit}"))?,
                        };
                        ("ramp", from, of.level(head, to)?, item.time("in")?)
                    }
                    None => {
                        let to = of.level(head, range)?;
                        ("step", to, to, item.time("for")?)
                    }
                },
            };
            if kind != "spike" {
                level = Some(to);
            }
            legs.push(Leg {
                name: format!("{kind}-{}", legs.len() + 1),
                from,
                to,
                length_ns,
                at_once: kind == "storm",
            });
        }
        let shape = Self { of, legs };
        if shape.peak() == 0.0 {
            return Err("all stages are at 0, so nothing would be called".to_owned());
        }
        Ok(shape)
    }
}

impl Quantity {
    fn level(self, word: Word, text: &str) -> Result<f64, String> {
        match self {
            Self::Clients => text
                .parse::<u32>()
                .ok()
                .filter(|n| *n <= MAX_CLIENTS)
                .map(f64::from)
                .ok_or_else(|| {
                    word.wrong(format_args!(
                        "{text:?} is no number of clients from 0 to {MAX_CLIENTS}; {FORMS}"
                    ))
                }),
            // A rate of 0 is no rate elsewhere, but a ramp may well begin there.
            Self::Rate if text.split('/').next().and_then(|n| n.parse().ok()) == Some(0.0) => {
                Ok(0.0)
            }
            Self::Rate => units::rate(text).map_err(|e| word.wrong(format_args!("{e}; {FORMS}"))),
        }
    }
}

fn items(text: &str) -> Result<Vec<Item<'_>>, String> {
    let mut items = Vec::new();
    let mut at = 1;
    for part in text.split(',') {
        let mut words = Vec::new();
        for word in part.split_whitespace() {
            let byte = word.as_ptr() as usize - part.as_ptr() as usize;
            let before = part[..byte].chars().count();
            words.push(Word {
                text: word,
                at: at + before,
            });
        }
        let begin = *words
            .first()
            .ok_or_else(|| format!("character {at}: a stage is missing here; {FORMS}"))?;
        items.push(Item { words, begin });
        at += part.chars().count() + 1;
    }
    if items.len() > MAX_LEGS {
        return Err(format!(
            "{} stages are too many: {MAX_LEGS} at most",
            items.len()
        ));
    }
    Ok(items)
}

/// What the numbers count: said by a word, or by the `/s` of a rate.
fn quantity(items: &[Item<'_>]) -> Result<Quantity, String> {
    let mut found: Option<(Quantity, Word)> = None;
    for word in items.iter().flat_map(|i| &i.words) {
        let of = match word.text {
            "client" | "clients" | "storm" => Quantity::Clients,
            text if text == "rate" || text.contains('/') => Quantity::Rate,
            _ => continue,
        };
        match found {
            Some((first, _)) if first != of => {
                return Err(word.wrong("one list of stages is of clients or of rates, not of both"));
            }
            _ => found = Some((of, *word)),
        }
    }
    found.map(|(of, _)| of).ok_or_else(|| {
        "say what the numbers are: '0..500 clients in 5m', or 'rate 100..10000/s in 60s'".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legs(text: &str) -> (Quantity, Vec<(String, f64, f64, u64)>) {
        let shape: Shape = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        let legs = shape.legs.into_iter();
        let legs = legs.map(|l| (l.name, l.from, l.to, l.length_ns / 1_000_000_000));
        (shape.of, legs.collect())
    }

    #[test]
    fn shapes_as_people_type_them() {
        let leg = |name: &str, from: f64, to: f64, s: u64| (name.to_owned(), from, to, s);
        assert_eq!(
            legs("0..500 clients in 5m, hold 3m, ..25 in 2m"),
            (
                Quantity::Clients,
                vec![
                    leg("ramp-1", 0.0, 500.0, 300),
                    leg("hold-2", 500.0, 500.0, 180),
                    leg("ramp-3", 500.0, 25.0, 120),
                ]
            )
        );
        assert_eq!(
            legs(
                "rate 100..10k/s in 60s, hold 30s, spike 5000/s for 5s, hold 1s, step 0 for 2s, 6..60/m in 3s"
            ),
            (
                Quantity::Rate,
                vec![
                    leg("ramp-1", 100.0, 10_000.0, 60),
                    leg("hold-2", 10_000.0, 10_000.0, 30),
                    leg("spike-3", 5_000.0, 5_000.0, 5),
                    leg("hold-4", 10_000.0, 10_000.0, 1),
                    leg("step-5", 0.0, 0.0, 2),
                    leg("ramp-6", 0.1, 1.0, 3),
                ]
            )
        );
        assert_eq!(
            legs(" 10 clients for 2s,clients ..20 in 1s "),
            (
                Quantity::Clients,
                vec![leg("step-1", 10.0, 10.0, 2), leg("ramp-2", 10.0, 20.0, 1)]
            )
        );
    }

    #[test]
    fn a_storm_is_a_step_whose_clients_connect_at_one_instant() {
        let shape: Shape = "2 clients for 1s, storm 500 for 10s, hold 5s"
            .parse()
            .unwrap();
        let at_once: Vec<(&str, f64, bool)> = shape
            .legs
            .iter()
            .map(|l| (l.name.as_str(), l.to, l.at_once))
            .collect();
        assert_eq!(
            at_once,
            [
                ("step-1", 2.0, false),
                ("storm-2", 500.0, true),
                ("hold-3", 500.0, false)
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_way_out() {
        for (text, place, says) in [
            ("", "character 1:", "a stage is missing"),
            (
                "0..5 clients in 1s,, hold 1s",
                "character 20:",
                "a stage is missing",
            ),
            ("0..5 in 1s", "", "say what the numbers are"),
            ("0..5 clients in 1s, hodl 3m", "character 21:", "hold 3m"),
            (
                "0..5 clients in 1s, hold",
                "character 21:",
                "how long it takes is missing",
            ),
            ("0..5 clients in 1x", "character 17:", "duration"),
            ("0..5 clients in 0s", "character 17:", "longer than nothing"),
            ("0..5 clients for 3s", "character 1:", "'in 5m'"),
            ("0..5 clients in 1s hold 3s", "character 20:", "a comma"),
            (
                "hold 3s, 0..5 clients in 1s",
                "character 1:",
                "nothing stands before it",
            ),
            (
                "..5 clients in 1s",
                "character 1:",
                "nothing stands before it",
            ),
            (
                "spike 5/s for 1s",
                "character 1:",
                "nothing stands before it",
            ),
            (
                "0..5 clients in 1s, ..7/s in 1s",
                "character 21:",
                "not of both",
            ),
            ("5/s for 1s, storm 9 for 1s", "character 13:", "clients"),
            ("1.5 clients for 1s", "character 1:", "no number of clients"),
            ("0..fast/s in 1s", "character 1:", "rate"),
            ("step 0/s for 3s", "", "nothing would be called"),
        ] {
            let told = text.parse::<Shape>();
            assert!(
                told.as_ref()
                    .is_err_and(|e| e.starts_with(place) && e.contains(says)),
                "{text}: {told:?}"
            );
        }
        let many = vec!["step 1/s for 1s"; 257].join(",");
        assert!(many.parse::<Shape>().is_err_and(|e| e.contains("256")));
    }
}
