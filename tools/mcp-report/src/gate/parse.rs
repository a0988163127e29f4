//! Reads a gate: FIGURE [{label="value",…}] OP VALUE.

use super::figure::{Figure, NAMES, Unit};
use super::labels::Labels;
use super::{Gate, Op};
use record::units;
use std::str::FromStr;

const OPS: [(&str, Op); 6] = [
    (">=", Op::AtLeast),
    ("<=", Op::AtMost),
    ("==", Op::Equal),
    ("!=", Op::Unequal),
    (">", Op::Above),
    ("<", Op::Below),
];

/// What is wrong with a gate, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct GateError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What was expected there.
    pub what: String,
}

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, GateError> {
        Cursor { text, at: 0 }.gate()
    }
}

struct Cursor<'a> {
    text: &'a str,
    /// In bytes, always at a character's edge.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn gate(mut self) -> Result<Gate, GateError> {
        let begin = self.skip_spaces();
        let name = self.word("._");
        let figure = Figure::named(name).ok_or_else(|| {
            let what = if name.is_empty() {
                format!("expected a figure, as in 'p99 > 200ms'; there are {NAMES}")
            } else {
                format!("there is no figure {name:?}, as in 'p99 > 200ms'; there are {NAMES}")
            };
            self.error(begin, what)
        })?;
        self.skip_spaces();
        let labels = if self.eat("{") {
            self.labels(figure)?
        } else {
            Labels::default()
        };
        let at = self.skip_spaces();
        let op = OPS.iter().find(|(sign, _)| self.eat(sign)).ok_or_else(|| {
            let (_, example) = figure.unit().example();
            self.error(
                at,
                format!("expected >, >=, <, <=, == or !=, as in '{name} > {example}'"),
            )
        })?;
        let at = self.skip_spaces();
        let limit = value(name, figure.unit(), self.text[at..].trim())
            .map_err(|what| self.error(at, what))?;
        Ok(Gate {
            text: self.text.trim().to_owned(),
            figure,
            labels,
            op: op.1,
            limit,
        })
    }

    fn labels(&mut self, figure: Figure) -> Result<Labels, GateError> {
        let mut labels = Labels::default();
        loop {
            let begin = self.skip_spaces();
            if self.eat("}") {
                return Ok(labels);
            }
            let name = self.word("_");
            self.skip_spaces();
            if name.is_empty() || !self.eat("=") {
                let what = "expected a label, as in {method=\"tools/call\"}";
                return Err(self.error(self.at, what));
            }
            let at = self.skip_spaces();
            let value = self.quoted().ok_or_else(|| {
                self.error(
                    at,
                    format!("expected a value in double quotes, as in {{{name}=\"…\"}}"),
                )
            })?;
            labels
                .set(figure, name, value)
                .map_err(|what| self.error(begin, what))?;
            let at = self.skip_spaces();
            if !self.eat(",") && !self.text[self.at..].starts_with('}') {
                return Err(self.error(
                    at,
                    "expected , or } after a label, as in {method=\"tools/call\",tool=\"echo\"}",
                ));
            }
        }
    }

    /// A text in double quotes, with \" and \\ in it.
    fn quoted(&mut self) -> Option<String> {
        let mut rest = self.text[self.at..].char_indices();
        if rest.next()?.1 != '"' {
            return None;
        }
        let mut value = String::new();
        while let Some((i, c)) = rest.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Some(value);
                }
                '\\' => value.push(rest.next()?.1),
                _ => value.push(c),
            }
        }
        None
    }

    fn word(&mut self, also: &str) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !also.contains(c))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn eat(&mut self, sign: &str) -> bool {
        let there = self.text[self.at..].starts_with(sign);
        if there {
            self.at += sign.len();
        }
        there
    }

    fn skip_spaces(&mut self) -> usize {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.at
    }

    fn error(&self, at: usize, what: impl Into<String>) -> GateError {
        let column = self.text[..at].chars().count() + 1;
        GateError {
            column,
            what: what.into(),
        }
    }
}

