//! Builds a value along its schema, tries the next branch where one leads nowhere, and fills up with text.

use serde_json::{Map, Value};

use super::fill::{Slot, Step};
use super::fits::fits;
use super::flat::{Choice, Flat, add, flatten, types};
use super::number::Bounds;
use super::random::Random;
use super::{Unbuildable, text};

// A tool's schema is a page, not a book: beyond these it is refused.
const MAX_STEPS: usize = 20_000;
const MAX_DEPTH: usize = 48;
// How often a value is made up anew that must differ from others or must not match something.
pub(super) const ATTEMPTS: usize = 16;

pub(super) struct Builder<'a> {
    root: &'a Value,
    pub(super) random: Random,
    steps: usize,
    pub(super) path: Vec<Step>,
    pub(super) slots: Vec<Slot>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(root: &'a Value, seed: u64) -> Self {
        Self {
            root,
            random: Random::new(seed),
            steps: 0,
            path: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// The shortest arguments: what the root schema and `object` both allow.
    pub(super) fn arguments(&mut self, object: &Value) -> Result<Value, Unbuildable> {
        let mut flat = self.flatten(self.root, &[])?;
        self.add(object, &mut flat)?;
        self.choose(flat)
    }

    pub(super) fn stuck<T>(&self, why: impl Into<String>) -> Result<T, Unbuildable> {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) if path.is_empty() => path.push_str(name),
                Step::Name(name) => path.extend([".", name]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        if path.is_empty() {
            path.push_str("the schema");
        }
        let why = why.into();
        Err(Unbuildable { path, why })
    }

    fn flatten(&self, schema: &Value, refs: &[String]) -> Result<Flat, Unbuildable> {
        flatten(self.root, schema, refs).or_else(|why| self.stuck(why))
    }

    fn add(&self, schema: &Value, flat: &mut Flat) -> Result<(), Unbuildable> {
        add(self.root, schema, flat).or_else(|why| self.stuck(why))
    }

    /// Builds the value of `step`, which must obey all `schemas`.
    pub(super) fn member(
        &mut self,
        step: Step,
        schemas: &[&Value],
        refs: &[String],
    ) -> Result<Value, Unbuildable> {
        if self.path.len() >= MAX_DEPTH {
            return self.stuck("is nested too deeply");
        }
        self.path.push(step);
        let built = self.build(schemas, refs);
        // The path of a failure has been written by now.
        self.path.pop();
        built
    }

    fn build(&mut self, schemas: &[&Value], refs: &[String]) -> Result<Value, Unbuildable> {
        let mut flat = self.flatten(&Value::Bool(true), refs)?;
        for schema in schemas {
            self.add(schema, &mut flat)?;
        }
        self.choose(flat)
    }

    /// Takes the first branch of each choice that leads to a value.
    fn choose(&mut self, mut flat: Flat) -> Result<Value, Unbuildable> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return self.stuck("has a schema too large to go through");
        }
        let Some(Choice { branches, check }) = flat.choices.pop() else {
            return self.several_tries(&flat);
        };
        let mut first = None;
        for branch in &branches {
            let slots = self.slots.len();
            let mut narrowed = flat.clone();
            let built = match self.add(branch, &mut narrowed) {
                Ok(()) => self.choose(narrowed),
                Err(stuck) => Err(stuck),
            };
            match built {
                Ok(value) if fits(self.root, &check, &value) => return Ok(value),
                Ok(_) => {}
                Err(stuck) => {
                    first.get_or_insert(stuck);
                }
            }
            self.slots.truncate(slots);
        }
        match first {
            Some(stuck) => Err(stuck),
            None => self.stuck("has alternatives of which none can be built alone"),
        }
    }

    /// `not` says nothing about how to build: it is left to luck.
    fn several_tries(&mut self, flat: &Flat) -> Result<Value, Unbuildable> {
        let Some(not) = flat.map.get("not") else {
            return self.make(flat);
        };
        for _ in 0..ATTEMPTS {
            let slots = self.slots.len();
            let value = self.make(flat)?;
            if !fits(self.root, not, &value) {
                return Ok(value);
            }
            self.slots.truncate(slots);
        }
        self.stuck("must not be what is made up for it")
    }

    fn make(&mut self, flat: &Flat) -> Result<Value, Unbuildable> {
        let map = &flat.map;
        if let Some(value) = self.given(map) {
            return Ok(value);
        }
        if let Some(key) = ["const", "enum"]
            .into_iter()
            .find(|key| map.contains_key(*key))
        {
            return self.stuck(format!("has a {key} that the rest of its schema forbids"));
        }
        let mut kinds = match map.get("type") {
            Some(kinds) => types(kinds),
            None => vec![implied_type(map).to_owned()],
        };
        kinds.sort_by_key(|kind| kind == "null");
        let mut last = None;
        for kind in &kinds {
            let built = match kind.as_str() {
                "null" => Ok(Value::Null),
                "boolean" => Ok(Value::Bool(self.random.below(2) == 1)),
                "integer" | "number" => {
                    match Bounds::of(map).pick(kind == "integer", &mut self.random) {
                        Some(number) => Ok(number),
                        None => self.stuck("has bounds that no number meets"),
                    }
                }
                "string" => self.string(map),
                "array" => self.array(flat),
                "object" => self.object(flat),
                other => self.stuck(format!("is of the type {other:?}, which does not exist")),
            };
            match built {
                Ok(value) => return Ok(value),
                stuck => last = Some(stuck),
            }
        }
        last.unwrap_or_else(|| self.stuck("has a type that is no name of a type"))
    }

    /// A value that the schema itself names: `const`, one of `enum`, an example, the default.
    fn given(&mut self, map: &Map<String, Value>) -> Option<Value> {
        let schema = Value::Object(map.clone());
        let several = |key: &str| map.get(key).and_then(Value::as_array).cloned();
        let one = |key: &str| map.get(key).cloned().map(|value| vec![value]);
        // The root's default would be arguments, but hides the strings that carry payload.
        let named = if self.path.is_empty() {
            [one("const"), several("enum"), None, None, None]
        } else {
            let (examples, example) = (several("examples"), one("example"));
            [
                one("const"),
                several("enum"),
                examples,
                example,
                one("default"),
            ]
        };
        for candidates in named.into_iter().flatten() {
            let fitting: Vec<Value> = candidates
                .into_iter()
                .filter(|candidate| fits(self.root, &schema, candidate))
                .collect();
            if !fitting.is_empty() {
                let index = self.random.below(fitting.len());
                return fitting.into_iter().nth(index);
            }
        }
        None
    }

    fn string(&mut self, map: &Map<String, Value>) -> Result<Value, Unbuildable> {
        match text::sample(map, &mut self.random) {
            Ok(text) => {
                if let Some(room) = text.room {
                    self.slots.push(Slot {
                        path: self.path.clone(),
                        room,
                        optional: false,
                    });
                }
                Ok(text.value.into())
            }
            Err(why) => self.stuck(why),
        }
    }
}

/// What a schema without `type` is about, going by its other keywords.
fn implied_type(map: &Map<String, Value>) -> &'static str {
    const SIGNS: [(&str, &[&str]); 3] = [
        (
            "object",
            &[
                "properties",
                "required",
                "additionalProperties",
                "minProperties",
            ],
        ),
        (
            "array",
            &[
                "items",
                "prefixItems",
                "minItems",
                "contains",
                "uniqueItems",
            ],
        ),
        (
            "number",
            &[
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "exclusiveMaximum",
                "multipleOf",
            ],
        ),
    ];
    SIGNS
        .iter()
        .find(|(_, keys)| keys.iter().any(|key| map.contains_key(*key)))
        .map_or("string", |(kind, _)| kind)
}
