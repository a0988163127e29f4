//! The JSON Schema of a whole line, envelope and body, for each kind.

use crate::kind;
use serde_json::{Map, Value, json};

/// The schema of a line of each kind: (type, schema). docs/schema holds them as files.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    kind::schemas()
        .into_iter()
        .map(|(name, body)| (name, with_envelope(name, body.to_value())))
        .collect()
}

fn with_envelope(name: &str, mut schema: Value) -> Value {
    let envelope = json!({
        "v": { "description": "The version of the format.", "const": crate::VERSION },
        "type": { "description": "The kind of record.", "const": name },
        "run": { "description": "One id for the run of the whole pipeline.", "type": "string" },
        "from": { "description": "Tool and instance.", "type": "string", "pattern": "^[a-z-]+#[0-9a-f]+$" },
        "seq": { "description": "Counts up from 0 within `from`.", "type": "integer", "minimum": 0 },
        "ts_us": { "description": "Unix microseconds at writing.", "type": "integer", "minimum": 0 },
    });
    let required = Value::from(
        ["v", "type", "run", "from", "seq", "ts_us"]
            .map(Value::from)
            .to_vec(),
    );
    if let Some(object) = schema.as_object_mut() {
        merge(object, "properties", envelope);
        let own = object.remove("required").unwrap_or_else(|| json!([]));
        let both = [required, own]
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .cloned()
            .collect();
        object.insert("required".to_owned(), Value::Array(both));
        object.insert("title".to_owned(), Value::from(name));
    }
    schema
}

/// Puts the envelope's properties in front of the body's.
fn merge(object: &mut Map<String, Value>, key: &str, first: Value) {
    let own = object.remove(key);
    let both: Map<String, Value> = [Some(first), own]
        .into_iter()
        .flatten()
        .filter_map(|v| {
            if let Value::Object(m) = v {
                Some(m)
            } else {
                None
            }
        })
        .flatten()
        .collect();
    object.insert(key.to_owned(), Value::Object(both));
}
