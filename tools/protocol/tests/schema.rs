//! Arguments made up from a schema are valid under it, by the word of a validator that we did not write.
#![allow(clippy::unwrap_used)] // a helper of a test may panic as the test itself

mod fuzz;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::schema::{Want, arguments};
use serde_json::{Value, json};

mod schemas;

fn built(schema: &Value, payload_bytes: usize, seed: u64) -> Value {
    let want = Want {
        payload_bytes,
        seed,
    };
    match arguments(schema, &want) {
        Ok(value) => value,
        Err(why) => panic!("{why}, for {schema:#}"),
    }
}

fn refusal(schema: Value) -> String {
    match arguments(&schema, &Want::default()) {
        Ok(value) => panic!("{value} was made up for {schema}"),
        Err(why) => why.to_string(),
    }
}

#[test]
fn every_schema_of_the_corpus_gets_valid_arguments() {
    for (name, schema) in schemas::corpus() {
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap_or_else(|error| panic!("{name} is no schema: {error}"));
        for seed in 0..40 {
            for payload_bytes in [0, 64, 512, 5_000] {
                let value = built(&schema, payload_bytes, seed);
                assert!(value.is_object(), "{name}: {value}");
                if let Err(error) = validator.validate(&value) {
                    panic!("{name}, seed {seed}, {payload_bytes} bytes: {error} in {value}");
                }
                assert_eq!(value, built(&schema, payload_bytes, seed), "{name}");
            }
        }
    }
}

