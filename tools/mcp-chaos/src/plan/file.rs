//! A plan in a TOML file: `[[fault]]` tables with the same parts as a fault on the command line.

use super::spec::Draft;
use super::{Fault, Plan};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use toml::{Spanned, Value};

/// A larger file is no plan.
const MAX_BYTES: u64 = 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: Option<u64>,
    steady: Option<String>,
    #[serde(default)]
    fault: Vec<Spanned<BTreeMap<String, Value>>>,
}

/// Reads a plan.
///
/// # Errors
/// A sentence, with path and line in front where it is about a line.
pub fn read(path: &Path) -> Result<Plan, String> {
    let told = |e: std::io::Error| format!("--plan {}: {e}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(told)?;
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(told)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!(
            "--plan {}: over 1 MiB, so it is no plan",
            path.display()
        ));
    }
    parse(&path.display().to_string(), &text)
}

/// Reads the text of a plan; `path` stands in front of what is wrong.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &str, text: &str) -> Result<Plan, String> {
    let at = |byte: usize| {
        let before = text.get(..byte).unwrap_or(text);
        format!("{path}:{}", before.matches('\n').count() + 1)
    };
    let file: File = toml::from_str(text).map_err(|e| {
        let place = e
            .span()
            .map_or_else(|| path.to_owned(), |span| at(span.start));
        format!("{place}: {}", e.message())
    })?;
    let faults = file
        .fault
        .into_iter()
        .map(|table| {
            let place = at(table.span().start);
            draft(table.into_inner())
                .and_then(|draft| Fault::of(&draft))
                .map_err(|wrong| format!("{place}: {wrong}"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Plan {
        faults,
        seed: file.seed,
        steady: file.steady,
    })
}

fn draft(table: BTreeMap<String, Value>) -> Result<Draft, String> {
    let mut draft = Draft::default();
    for (key, value) in table {
        let values = match value {
            Value::Array(values) if matches!(key.as_str(), "name" | "replica") => values,
            value => vec![value],
        };
        for value in values {
            let text = match value {
                Value::String(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                Value::Boolean(is) => is.to_string(),
                _ => {
                    return Err(format!(
                        "{key} is a table, a list or a date: give a text or a number"
                    ));
                }
            };
            match key.as_str() {
                "kind" => draft.kind = text,
                "at" => draft.at = text,
                "for" => draft.length = Some(text),
                _ => draft.pairs.push((key.clone(), text)),
            }
        }
    }
    if draft.kind.is_empty() || draft.at.is_empty() {
        return Err(
            "a fault needs kind = \"…\" and at = \"…\", and may say for = \"…\"".to_owned(),
        );
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_the_same_as_the_command_line() {
        let text = "seed = 7\nsteady = \"error_rate < 1% for 5s\"\n\n[[fault]]\nkind = \"kill\"\nreplica = [1, 2]\nat = \"20s\"\n\n\
                    [[fault]]\nkind = \"pause\"\ncount = 2\nat = \"steady+10s\"\nfor = \"5s\"\n";
        let plan = parse("plan.toml", text).unwrap();
        assert_eq!((plan.seed, plan.faults.len()), (Some(7), 2));
        let typed = crate::plan::spec::parse("pause:count=2@steady+10s+5s").unwrap();
        assert_eq!(plan.faults[1].timing, typed.timing);
        assert_eq!(plan.faults[1].choice, typed.choice);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, words) in [
            (
                "seed = 7\n[[fault]]\nkind = \"slay\"\nat = \"1s\"\n",
                "plan.toml:2: no fault is called \"slay\"",
            ),
            (
                "seed = 7\n\n[[fault]]\nkind = \"kill\"\n",
                "plan.toml:3: a fault needs kind",
            ),
            ("seed = 7\nspeed = 3\n", "plan.toml:2: unknown field"),
            ("seed = \n", "plan.toml:1:"),
            (
                "[[fault]]\nkind = \"kill\"\nat = \"1s\"\nname = {}\n",
                "plan.toml:1: name is a table",
            ),
        ] {
            let wrong = parse("plan.toml", text).err().unwrap();
            assert!(wrong.starts_with(words), "{wrong}");
        }
    }
}