/// Reads a limit; the sentence names the unit that the figure wants.
fn value(name: &str, unit: Unit, text: &str) -> Result<f64, String> {
    let (what, example) = unit.example();
    let bare = text.parse::<f64>().is_ok_and(f64::is_finite);
    let read = match unit {
        // A bare number would be seconds elsewhere, and whoever types `p99 > 200` means milliseconds.
        Unit::Latency if bare && text != "0" => None,
        Unit::Latency => units::duration(text).ok().map(|d| d.as_micros() as f64),
        Unit::Share => units::share(text).ok(),
        Unit::Portion => portion(text),
        Unit::Rate if text == "0" || text == "0/s" => Some(0.0),
        Unit::Rate => units::rate(text).ok(),
        Unit::Count => text.parse::<u32>().ok().map(f64::from),
    };
    read.ok_or_else(|| {
        if text.is_empty() {
            format!("expected a {what}, as in '{name} > {example}'")
        } else {
            format!("{text:?} is no {what}, which {name} is: write it like {example}")
        }
    })
}

/// A share that may be more than all: `250%`, or `2.5`.
fn portion(text: &str) -> Option<f64> {
    let (number, of) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let value = number.parse::<f64>().ok()? / of;
    (0.0..=1e6).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::super::figure::{Span, Stat};
    use super::*;
    use record::Quantile;

    fn wrong(text: &str) -> GateError {
        text.parse::<Gate>().unwrap_err()
    }

    #[test]
    fn gates_are_read_as_people_write_them() {
        let gate: Gate = "p99 > 200ms".parse().unwrap();
        assert_eq!(
            gate.figure,
            Figure::Latency(Span::Response, Stat::At(Quantile::P99))
        );
        assert_eq!((gate.op, gate.limit), (Op::Above, 200_000.0));
        let gate: Gate = r#" service.p99.9{ method = "tools/call", tool="a\"b}" }>=1.5s"#
            .parse()
            .unwrap();
        assert_eq!(gate.labels.tool.as_deref(), Some("a\"b}"));
        assert_eq!(gate.labels.method.as_deref(), Some("tools/call"));
        assert_eq!(gate.limit, 1_500_000.0);
        for (text, limit) in [
            ("error_rate > 1%", 0.01),
            ("error_rate>0.01", 0.01),
            ("rate < 2400/s", 2_400.0),
            ("rate < 2.4k", 2_400.0),
            ("rate == 0", 0.0),
            ("achieved < 99.5%", 0.995),
            ("errors{class=\"timeout\"} != 0", 0.0),
            ("scheduled <= 10", 10.0),
            ("min >= 0", 0.0),
            ("recovery_time{kind=\"kill\"} > 5s", 5_000_000.0),
            ("detect_time{fault=\"f1\"} > 1.5s", 1_500_000.0),
            ("budget_burnt > 250%", 2.5),
            ("budget_burnt > 0.5", 0.5),
            ("calls_lost > 10", 10.0),
            ("p999{} > 1s", 1_000_000.0),
        ] {
            assert!(
                (text.parse::<Gate>().unwrap().limit - limit).abs() < 1e-9,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_column_and_an_example() {
        for (text, column, part) in [
            ("", 1, "as in 'p99 > 200ms'"),
            ("p101 > 1s", 1, "no figure \"p101\""),
            ("  latency > 1s", 3, "there are p50"),
            ("p99 200ms", 5, "expected >, >="),
            ("p99 >> 200ms", 6, "write it like 200ms"),
            ("p99 >", 6, "'p99 > 200ms'"),
            ("p99 > 200", 7, "200ms"),
            ("p99 > 1%", 7, "latency"),
            ("error_rate > 200ms", 14, "share"),
            ("rate < 1%", 8, "2400/s"),
            ("errors > 1.5", 10, "count"),
            ("p99{method=tools} > 1s", 12, "double quotes"),
            ("p99{method=\"x\" > 1s", 16, "expected , or }"),
            ("p99{metod=\"x\"} > 1s", 5, "there is no label \"metod\""),
            ("p99{class=\"timeout\"} > 1s", 5, "errors only"),
            ("errors{class=\"tiemout\"} > 1", 8, "no class"),
            ("knee{tool=\"a\"} < 1/s", 6, "no labels"),
            ("knee < 1%", 8, "2400/s"),
            ("recovery_time > 5", 17, "200ms"),
            ("budget_burnt > -1%", 16, "50%"),
            ("calls_lost{tool=\"a\"} > 1", 12, "fault and kind"),
            ("p99{fault=\"f1\"} > 1s", 5, "what faults did only"),
            ("p99{target=\"a\"} > 1s", 5, "no label of latencies"),
            ("p99{tool=\"a\",tool=\"b\"} > 1s", 14, "twice"),
            ("p99{\u{e4}", 5, "expected a label"),
        ] {
            let error = wrong(text);
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.what.contains(part), "{text}: {error}");
        }
    }
}
