//! Arrays and objects, one member at a time.

use serde_json::{Map, Value, json};

use super::build::{ATTEMPTS, Builder};
use super::fill::{Slot, Step};
use super::fits::{count, item_schemas, member_schemas};
use super::flat::Flat;
use super::{Unbuildable, text};

// A schema may ask for a million items; a call has no use for them.
const MAX_ITEMS: usize = 1_000;

impl Builder<'_> {
    pub(super) fn array(&mut self, flat: &Flat) -> Result<Value, Unbuildable> {
        let map = &flat.map;
        let (prefix, rest) = item_schemas(map);
        let least = count(map, "minItems").unwrap_or(0);
        let most = count(map, "maxItems").unwrap_or(MAX_ITEMS);
        let unique = map.get("uniqueItems") == Some(&Value::Bool(true));
        let contains = map.get("contains");
        let contained = contains.map_or(0, |_| count(map, "minContains").unwrap_or(1));
        if least > MAX_ITEMS || contained > MAX_ITEMS {
            return self.stuck(format!("must have {} items", least.max(contained)));
        }
        // One item more than needed tells a server more than none.
        let length = least.max(prefix.len().max(1)).max(contained).min(most);
        let anything = Value::Bool(true);
        let mut items: Vec<Value> = Vec::new();
        for index in 0..length {
            let mut schemas = vec![prefix.get(index).or(rest).unwrap_or(&anything)];
            if length - index <= contained {
                schemas.extend(contains);
            }
            let slots = self.slots.len();
            let mut built = self.member(Step::Index(index), &schemas, &flat.refs);
            for _ in 0..ATTEMPTS {
                if !(unique && built.as_ref().is_ok_and(|item| items.contains(item))) {
                    break;
                }
                self.slots.truncate(slots);
                built = self.member(Step::Index(index), &schemas, &flat.refs);
            }
            match built {
                Ok(item) if !(unique && items.contains(&item)) => items.push(item),
                _ if index >= least.max(contained) => break,
                Ok(_) => return self.stuck("must have more different items than can be made up"),
                stuck => return stuck,
            }
        }
        if items.len() < least {
            return self.stuck("must have more items than it may have");
        }
        Ok(items.into())
    }

    pub(super) fn object(&mut self, flat: &Flat) -> Result<Value, Unbuildable> {
        let map = &flat.map;
        let anything = Value::Bool(true);
        let mut members = Map::new();
        let mut wanted: Vec<String> = names(map.get("required"));
        let least = count(map, "minProperties").unwrap_or(0);
        let declared = map.get("properties").and_then(Value::as_object);
        let mut spare = declared.into_iter().flat_map(Map::keys).cloned();
        let mut invented = 0;
        while let Some(name) = wanted.pop().or_else(|| {
            (members.len() < least).then(|| {
                let next = spare.by_ref().find(|name| !members.contains_key(name));
                invented += 1;
                next.unwrap_or_else(|| self.invent_name(map, &members, invented))
            })
        }) {
            if members.contains_key(&name) {
                continue;
            }
            if members.len() >= MAX_ITEMS {
                return self.stuck("must have too many properties");
            }
            let mut schemas = member_schemas(map, &name);
            if schemas.is_empty() {
                schemas.push(&anything);
            }
            let value = self.member(Step::Name(name.clone()), &schemas, &flat.refs)?;
            for key in ["dependentRequired", "dependencies"] {
                wanted.extend(names(map.get(key).and_then(|all| all.get(&name))));
            }
            members.insert(name, value);
        }
        if self.path.is_empty() {
            self.note_optional_texts(flat, &members);
        }
        Ok(members.into())
    }

    /// A name for a property that nobody has named, as the schema wants names to be where it does.
    fn invent_name(
        &mut self,
        map: &Map<String, Value>,
        members: &Map<String, Value>,
        number: usize,
    ) -> String {
        let is_closed = map.get("additionalProperties") == Some(&Value::Bool(false));
        let patterns = map.get("patternProperties").and_then(Value::as_object);
        let named = patterns.filter(|_| is_closed).into_iter().flatten();
        let mut wanted: Vec<Value> = named.map(|(p, _)| json!({ "pattern": p })).collect();
        wanted.splice(0..0, map.get("propertyNames").cloned());
        for schema in wanted.iter().filter_map(Value::as_object) {
            let known = schema.get("enum").and_then(Value::as_array);
            let known = known.into_iter().flatten().filter_map(Value::as_str);
            if let Some(name) = known.into_iter().find(|name| !members.contains_key(*name)) {
                return name.to_owned();
            }
            for _ in 0..ATTEMPTS {
                if let Ok(text) = text::sample(schema, &mut self.random)
                    && !members.contains_key(&text.value)
                {
                    return text.value;
                }
            }
        }
        format!("key{number}")
    }

    /// Remembers the tool's optional free strings, for when the required ones hold too little payload.
    fn note_optional_texts(&mut self, flat: &Flat, members: &Map<String, Value>) {
        let declared = flat.map.get("properties").and_then(Value::as_object);
        for (name, schema) in declared.into_iter().flatten() {
            if members.contains_key(name) {
                continue;
            }
            let slots = self.slots.len();
            let built = self.member(Step::Name(name.clone()), &[schema], &flat.refs);
            let free = self.slots.split_off(slots).pop();
            if let (Ok(Value::String(_)), Some(slot)) = (built, free) {
                self.slots.push(Slot {
                    optional: true,
                    ..slot
                });
            }
        }
    }
}

fn names(value: Option<&Value>) -> Vec<String> {
    let names = value.and_then(Value::as_array).into_iter().flatten();
    // Popped from the end, so that they are built in the order of the schema.
    names
        .rev()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}
