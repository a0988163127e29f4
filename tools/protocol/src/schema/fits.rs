//! Whether a value is valid under a schema: the check behind everything that is made up here.
//!
//! Formats are taken on trust, and so is a pattern that is beyond [`super::regex`].

use serde_json::{Map, Value};

use super::flat::{patterns, resolve, types};
use super::number;
use super::regex::Regex;

// A reference that only leads to itself, or branches within branches within branches: the answer is "no".
const MAX_DEPTH: usize = 96;
const MAX_STEPS: usize = 200_000;

/// Whether `value` is valid under `schema`, whose references point into `root`.
pub(super) fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    Check { root, steps: 0 }.schema(schema, value, 0)
}

struct Check<'a> {
    root: &'a Value,
    steps: usize,
}

impl Check<'_> {
    fn schema(&mut self, schema: &Value, value: &Value, depth: usize) -> bool {
        self.steps += 1;
        if depth > MAX_DEPTH || self.steps > MAX_STEPS {
            return false;
        }
        let schema = match schema {
            Value::Bool(allowed) => return *allowed,
            Value::Object(schema) => schema,
            _ => return false,
        };
        self.combined(schema, value, depth + 1)
            && scalar(schema, value)
            && match value {
                Value::Array(items) => self.array(schema, items, depth + 1),
                Value::Object(members) => self.object(schema, members, depth + 1),
                _ => true,
            }
    }

    fn combined(&mut self, schema: &Map<String, Value>, value: &Value, depth: usize) -> bool {
        let branches = |key: &str| schema.get(key).and_then(Value::as_array);
        if let Some(reference) = schema.get("$ref") {
            let target = reference.as_str().map(|text| resolve(self.root, text));
            let Some(Ok(target)) = target else {
                return false;
            };
            if !self.schema(target, value, depth) {
                return false;
            }
        }
        if let Some(all) = branches("allOf")
            && !all.iter().all(|branch| self.schema(branch, value, depth))
        {
            return false;
        }
        if let Some(any) = branches("anyOf")
            && !any.iter().any(|branch| self.schema(branch, value, depth))
        {
            return false;
        }
        if let Some(one) = branches("oneOf") {
            let holding = one
                .iter()
                .filter(|branch| self.schema(branch, value, depth));
            if holding.count() != 1 {
                return false;
            }
        }
        if let Some(not) = schema.get("not")
            && self.schema(not, value, depth)
        {
            return false;
        }
        if let Some(condition) = schema.get("if") {
            let branch = if self.schema(condition, value, depth) {
                "then"
            } else {
                "else"
            };
            if let Some(branch) = schema.get(branch) {
                return self.schema(branch, value, depth);
            }
        }
        true
    }

    fn array(&mut self, schema: &Map<String, Value>, items: &[Value], depth: usize) -> bool {
        let (prefix, rest) = item_schemas(schema);
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = prefix.get(index).or(rest)
                && !self.schema(schema, item, depth)
            {
                return false;
            }
        }
        if let Some(contains) = schema.get("contains") {
            let found = items
                .iter()
                .filter(|item| self.schema(contains, item, depth))
                .count();
            let least = count(schema, "minContains").unwrap_or(1);
            if found < least || count(schema, "maxContains").is_some_and(|most| found > most) {
                return false;
            }
        }
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        within(schema, items.len(), "minItems", "maxItems")
            && !(unique && (1..items.len()).any(|at| items[..at].contains(&items[at])))
    }

    fn object(
        &mut self,
        schema: &Map<String, Value>,
        members: &Map<String, Value>,
        depth: usize,
    ) -> bool {
        let has = |name: &Value| name.as_str().is_some_and(|name| members.contains_key(name));
        let required = schema.get("required").and_then(Value::as_array);
        if required.is_some_and(|names| !names.iter().all(has)) {
            return false;
        }
        for (name, value) in members {
            for schema in member_schemas(schema, name) {
                if !self.schema(schema, value, depth) {
                    return false;
                }
            }
            if let Some(names) = schema.get("propertyNames")
                && !self.schema(names, &Value::from(name.as_str()), depth)
            {
                return false;
            }
        }
        for key in ["dependentRequired", "dependentSchemas", "dependencies"] {
            let dependent = schema.get(key).and_then(Value::as_object);
            for (name, wanted) in dependent.into_iter().flatten() {
                let holds = match wanted {
                    _ if !members.contains_key(name) => true,
                    Value::Array(names) => names.iter().all(has),
                    other => self.schema(other, &Value::Object(members.clone()), depth),
                };
                if !holds {
                    return false;
                }
            }
        }
        within(schema, members.len(), "minProperties", "maxProperties")
    }
}

/// The schemas of the first items, and of all others.
pub(super) fn item_schemas(schema: &Map<String, Value>) -> (&[Value], Option<&Value>) {
    match (schema.get("prefixItems"), schema.get("items")) {
        (Some(Value::Array(prefix)), rest) => (prefix, rest),
        // Draft-07 wrote both in one keyword.
        (None, Some(Value::Array(prefix))) => (prefix, schema.get("additionalItems")),
        (_, rest) => (&[], rest),
    }
}

/// The schemas that a property must obey, declared ones or, where there are none, those for others.
pub(super) fn member_schemas<'a>(schema: &'a Map<String, Value>, name: &str) -> Vec<&'a Value> {
    let declared = schema.get("properties").and_then(|all| all.get(name));
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let mut found: Vec<&Value> = declared.into_iter().collect();
    for (pattern, schema) in patterns.into_iter().flatten() {
        if Regex::parse(pattern).is_some_and(|regex| regex.is_match(name)) {
            found.push(schema);
        }
    }
    if found.is_empty() {
        found.extend(schema.get("additionalProperties"));
    }
    found
}

fn scalar(schema: &Map<String, Value>, value: &Value) -> bool {
    if let Some(kinds) = schema.get("type")
        && !types(kinds).iter().any(|kind| is_of_type(value, kind))
    {
        return false;
    }
    if schema.get("const").is_some_and(|only| !same(only, value)) {
        return false;
    }
    let choices = schema.get("enum").and_then(Value::as_array);
    if choices.is_some_and(|choices| !choices.iter().any(|choice| same(choice, value))) {
        return false;
    }
    match value {
        Value::String(text) => {
            within(schema, text.chars().count(), "minLength", "maxLength")
                && patterns(schema.get("pattern"))
                    .iter()
                    .all(|pattern| Regex::parse(pattern).is_none_or(|regex| regex.is_match(text)))
        }
        Value::Number(number) => number
            .as_f64()
            .is_none_or(|number| number::Bounds::of(schema).admit(number)),
        _ => true,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    // 1 and 1.0 are one number in JSON Schema and two in serde_json.
    a == b || (a.is_number() && b.is_number() && a.as_f64() == b.as_f64())
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// A count that a schema gives; servers also write 3.0.
pub(super) fn count(schema: &Map<String, Value>, key: &str) -> Option<usize> {
    let number = schema.get(key)?.as_f64()?;
    (number >= 0.0).then_some(number as usize)
}

fn within(schema: &Map<String, Value>, length: usize, least: &str, most: &str) -> bool {
    count(schema, least).is_none_or(|least| length >= least)
        && count(schema, most).is_none_or(|most| length <= most)
}
