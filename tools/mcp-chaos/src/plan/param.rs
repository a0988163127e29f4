//! A parameter of a kind of fault: its name, unit and range, and the values that a plan gives.

use record::units;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// A parameter that a kind has. A kind lists its own in a constant, so that `mcp-chaos kinds` and the errors know them.
#[derive(Debug)]
pub struct Param {
    /// As it is written: `latency`. None of [`super::spec::COMMON`], which every fault has.
    pub name: &'static str,
    /// What it is, and how much of it may be asked for.
    pub unit: Unit,
    /// What counts where it is not given, written as a user would. `None`: it must be given, or the kind looks with
    /// [`Params::has`] whether it was.
    pub default: Option<&'static str>,
    /// One phrase for `mcp-chaos kinds`, without a dot.
    pub help: &'static str,
}

/// What a value is, and its range, both ends included.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// `250ms`; from 0 to so many seconds.
    Time {
        /// The most, in seconds.
        max_s: u64,
    },
    /// A whole number.
    Count {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A whole number that may be negative, such as an error's code.
    Code,
    /// `10%` or `0.1`; from 0 to 1.
    Share,
    /// `64KiB`; from 0 to so many bytes.
    Size {
        /// The most, in bytes.
        max_bytes: u64,
    },
    /// `1MB/s`: from 1 byte/s to 1 TiB/s.
    Throughput,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Anything, of at most so many bytes; never empty.
    Text {
        /// The most, in bytes.
        max_bytes: usize,
    },
}

/// A value, parsed and in its range.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Time(Duration),
    Count(u64),
    Code(i64),
    Share(f64),
    Size(u64),
    Throughput(u64),
    Text(String),
}

/// The parameters of one fault: those given, and the defaults of the others.
///
/// A kind makes its own type of them, once, when the plan is read:
/// `fn from_params(params: &Params) -> Result<Self, String>`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params {
    values: BTreeMap<&'static str, Value>,
    /// As they were written, for people.
    texts: BTreeMap<&'static str, String>,
    given: Vec<&'static str>,
}

