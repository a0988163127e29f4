//! A schema with its references followed and its `allOf` merged, so that it can be built from.

use serde_json::{Map, Value, json};

/// What must hold together, and what is still to be chosen.
#[derive(Clone, Default)]
pub(super) struct Flat {
    pub(super) map: Map<String, Value>,
    pub(super) choices: Vec<Choice>,
    /// The references followed on the way here, first those around this value: meeting one of them
    /// again would never end.
    pub(super) refs: Vec<String>,
    around: usize,
}

/// One of several branches is to be built; `check` says whether the result does it justice, since
/// `oneOf` fails where two branches hold and `if` may hold by accident.
#[derive(Clone)]
pub(super) struct Choice {
    pub(super) branches: Vec<Value>,
    pub(super) check: Value,
}

/// Finds what `#/$defs/Name` points at, or `#name` by its `$anchor`; only within the same schema.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, String> {
    let target = match reference {
        "#" => Some(root),
        _ => reference.strip_prefix('#').and_then(|pointer| {
            root.pointer(pointer)
                .or_else(|| root.pointer(&pointer.replace("%24", "$").replace("%20", " ")))
                .or_else(|| anchored(root, pointer, 0))
        }),
    };
    target.ok_or_else(|| format!("refers to {reference:?}, which is not in the schema"))
}

/// The part of a schema with this `$anchor`.
fn anchored<'a>(schema: &'a Value, name: &str, depth: usize) -> Option<&'a Value> {
    if name.is_empty() || depth > MAX_ANCHOR_DEPTH {
        return None;
    }
    let parts: Vec<&Value> = match schema {
        Value::Object(members) if members.get("$anchor").is_some_and(|a| a == name) => {
            return Some(schema);
        }
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => return None,
    };
    parts
        .into_iter()
        .find_map(|part| anchored(part, name, depth + 1))
}

// A schema is the server's: deeper than this nobody puts an anchor.
const MAX_ANCHOR_DEPTH: usize = 32;

/// Follows references and merges `allOf`.
pub(super) fn flatten(root: &Value, schema: &Value, refs: &[String]) -> Result<Flat, String> {
    let mut flat = Flat {
        refs: refs.to_vec(),
        around: refs.len(),
        ..Flat::default()
    };
    add(root, schema, &mut flat)?;
    Ok(flat)
}

/// Merges another schema into `flat`.
pub(super) fn add(root: &Value, schema: &Value, flat: &mut Flat) -> Result<(), String> {
    let schema = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Bool(false) => return Err("may have no value at all".to_owned()),
        Value::Object(schema) => schema,
        _ => return Err("has a schema that is neither an object nor a boolean".to_owned()),
    };
    for (key, value) in schema {
        match key.as_str() {
            "$ref" => {
                let reference = value.as_str().ok_or("has a $ref that is no string")?;
                match flat.refs.iter().position(|seen| seen == reference) {
                    Some(at) if at < flat.around => {
                        return Err(format!("refers to itself without end ({reference})"));
                    }
                    // Two parts of an allOf may share a base: it is merged once.
                    Some(_) => continue,
                    None => {}
                }
                flat.refs.push(reference.to_owned());
                add(root, resolve(root, reference)?, flat)?;
            }
            "$dynamicRef" | "$recursiveRef" => {
                return Err(format!("uses {key}, which is not understood here"));
            }
            "allOf" => {
                for part in value.as_array().into_iter().flatten() {
                    add(root, part, flat)?;
                }
            }
            "anyOf" | "oneOf" => flat.choices.push(Choice {
                branches: nulls_last(value.as_array().cloned().unwrap_or_default()),
                check: json!({ key: value }),
            }),
            "if" => flat.choices.push(conditional(schema, value)),
            // What must hold where a property is there is a condition on its being there.
            "dependentSchemas" | "dependencies" => {
                for (name, wanted) in value.as_object().into_iter().flatten() {
                    if wanted.is_array() {
                        continue;
                    }
                    let condition = json!({"required": [name]});
                    let mut then = Map::new();
                    then.insert("then".to_owned(), wanted.clone());
                    flat.choices.push(conditional(&then, &condition));
                }
                merge(&mut flat.map, key, value)?;
            }
            "then" | "else" | "$defs" | "definitions" | "title" | "description" | "$schema"
            | "$id" | "$comment" => {}
            _ => merge(&mut flat.map, key, value)?,
        }
    }
    Ok(())
}

