//! docs/schema, made stricter: a field that it does not name is an error in a record of our own tools.

use jsonschema::Validator;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// Why a record is not what docs/schema says; `None` where it is.
pub fn fault_of(record: &Value) -> Option<String> {
    let kind = record.get("type")?.as_str()?;
    let Some(schema) = all().get(kind) else {
        return Some(format!("docs/schema has no {kind}.json"));
    };
    let faults: Vec<String> = schema
        .iter_errors(record)
        .map(|e| format!("{} at {}", e, e.instance_path()))
        .collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

fn all() -> &'static BTreeMap<String, Validator> {
    static ALL: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    ALL.get_or_init(|| {
        // Read at run time: a stale copy inside the test would agree with a stale tool.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
        let files = std::fs::read_dir(&folder).expect("docs/schema is there");
        files
            .flatten()
            .map(|file| {
                let bytes = std::fs::read(file.path()).expect("a schema can be read");
                let mut schema: Value = serde_json::from_slice(&bytes).expect("a schema is JSON");
                close(&mut schema);
                let name = file
                    .path()
                    .file_stem()
                    .map(|s| s.to_string_lossy().into_owned());
                let validator = jsonschema::validator_for(&schema).expect("a schema is a schema");
                (name.unwrap_or_default(), validator)
            })
            .collect()
    })
}

/// Forbids all properties that are not named, at every depth.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_all_kinds_pass_and_a_field_too_many_does_not() {
        for (kind, line) in record::kind::EXAMPLES {
            let mut value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(fault_of(&value), None, "{kind}");
            value["surprise"] = 1.into();
            assert!(fault_of(&value).is_some(), "{kind}");
        }
    }
}
