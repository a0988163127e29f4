//! The format as a stranger sees it: examples, schemas and the written documents agree.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use record::{Body, Histogram, Record};
use serde_json::Value;

fn schema_of(name: &str) -> Value {
    record::schemas()
        .into_iter()
        .find(|(n, _)| *n == name)
        .unwrap()
        .1
}

#[test]
fn every_kind_has_an_example_that_fits_its_schema_and_reads_back_as_it_was() {
    for (name, line) in record::kind::EXAMPLES {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["type"], *name);
        let schema = schema_of(name);
        assert!(jsonschema::is_valid(&schema, &value), "{name}: {line}");
        let known = schema["properties"].as_object().unwrap();
        for field in value.as_object().unwrap().keys() {
            assert!(
                known.contains_key(field),
                "{name}.{field} is in the example but not in the schema"
            );
        }
        let record = Record::parse(line.as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&record).unwrap(), value, "{name}");
        assert_eq!(
            record::peek(line.as_bytes()),
            record::Peek::Type((*name).into())
        );
        assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
    }
    assert_eq!(record::kind::EXAMPLES.len(), Body::TYPES.len());
}

#[test]
fn a_percentile_in_an_example_is_that_of_its_histogram() {
    let (_, line) = record::kind::EXAMPLES
        .iter()
        .find(|(n, _)| *n == "interval")
        .unwrap();
    let Body::Interval(interval) = Record::parse(line.as_bytes()).unwrap().body else {
        panic!()
    };
    let response = interval.response.unwrap();
    assert_eq!(response.histogram().unwrap().with_hdr(), response);
    let mut h = Histogram::default();
    for us in [87, 112, 240] {
        h.record(us);
    }
    assert_eq!(h.with_hdr(), response);
}

#[test]
fn a_target_needs_only_type_and_url() {
    let line = br#"{"type":"target","url":"ws://127.0.0.1:5555/mcp"}"#;
    let Body::Target(target) = Record::parse(line).unwrap().body else {
        panic!()
    };
    assert_eq!(target.key(), "ws://127.0.0.1:5555/mcp");
    assert!(!target.is_gone());
}

#[test]
fn the_schemas_in_docs_are_those_of_the_types() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    for (name, schema) in record::schemas() {
        let text = std::fs::read_to_string(docs.join(format!("{name}.json"))).unwrap_or_default();
        let written: Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(
            written, schema,
            "docs/schema/{name}.json is old: run `cargo run -p record --example docs -- docs`"
        );
    }
}
