//! The JSON Schema of the report, kept in docs/schema/report.json.

use super::Report;
use serde_json::Value;
use std::path::Path;

#[test]
fn the_schema_in_docs_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/report.json");
    let schema = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&schema).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        written, schema,
        "docs/schema/report.json is old: set UPDATE_GOLDEN=1 and test again"
    );
}
