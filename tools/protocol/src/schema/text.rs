//! Strings: of a format, after a pattern, or free, which is where payload goes.

use serde_json::{Map, Value};

use super::fits::count;
use super::flat::patterns;
use super::random::Random;
use super::regex::Regex;
use super::{MAX_TEXT_BYTES, format, pattern};

/// A string, and how long it may become (in characters) if its content is nobody's business.
pub(super) struct Text {
    pub(super) value: String,
    pub(super) room: Option<usize>,
}

// Long enough to look like something.
const PLAIN_LENGTH: usize = 8;

/// Makes up a string that the schema allows.
pub(super) fn sample(schema: &Map<String, Value>, random: &mut Random) -> Result<Text, String> {
    let least = count(schema, "minLength").unwrap_or(0);
    let most = count(schema, "maxLength").unwrap_or(usize::MAX);
    if least > most || least > MAX_TEXT_BYTES {
        return Err(format!("must be at least {least} characters long"));
    }
    let long_enough = |text: &str| (least..=most).contains(&text.chars().count());
    let word = |key: &str| schema.get(key).and_then(Value::as_str);
    let of_format = word("format").and_then(|format| format::sample(format, random));
    let fixed = |value: String| Ok(Text { value, room: None });

    let patterns = patterns(schema.get("pattern"));
    if !patterns.is_empty() {
        let regexes: Vec<Regex> = patterns.iter().filter_map(|p| Regex::parse(p)).collect();
        let fine =
            |text: &str| long_enough(text) && regexes.iter().all(|regex| regex.is_match(text));
        // With both, the format's text is the likelier one to mean something.
        return of_format
            .filter(|text| fine(text))
            .or_else(|| {
                let mut each = patterns.iter();
                each.find_map(|pattern| pattern::sample(pattern, random, fine))
            })
            .map(|value| Text { value, room: None })
            .ok_or_else(|| {
                let all = patterns.join("\" and \"");
                format!("must match the pattern \"{all}\", which is beyond what is made up here")
            });
    }
    if let Some(text) = of_format {
        return if long_enough(&text) {
            fixed(text)
        } else {
            Err(format!(
                "must be of the format {:?} and {least} to {most} characters long",
                word("format").unwrap_or_default()
            ))
        };
    }
    if word("contentMediaType") == Some("application/json") && long_enough("{}") {
        return fixed("{}".to_owned());
    }
    Ok(Text {
        value: random.words(PLAIN_LENGTH.clamp(least, most)),
        room: Some(most),
    })
}