impl Params {
    /// Reads what was given against what the kind has.
    ///
    /// # Errors
    /// A sentence: an unknown name (with the known ones), one that was given twice, a value out of its range.
    pub fn parse(
        kind: &str,
        params: &'static [Param],
        given: &[(String, String)],
    ) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (name, text) in given {
            let Some(param) = params.iter().find(|p| p.name == name) else {
                return Err(unknown(kind, params, name));
            };
            if parsed.given.contains(&param.name) {
                return Err(format!("{kind} is given {name} twice: leave one away"));
            }
            parsed.given.push(param.name);
            parsed.put(kind, param, text)?;
        }
        for param in params {
            if let (Some(default), false) = (param.default, parsed.given.contains(&param.name)) {
                parsed.put(kind, param, default)?;
            }
        }
        Ok(parsed)
    }

    fn put(&mut self, kind: &str, param: &Param, text: &str) -> Result<(), String> {
        let value = param
            .unit
            .parse(text)
            .map_err(|wrong| format!("{} of {kind}: {wrong}", param.name))?;
        self.values.insert(param.name, value);
        self.texts.insert(param.name, text.to_owned());
        Ok(())
    }

    /// Whether it was written in the plan, not only a default.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given.contains(&name)
    }

    /// A [`Unit::Time`].
    ///
    /// # Errors
    /// It was not given and has no default: a sentence that asks for it. So for all below.
    pub fn time(&self, name: &str) -> Result<Duration, String> {
        match self.values.get(name) {
            Some(Value::Time(time)) => Ok(*time),
            _ => Err(missing(name, "250ms")),
        }
    }

    /// A [`Unit::Count`].
    pub fn count(&self, name: &str) -> Result<u64, String> {
        match self.values.get(name) {
            Some(Value::Count(count)) => Ok(*count),
            _ => Err(missing(name, "3")),
        }
    }

    /// A [`Unit::Code`].
    pub fn code(&self, name: &str) -> Result<i64, String> {
        match self.values.get(name) {
            Some(Value::Code(code)) => Ok(*code),
            _ => Err(missing(name, "-32603")),
        }
    }

    /// A [`Unit::Share`], from 0 to 1.
    pub fn share(&self, name: &str) -> Result<f64, String> {
        match self.values.get(name) {
            Some(Value::Share(share)) => Ok(*share),
            _ => Err(missing(name, "10%")),
        }
    }

    /// A [`Unit::Size`], in bytes.
    pub fn size(&self, name: &str) -> Result<u64, String> {
        match self.values.get(name) {
            Some(Value::Size(bytes)) => Ok(*bytes),
            _ => Err(missing(name, "64KiB")),
        }
    }

    /// A [`Unit::Throughput`], in bytes per second.
    pub fn throughput(&self, name: &str) -> Result<u64, String> {
        match self.values.get(name) {
            Some(Value::Throughput(bytes_per_s)) => Ok(*bytes_per_s),
            _ => Err(missing(name, "1MB/s")),
        }
    }

    /// A [`Unit::Choice`] or [`Unit::Text`].
    pub fn text(&self, name: &str) -> Result<&str, String> {
        match self.values.get(name) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(missing(name, "…")),
        }
    }

    /// As a `fault` record carries them: the unit is in the name (`latency_us`, `size_bytes`).
    #[must_use]
    pub fn in_record(&self) -> BTreeMap<String, serde_json::Value> {
        let named = |(name, value): (&&'static str, &Value)| match value {
            Value::Time(time) => (format!("{name}_us"), json!(time.as_micros() as u64)),
            Value::Count(count) => ((*name).to_owned(), json!(count)),
            Value::Code(code) => ((*name).to_owned(), json!(code)),
            Value::Share(share) => ((*name).to_owned(), json!(share)),
            Value::Size(bytes) => (format!("{name}_bytes"), json!(bytes)),
            Value::Throughput(rate) => (format!("{name}_bytes_per_s"), json!(rate)),
            Value::Text(text) => ((*name).to_owned(), json!(record::cut(text.clone()))),
        };
        self.values.iter().map(named).collect()
    }

    /// Puts the values, as they were written, into a phrase: `{latency}` becomes `200ms`.
    #[must_use]
    pub fn fill(&self, phrase: &str) -> String {
        let put = |text: String, (name, value): (&&'static str, &String)| {
            text.replace(&format!("{{{name}}}"), value)
        };
        self.texts.iter().fold(phrase.to_owned(), put)
    }
}

impl Unit {
    fn parse(self, text: &str) -> Result<Value, String> {
        let wrong = |e: units::UnitError| e.to_string();
        match self {
            Self::Time { max_s } => {
                let time = units::duration(text).map_err(wrong)?;
                let fits = time <= Duration::from_secs(max_s);
                fits.then_some(Value::Time(time))
            }
            Self::Count { min, max } => {
                let count = text.parse().ok();
                count.filter(|n| (min..=max).contains(n)).map(Value::Count)
            }
            Self::Code => {
                // JSON numbers beyond 2^53 are not exact everywhere.
                let code: Option<i64> = text.parse().ok();
                code.filter(|c| c.unsigned_abs() < 1 << 53).map(Value::Code)
            }
            Self::Share => Some(Value::Share(units::share(text).map_err(wrong)?)),
            Self::Size { max_bytes } => {
                let bytes = units::size(text).map_err(wrong)?;
                (bytes <= max_bytes).then_some(Value::Size(bytes))
            }
            Self::Throughput => {
                let bytes = text.strip_suffix("/s").unwrap_or(text);
                let bytes = units::size(bytes).ok().filter(|&b| b > 0);
                bytes.map(Value::Throughput)
            }
            Self::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Self::Text { max_bytes } => {
                ((1..=max_bytes).contains(&text.len())).then(|| Value::Text(text.to_owned()))
            }
        }
        .ok_or_else(|| format!("{text:?} does not fit: give {}", self.range()))
    }

