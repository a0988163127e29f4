//! The prompts, and the completion of their arguments.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::params::{Argument, Reference};
use crate::reply::push_json;
use crate::resources::TEMPLATE;

/// Suggestions per argument: (prompt or template, argument, values).
const SUGGESTIONS: [(&str, &str, &[&str]); 3] = [
    (
        "greeting",
        "name",
        &["Ada", "Alan", "Barbara", "Edsger", "Grace", "Joe"],
    ),
    ("summary", "style", &["bullets", "long", "short"]),
    (TEMPLATE, "n", &["0", "64", "512", "4096", "65536"]),
];

/// The prompts as JSON texts for `prompts/list`.
pub(crate) fn listed() -> Vec<String> {
    vec![
        String::from(
            r#"{"name":"greeting","description":"Greets somebody.","arguments":[{"name":"name","description":"who is greeted","required":true}]}"#,
        ),
        String::from(
            r#"{"name":"summary","description":"Asks for a summary.","arguments":[{"name":"text","description":"what is summed up","required":true},{"name":"style","description":"short, long or bullets","required":false}]}"#,
        ),
    ]
}

/// The fields of a `prompts/get` result.
///
/// # Errors
/// The sentence for -32602: an unknown prompt, or an argument that is missing or no string.
pub(crate) fn get(name: &str, arguments: Option<&RawValue>) -> Result<String, String> {
    let arguments: HashMap<String, String> = match arguments {
        None => HashMap::new(),
        Some(raw) => serde_json::from_str(raw.get())
            .map_err(|_| String::from("the arguments of a prompt are an object of strings"))?,
    };
    let required = |argument: &str| {
        arguments
            .get(argument)
            .ok_or_else(|| format!("the prompt {name} needs the argument {argument}"))
    };
    let (about, text) = match name {
        "greeting" => (
            "A greeting.",
            format!(
                "Please greet {} in one friendly sentence.",
                required("name")?
            ),
        ),
        "summary" => (
            "A summary.",
            format!(
                "Please sum this up ({}): {}",
                arguments.get("style").map_or("short", String::as_str),
                required("text")?
            ),
        ),
        _ => return Err(String::from("no such prompt: prompts/list names them")),
    };
    let mut fields = format!(
        r#""description":"{about}","messages":[{{"role":"user","content":{{"type":"text","text":"#
    );
    push_json(&mut fields, &text);
    fields.push_str("}}]");
    Ok(fields)
}

/// The fields of a `completion/complete` result: what begins with the text typed so far.
///
/// # Errors
/// The sentence for -32602: nothing of that name to complete.
pub(crate) fn complete(
    reference: &Reference<'_>,
    argument: &Argument<'_>,
) -> Result<String, String> {
    let about = match &*reference.kind {
        "ref/prompt" => reference.name.as_deref(),
        "ref/resource" => reference.uri.as_deref(),
        _ => return Err(String::from("ref.type is ref/prompt or ref/resource")),
    };
    let (.., values) = SUGGESTIONS
        .iter()
        .find(|(of, name, _)| Some(*of) == about && *name == &*argument.name)
        .ok_or_else(|| String::from("nothing to complete: no such prompt, template or argument"))?;
    let found: Vec<&str> = values
        .iter()
        .copied()
        .filter(|value| value.starts_with(&*argument.value))
        .collect();
    let mut list = String::new();
    for value in &found {
        if !list.is_empty() {
            list.push(',');
        }
        push_json(&mut list, value);
    }
    Ok(format!(
        r#""completion":{{"values":[{list}],"total":{},"hasMore":false}}"#,
        found.len()
    ))
}