#[test]
fn payload_goes_into_a_free_string_to_the_byte() {
    let length = |schema: &Value, bytes| built(schema, bytes, 3).to_string().len();
    let required = json!({"type": "object", "properties": {
        "n": {"type": "integer"}, "text": {"type": "string"}, "note": {"type": "string"}
    }, "required": ["n", "text"]});
    assert_eq!(length(&required, 512), 512);
    assert_eq!(built(&required, 512, 3).get("note"), None);

    let optional = json!({"type": "object", "properties": {"note": {"type": "string"}}});
    assert_eq!(length(&optional, 512), 512);
    assert_eq!(built(&optional, 0, 3), json!({}));

    let narrow = json!({"type": "object", "properties": {
        "a": {"type": "string", "maxLength": 20}, "b": {"type": "object", "properties": {
            "deep": {"type": "string"}}, "required": ["deep"]}
    }, "required": ["a", "b"]});
    let value = built(&narrow, 300, 3);
    assert_eq!(value["a"].as_str().unwrap().len(), 20);
    assert_eq!(value.to_string().len(), 300);

    let full = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}, "required": ["a"]});
    assert_eq!(length(&full, 512), r#"{"a":"123456789"}"#.len());
    let fixed = json!({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"]});
    assert_eq!(length(&fixed, 512), r#"{"day":"2026-07-28"}"#.len());
}

#[test]
fn only_what_is_required_is_there_and_seeds_differ() {
    let schema = json!({"type": "object", "properties": {
        "a": {"type": "integer"}, "b": {"type": "integer"}, "mode": {"enum": ["x", "y", "z"]}
    }, "required": ["a", "mode"]});
    let values: Vec<String> = (0..20)
        .map(|seed| built(&schema, 0, seed).to_string())
        .collect();
    assert!(values.iter().all(|value| !value.contains("\"b\"")));
    assert!(values.iter().any(|value| *value != values[0]), "{values:?}");
}

#[test]
fn numbers_stay_small_where_they_may() {
    let schema = json!({"type": "object", "properties": {
        "times": {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}
    }, "required": ["times"]});
    for seed in 0..50 {
        let times = built(&schema, 0, seed)["times"].as_i64().unwrap();
        assert!((1..=10).contains(&times), "{times}");
    }
}

#[test]
fn a_named_example_is_taken_before_anything_made_up() {
    let schema = json!({"type": "object", "properties": {
        "sku": {"type": "string", "pattern": r"(?<=x)y", "examples": ["xy"]},
        "unit": {"type": "string", "default": "metric"},
        "wrong": {"type": "integer", "default": "ten"}
    }, "required": ["sku", "unit", "wrong"]});
    let value = built(&schema, 512, 1);
    assert_eq!(value["sku"], "xy");
    assert_eq!(value["unit"], "metric");
    assert!(
        value["wrong"].is_i64(),
        "a default that is not valid is no help: {value}"
    );
}

#[test]
fn what_cannot_be_made_up_is_named_with_its_path_and_the_way_out() {
    for (schema, words) in [
        (
            json!({"properties": {"order": {"properties": {"items": {"type": "array", "minItems": 1,
                "items": {"properties": {"sku": {"type": "string", "pattern": r"(?<=a)b\1"}},
                "required": ["sku"]}}}, "required": ["items"]}}, "required": ["order"]}),
            vec!["order.items[0].sku", "pattern", "--args"],
        ),
        (
            json!({"$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}},
                "required": ["next"]}}, "$ref": "#/$defs/Node"}),
            vec!["next", "itself without end", "#/$defs/Node", "--args"],
        ),
        (
            json!({"properties": {"a": {"$ref": "https://example.com/x.json"}}, "required": ["a"]}),
            vec!["a refers to", "https://example.com/x.json"],
        ),
        (
            json!({"properties": {"a": {"type": "integer", "minimum": 5, "maximum": 4}}, "required": ["a"]}),
            vec!["a has bounds"],
        ),
        (
            json!({"properties": {"a": false}, "required": ["a"]}),
            vec!["a may have no value"],
        ),
        (
            json!({"required": ["a"], "additionalProperties": false}),
            vec!["a may have no value"],
        ),
        (
            json!({"properties": {"a": {"type": "array", "items": {"type": "boolean"},
                "uniqueItems": true, "minItems": 3}}, "required": ["a"]}),
            vec!["a must have more different items"],
        ),
        (json!({"type": "string"}), vec!["the schema must be"]),
        (json!(7), vec!["neither an object nor a boolean"]),
        (
            json!({"properties": {"a": {"type": "string", "minLength": 100_000_000}}, "required": ["a"]}),
            vec!["at least 100000000 characters"],
        ),
        (
            json!({"properties": {"a": {"type": "array", "minItems": 100_000_000}}, "required": ["a"]}),
            vec!["a must have 100000000 items"],
        ),
        (
            json!({"properties": {"a": {"type": "text"}}, "required": ["a"]}),
            vec!["\"text\"", "does not exist"],
        ),
    ] {
        let sentence = refusal(schema);
        for word in words {
            assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
        }
    }
}

#[test]
fn a_schema_that_explodes_is_given_up() {
    // Each level has two branches of which none can be built: 2^40 ways to fail.
    let mut schema = json!({"type": "string", "pattern": r"\1"});
    for _ in 0..40 {
        schema = json!({"anyOf": [schema, schema]});
        if schema.to_string().len() > 100_000 {
            break;
        }
    }
    assert!(refusal(json!({"properties": {"a": schema}, "required": ["a"]})).contains("--args"));

    let wide = json!({"$defs": {
        "a": {"type": "object", "properties": {"x": {"$ref": "#/$defs/b"}, "y": {"$ref": "#/$defs/b"}}, "required": ["x", "y"]},
        "b": {"type": "array", "minItems": 900, "items": {"type": "array", "minItems": 900, "items": {}}},
    }, "$ref": "#/$defs/a"});
    assert!(refusal(wide).contains("too large"));
}

fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[a-zA-Z0-9_ @-]",
        Just(r"\d".to_owned()),
        Just(r"\w".to_owned()),
        Just(r"\.".to_owned()),
        Just(".".to_owned()),
        Just("[a-f0-9]".to_owned()),
        Just("[^/]".to_owned()),
        Just("[A-Z_.-]".to_owned()),
    ];
    let inner = atom.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "{2,}", "+?"])
            )
                .prop_map(|(node, times)| format!("(?:{node}){times}")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            (inner.clone(), inner).prop_map(|(one, other)| format!("({one}|{other})")),
        ]
    });
    (any::<bool>(), inner, any::<bool>()).prop_map(|(start, inner, end)| {
        let (start, end) = (["", "^"][usize::from(start)], ["", "$"][usize::from(end)]);
        format!("{start}{inner}{end}")
    })
}

fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "null"})),
        Just(json!({"type": "boolean"})),
        Just(json!({})),
        Just(json!(true)),
        (-50_i64..50, 0_i64..30, prop::option::of(1_i64..7)).prop_map(|(low, more, step)| {
            let mut schema = json!({"type": "integer", "minimum": low, "maximum": low + more});
            if let Some(step) = step {
                schema["multipleOf"] = json!(step);
            }
            schema
        }),
        (-5.0_f64..5.0, 0.1_f64..3.0).prop_map(|(low, more)| json!({
            "type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + more})),
        (0_usize..10, 0_usize..30).prop_map(|(least, more)| json!({
            "type": "string", "minLength": least, "maxLength": least + more})),
        pattern().prop_map(|pattern| json!({"type": "string", "pattern": pattern})),
        prop::sample::select(vec![
            "date",
            "date-time",
            "time",
            "uri",
            "email",
            "uuid",
            "ipv4",
            "ipv6",
            "hostname"
        ])
        .prop_map(|format| json!({"type": "string", "format": format})),
        prop::collection::vec("[a-c]{1,2}", 1..4).prop_map(|mut words| {
            words.sort();
            words.dedup();
            json!({"enum": words})
        }),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0_usize..3, 0_usize..3, any::<bool>()).prop_map(|(items, least, more, unique)| json!({
                "type": "array", "items": items, "minItems": least, "maxItems": least + more, "uniqueItems": unique})),
            (prop::collection::btree_map("[a-d]", inner.clone(), 0..4), any::<u8>()).prop_map(|(properties, mask)| {
                let required: Vec<&String> = properties.keys().enumerate()
                    .filter(|(index, _)| mask >> index & 1 == 1).map(|(_, name)| name).collect();
                json!({"type": "object", "required": required, "properties": properties.clone(),
                    "additionalProperties": mask & 128 == 0})
            }),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|branches| json!({"anyOf": branches})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|branches| json!({"oneOf": branches})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|branches| json!({"allOf": branches})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: fuzz::cases(1_000), max_global_rejects: fuzz::cases(500),
        rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default()
    })]

    // Random schemas may allow nothing (a fifth of them does); what is made up must be right all the same. Formats
    // don't bind here: beside a pattern the pattern counts.
    #[test]
    fn what_is_made_up_is_valid_whatever_the_schema(member in any_schema(), seed in any::<u64>(), bytes in 0_usize..400) {
        let schema = json!({"properties": {"a": member}, "required": ["a"]});
        let made_up = arguments(&schema, &Want { payload_bytes: bytes, seed });
        // Too many refusals would fail the test.
        prop_assume!(made_up.is_ok());
        let value = made_up.unwrap();
        let validator = jsonschema::options().should_validate_formats(false).build(&schema).unwrap();
        let verdict = validator.validate(&value);
        prop_assert!(verdict.is_ok(), "{} under {}: {:?}", value, schema, verdict.err().map(|e| e.to_string()));
    }

    #[test]
    fn a_simple_pattern_always_finds_a_text(pattern in pattern(), seed in any::<u64>()) {
        let schema = json!({"properties": {"a": {"type": "string", "pattern": pattern}}, "required": ["a"]});
        let value = arguments(&schema, &Want { payload_bytes: 0, seed });
        prop_assert!(value.is_ok(), "{} : {:?}", schema, value);
        prop_assert!(jsonschema::is_valid(&schema, &value.unwrap()));
    }
}