    /// What may be given, for people.
    #[must_use]
    pub fn range(self) -> String {
        match self {
            Self::Time { max_s } => format!("a time up to {}", seconds(max_s)),
            Self::Count { min, max } => format!("a number from {min} to {max}"),
            Self::Code => "a whole number".to_owned(),
            Self::Share => "a share from 0% to 100%".to_owned(),
            Self::Size { max_bytes } => format!("a size up to {}", bytes(max_bytes)),
            Self::Throughput => "bytes per second, such as 1MB/s".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Text { max_bytes } => format!("a text of at most {max_bytes} bytes"),
        }
    }
}

fn seconds(s: u64) -> String {
    match s {
        3_600.. if s.is_multiple_of(3_600) => format!("{}h", s / 3_600),
        60.. if s.is_multiple_of(60) => format!("{}m", s / 60),
        _ => format!("{s}s"),
    }
}

fn bytes(bytes: u64) -> String {
    for (unit, name) in [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    format!("{bytes}B")
}

fn missing(name: &str, example: &str) -> String {
    format!("{name} is missing: give {name}={example}")
}

fn unknown(kind: &str, params: &[Param], name: &str) -> String {
    let own: Vec<&str> = params.iter().map(|p| p.name).collect();
    let own = if own.is_empty() {
        "none of its own".to_owned()
    } else {
        own.join(", ")
    };
    format!(
        "{kind} has no parameter {name:?}: it has {own}, and like every fault {}",
        super::spec::COMMON.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: &[Param] = &[
        Param {
            name: "latency",
            unit: Unit::Time { max_s: 60 },
            default: None,
            help: "",
        },
        Param {
            name: "jitter",
            unit: Unit::Time { max_s: 60 },
            default: Some("0s"),
            help: "",
        },
        Param {
            name: "rate",
            unit: Unit::Throughput,
            default: None,
            help: "",
        },
        Param {
            name: "side",
            unit: Unit::Choice(&["up", "down"]),
            default: Some("up"),
            help: "",
        },
    ];

    fn parse(given: &[(&str, &str)]) -> Result<Params, String> {
        let given: Vec<(String, String)> = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Params::parse("latency", PARAMS, &given)
    }

    #[test]
    fn what_is_not_given_has_its_default_and_what_has_none_is_asked_for() {
        let params = parse(&[("latency", "200ms")]).unwrap();
        assert_eq!(params.time("latency"), Ok(Duration::from_millis(200)));
        assert_eq!(params.time("jitter"), Ok(Duration::ZERO));
        assert_eq!(params.text("side"), Ok("up"));
        assert!(
            params
                .throughput("rate")
                .unwrap_err()
                .contains("rate=1MB/s")
        );
        assert!(params.has("latency") && !params.has("jitter"));
        assert_eq!(params.fill("adds {latency} ± {jitter}"), "adds 200ms ± 0s");
        assert_eq!(params.in_record()["latency_us"], 200_000);
    }

    #[test]
    fn every_wrong_value_is_a_sentence_with_the_way_out() {
        for (given, words) in [
            (
                vec![("latencyy", "1s")],
                "it has latency, jitter, rate, side",
            ),
            (vec![("latency", "1s"), ("latency", "2s")], "twice"),
            (vec![("latency", "2m")], "a time up to 1m"),
            (vec![("latency", "fast")], "write 250ms"),
            (vec![("side", "left")], "one of up, down"),
            (vec![("rate", "0MB/s")], "such as 1MB/s"),
        ] {
            let wrong = parse(&given).unwrap_err();
            assert!(wrong.contains(words), "{wrong}");
        }
    }
}
