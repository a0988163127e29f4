//! Writes docs/schema/*.json and docs/RECORDS.md from the types: `cargo run -p record --example docs -- docs`.

use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let docs = std::env::args().nth(1).unwrap_or_else(|| "docs".to_owned());
    let docs = Path::new(&docs);
    std::fs::create_dir_all(docs.join("schema"))?;
    for (name, schema) in record::schemas() {
        std::fs::write(
            docs.join(format!("schema/{name}.json")),
            pretty(&schema) + "\n",
        )?;
    }
    std::fs::write(docs.join("RECORDS.md"), manual())
}

fn manual() -> String {
    let mut text = String::from(
        "# The records\n\nWritten by `cargo run -p record --example docs`, from the types in tools/record; \
         the rustdoc there says more. The schemas are in [schema/](schema/).\n\n\
         Every line is one JSON object with `v`, `type`, `run`, `from`, `seq` and `ts_us`; the rest depends on `type`. \
         The unit is in the name. A reader ignores fields that it does not know, and passes on types that it does not know.\n",
    );
    for (name, schema) in record::schemas() {
        let about = schema["description"]
            .as_str()
            .unwrap_or_default()
            .split("```")
            .next()
            .unwrap_or_default();
        let example = record::kind::EXAMPLES
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, line)| line);
        let _ = write!(
            text,
            "\n## `{name}`\n{}\n\n```json\n{example}```\n\n| field | | what it says |\n|---|---|---|\n",
            about.trim()
        );
        rows(&schema, &mut text);
        for (part, definition) in schema["$defs"].as_object().into_iter().flatten() {
            let _ = write!(
                text,
                "\n`{part}`:\n\n| field | | what it says |\n|---|---|---|\n"
            );
            rows(definition, &mut text);
        }
    }
    text
}

fn rows(schema: &Value, text: &mut String) {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (field, about) in schema["properties"].as_object().into_iter().flatten() {
        if ["v", "type", "run", "from", "seq", "ts_us"].contains(&field.as_str()) {
            continue;
        }
        let need = if required.contains(&field.as_str()) {
            "always"
        } else {
            ""
        };
        let sentence = about["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " ");
        let _ = writeln!(text, "| `{field}` | {need} | {sentence} |");
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