/// `if` is a choice between its failing (and `else`) and its holding (and `then`); the first needs
/// nothing built, so it is tried first.
fn conditional(schema: &Map<String, Value>, condition: &Value) -> Choice {
    let then = schema.get("then").cloned().unwrap_or(Value::Bool(true));
    let or_else = schema.get("else").cloned().unwrap_or(Value::Bool(true));
    Choice {
        check: json!({"if": condition, "then": then, "else": or_else}),
        branches: vec![or_else, json!({"allOf": [condition, then]})],
    }
}

fn nulls_last(mut branches: Vec<Value>) -> Vec<Value> {
    branches.sort_by_key(|branch| branch.get("type").is_some_and(|kind| kind == "null"));
    branches
}

/// Adds one keyword; where it is there already, both must hold.
fn merge(map: &mut Map<String, Value>, key: &str, value: &Value) -> Result<(), String> {
    let Some(old) = map.get_mut(key) else {
        map.insert(key.to_owned(), value.clone());
        return Ok(());
    };
    if old == value {
        return Ok(());
    }
    match key {
        "type" => {
            let common = common_types(old, value);
            if common.is_empty() {
                return Err(format!("must be {old} and {value} at once"));
            }
            *old = Value::from(common);
        }
        "enum" => {
            if let (Value::Array(old), Value::Array(new)) = (old, value) {
                old.retain(|item| new.contains(item));
            }
        }
        "const" => return Err(format!("must be {old} and {value} at once")),
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties"
        | "minContains" => keep(old, value, |old, new| new > old),
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties"
        | "maxContains" => keep(old, value, |old, new| new < old),
        // Right where one is a multiple of the other; anything else is caught when the result is checked.
        "multipleOf" => keep(old, value, |old, new| new > old),
        "uniqueItems" => *old = Value::Bool(*old == true || *value == true),
        "required" => {
            if let (Value::Array(old), Value::Array(new)) = (old, value) {
                old.extend(new.iter().cloned());
            }
        }
        "properties" | "patternProperties" => {
            if let (Value::Object(old), Value::Object(new)) = (old, value) {
                for (name, schema) in new {
                    let both = match old.remove(name) {
                        Some(first) => json!({"allOf": [first, schema]}),
                        None => schema.clone(),
                    };
                    old.insert(name.clone(), both);
                }
            }
        }
        "items" | "additionalProperties" | "contains" | "propertyNames" => {
            *old = json!({"allOf": [old.take(), value]});
        }
        "not" => *old = json!({"anyOf": [old.take(), value]}),
        "pattern" => {
            let mut all = patterns(Some(&*old));
            all.extend(patterns(Some(value)));
            *old = Value::from(all);
        }
        // The outer schema's word counts where two only describe: default, examples, format.
        _ => {}
    }
    Ok(())
}

fn keep(old: &mut Value, new: &Value, better: fn(f64, f64) -> bool) {
    if let (Some(a), Some(b)) = (old.as_f64(), new.as_f64())
        && better(a, b)
    {
        *old = new.clone();
    }
}

/// The patterns that a text must match: one, or several where schemas were merged.
pub(super) fn patterns(value: Option<&Value>) -> Vec<String> {
    value.map(types).unwrap_or_default()
}

/// The types that a `type` keyword names.
pub(super) fn types(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

fn common_types(a: &Value, b: &Value) -> Vec<String> {
    let (a, b) = (types(a), types(b));
    let has = |list: &[String], name: &str| list.iter().any(|item| item == name);
    let mut common: Vec<String> = a.iter().filter(|name| has(&b, name)).cloned().collect();
    let number_meets_integer =
        (has(&a, "number") && has(&b, "integer")) || (has(&a, "integer") && has(&b, "number"));
    if number_meets_integer && !has(&common, "integer") {
        common.push("integer".to_owned());
    }
    common
}
